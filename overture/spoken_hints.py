"""The agent's own words for recognizers of open speech: names that they would else misspell."""

from collections.abc import Iterator

from overture.agent_folder import Agent

LONGEST = 400
"""Characters: about half of the 224 tokens that Whisper heeds; the session's prompt follows."""


def spoken_hints(agent: Agent) -> str:
    """The agent's name, then what its intents' slots can be, as one list of words."""
    hints = ""
    for word in dict.fromkeys(_words(agent)):
        longer = f"{hints}, {word}" if hints else word
        if len(longer) < LONGEST:
            hints = longer
    return f"{hints}."


def _words(agent: Agent) -> Iterator[str]:
    yield agent.settings.name
    for file in agent.intents:
        for intent in file.intents.values():
            for slot in intent.slots.values():
                yield from slot.values
