"""Words that an open recognizer makes up: what it writes where nobody said anything.

Models trained on subtitles of the whole web fill silence and noise with what subtitles end in
("Thanks for watching!"), repeat themselves, or write a sentence for a click. Such a text is better
not heard at all: the conversation goes on as after a noise.
"""

import re
import unicodedata
import zlib

from voice.audio import HEARING_RATE, Pcm

SHORTEST = HEARING_RATE // 10
"""Samples: in less than 100 ms nobody says a word."""

SILENCE = 33
"""A sample up to this (-60 dBFS) is silence; the quietest talk that voice activity lets through is
ten times louder."""

NO_SPEECH = 0.6
"""Probability of silence from which doubtful words count as made up, as Whisper's authors have it
(Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 4.5)."""

SURELY_NO_SPEECH = 0.9
"""From here on the words do not matter."""

LEAST_LOG_PROBABILITY = -1.0
"""Mean log probability a token, same source: below it Whisper's own tools try again with chance,
which takes seconds and makes up more. Here it was not heard."""

DOUBTFUL_LOG_PROBABILITY = -0.5
"""With NO_SPEECH: words that sure are kept although the model hears silence, too."""

MOST_COMPRESSED = 2.4
"""Bytes of the text for each byte of it compressed, same source. Speech reaches 1.7."""

REPEATS = 5
"""A phrase of one to four words that often in a row: four times "no" is still a person."""

LETTERS_A_SECOND = 35
"""The fastest talkers reach 25."""

_ECHOED = 5
"""So many words in a row from the prompt are the prompt, not speech: hints are a list of names."""

PHANTOMS = frozenset(
    {
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "thank you very much for watching",
        "thanks for listening to the video",
        "please subscribe",
        "please subscribe to my channel",
        "subscribe to my channel",
        "like and subscribe",
        "please like and subscribe",
        "dont forget to subscribe",
        "dont forget to like and subscribe",
        "see you in the next video",
        "ill see you in the next video",
        "see you next time bye",
        "to be continued",
        "music",
        "music playing",
        "applause",
        "laughter",
        "silence",
        "blank audio",
        "inaudible",
        "foreign",
    }
)
"""Whole texts, without signs and capitals, that nobody says to an agent."""

DOUBTFUL_PHANTOMS = frozenset({"you", "thank you", "thanks", "bye", "okay", "so", "oh", "the end"})
"""People say these, too: made up only where the model also hears silence (over 0.3)."""

_DOUBTFUL_NO_SPEECH = 0.3

_CREDITS = re.compile(
    r"^(subtitles?|captions?|closed captions?|transcri(bed|ption|pt)|translat(ed|ion)) (by|from)\b"
    r"|\bamara org\b|^copyright\b|^all rights reserved"
    r"|^(untertitel|sous titres|subtitulos|sottotitoli|legendas|ondertiteld?|ondertiteling)\b"
)
"""Credits below a film, as several languages begin them."""

_SOUND = re.compile(r"^\s*[\[(*♪♫].*[\])*♪♫]\s*$")  # "[Music]", "(applause)", "♪ la la ♪"


def holds_speech(samples: Pcm) -> bool:
    """Whether it is worth asking: long enough for a word, and not silent."""
    return len(samples) >= SHORTEST and bool(
        (samples.max() > SILENCE) or (samples.min() < -SILENCE)
    )


def invented(
    text: str,
    seconds: float,
    *,
    prompt: str = "",
    no_speech: float = 0.0,
    log_probability: float = 0.0,
) -> str:
    """Why the text was made up rather than said; "" if it was said.

    seconds: how long the utterance is. prompt: the hints that the model was given.
    no_speech, log_probability: what the model says of itself; left out where it does not tell.
    """
    words = plain_words(text)
    plain = " ".join(words)
    if not words or _SOUND.match(text):
        return "no words"
    if no_speech > SURELY_NO_SPEECH:
        return "no speech"
    if no_speech > NO_SPEECH and log_probability < DOUBTFUL_LOG_PROBABILITY:
        return "no speech"
    if log_probability < LEAST_LOG_PROBABILITY:
        return "improbable"
    if plain in PHANTOMS or _CREDITS.search(plain):
        return "phantom phrase"
    if plain in DOUBTFUL_PHANTOMS and no_speech > _DOUBTFUL_NO_SPEECH:
        return "phantom phrase"
    if repeats(words) or _compression(text) > MOST_COMPRESSED:
        return "repetition"
    if sum(map(len, words)) > LETTERS_A_SECOND * max(seconds, 0.2):
        return "too fast for speech"
    if len(words) >= _ECHOED and f" {plain} " in f" {' '.join(plain_words(prompt))} ":
        return "echo of the prompt"
    return ""


def plain_words(text: str) -> list[str]:
    """The words in small letters, without accents, apostrophes and signs."""
    folded = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return re.findall(r"\w+", re.sub(r"['\u2019]", "", letters))


def repeats(words: list[str]) -> bool:
    """Whether most of it is one phrase over and over."""
    for length in range(1, 5):
        run = length
        for at in range(length, len(words)):
            run = run + 1 if words[at] == words[at - length] else length
            if run >= REPEATS * length and 2 * run > len(words):
                return True
    return False


def _compression(text: str) -> float:
    data = text.encode()
    return len(data) / len(zlib.compress(data))
