"""The agent's own words for recognizers of open speech: names that they would else misspell."""

from collections.abc import Iterator

from intents.words import words_of
from overture.agent_folder import Agent

LONGEST = 400
"""Characters: about half of the 224 tokens that Whisper heeds; the session's prompt follows."""

LONGEST_VALUE = 3
"""Words of a value: longer ones are phrases that anybody can spell."""


def spoken_hints(agent: Agent) -> str:
    """The agent's name, then what its intents' slots can be, as one list of words."""
    hints = agent.settings.name
    known = set(words_of(hints))
    for value in _values(agent):
        words = words_of(value)
        longer = f"{hints}, {value}"
        if known.issuperset(words) or len(words) > LONGEST_VALUE or len(longer) >= LONGEST:
            continue
        known.update(words)
        hints = longer
    return f"{hints}."


def _values(agent: Agent) -> Iterator[str]:
    for file in agent.intents:
        for intent in file.intents.values():
            for slot in intent.slots.values():
                yield from slot.values
