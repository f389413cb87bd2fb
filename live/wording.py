"""What the agent says of its own accord, and words that are no more than sounds."""

import json

from intents.words import words_of
from knowledge.passages import AnswerSentence
from voice.sentences import split_sentences

CANNOT_HEAR = "I'm sorry, my hearing failed me just now. Could you say that again?"
CANNOT_ANSWER = "I'm sorry, I can't look that up right now. Please try again in a moment."
NOTHING_TO_REPEAT = "I haven't said anything yet."
ANYTHING_ELSE = "Is there anything else I can help you with?"
DONE = "That's done."
NOT_DONE = "I'm sorry, that didn't work."

MAX_OUTPUT_WORDS = 600
"""Characters of a function's output that are said: half a minute; more is no answer to a person."""

_FLOOR_WORDS = frozenset(
    {"stop", "wait", "no", "hold", "hang", "excuse", "sorry", "enough", "never", "tell"}
    | {"actually", "but", "hey", "hello", "listen", "can", "could", "do", "does", "is"}
    | {"what", "when", "where", "who", "why", "how", "which"}
)
"""How people begin when they cut in; what a recognizer makes of a cough or a door does not."""
ENOUGH_WORDS = 3
"""So many words in a row are no cough, whatever they mean."""


def wants_the_floor(text: str) -> bool:
    """Whether words said over the agent are meant to stop it, as far as their form tells.

    "Mm-hm" and "right" are not, nor are the few meaningless words that noise is heard as.
    """
    words = words_of(text)  # some engines write "Wait,"
    return len(words) >= ENOUGH_WORDS or (bool(words) and words[0] in _FLOOR_WORDS)


def as_sentences(text: str) -> tuple[AnswerSentence, ...]:
    """Words of the agent's own, which rest on no document."""
    return tuple(AnswerSentence(sentence) for sentence in split_sentences(text))


def words_of_output(output: str, otherwise: str) -> str:
    """What to say of a function's output where no language model reads it.

    Plain words and JSON strings are said as they are; of a JSON object its "say" or "message";
    one with an "error" did not work. Anything else: `otherwise`, or that it is done.
    """
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        value = output
    if isinstance(value, dict):
        found = next((value[key] for key in ("say", "message") if value.get(key)), None)
        value = NOT_DONE if found is None and value.get("error") else found
    if isinstance(value, str) and value.strip():
        return value.strip()[:MAX_OUTPUT_WORDS]
    return otherwise or DONE
