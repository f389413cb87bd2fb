"""One turn as the person lives it: an order is spoken, a reply is heard."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from bench.realtime_client import NoEventError, RealtimeClient
from bench.recordings import Recording

REPLY_LIMIT = 8.0
"""Seconds after the last word in which a reply must be heard, else the turn went unanswered."""

ANSWER_LIMIT = 40.0
"""Seconds an answer may take to be spoken to its end."""

SETTLED = 1.5
"""Seconds after the last word within which the rest of a turn cut short ends as a second one."""


@dataclass(slots=True)
class Turn:
    """What became of one recording.

    All times are from its last speech sample, None when it was cut short or not answered:
    end_of_turn_ms: until the client is told that the turn has ended.
    first_audio_ms: until the reply's first audio arrives, audible or not.
    voice_to_voice_ms: until the reply's first audible sample.
    commits: user turns the server made of it.
    cut_short: a reply was heard before the last speech sample, or it became two turns.
    """

    recording: str
    end_of_turn_ms: float | None = None
    first_audio_ms: float | None = None
    voice_to_voice_ms: float | None = None
    commits: int = 0
    cut_short: bool = False
    heard: str = ""
    reply: str = ""
    gaps_ms: tuple[float, ...] = ()
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def give_script(client: RealtimeClient, recording: Recording, start: int) -> None:
    """Tells the scripted recognizer what will be spoken from microphone sample `start` on."""
    began = client.seconds_of(start)
    words = [
        [word.text, *(round(max(0.0, began + at), 3) for at in (word.start, word.end))]
        for word in recording.words
    ]
    client.update({"transcription": {"model": "scripted", "prompt": orjson.dumps(words).decode()}})


async def speak(client: RealtimeClient, recording: Recording, *, scripted: bool) -> Turn:
    """Plays the recording and listens until the reply was heard to its end."""
    turn = Turn(recording.name)
    try:
        await client.quiet(ANSWER_LIMIT)  # a greeting, or an answer to a noise
    except NoEventError as problem:
        turn.problem = str(problem)
        return turn
    log, ear = client.log, client.ear
    commits, transcripts, replies, gaps = (
        len(log.committed),
        len(log.transcripts),
        len(log.responses),
        len(ear.gaps),
    )
    start = client.microphone.play(recording.samples)
    if scripted:
        give_script(client, recording, start)
    first, last = client.time_of(start + recording.first), client.time_of(start + recording.last)
    try:
        reply = await client.first_audible(first, last - time.monotonic() + REPLY_LIMIT)
        await client.quiet(ANSWER_LIMIT)
        if reply < last or time.monotonic() < last:
            await asyncio.sleep(last + SETTLED - time.monotonic())
            await client.quiet(ANSWER_LIMIT)
    except NoEventError as problem:
        turn.problem = str(problem)
    else:
        turn.commits = len(log.committed) - commits
        turn.cut_short = reply < last or turn.commits > 1
        if not turn.cut_short:
            turn.voice_to_voice_ms = (reply - last) * 1000
            turn.first_audio_ms = (ear.first_audio(first) - last) * 1000
            if turn.commits:
                turn.end_of_turn_ms = (log.committed[commits] - last) * 1000
    turn.heard = " | ".join(log.transcripts[transcripts:])
    turn.reply = " | ".join(r.text for r in list(log.responses.values())[replies:])
    turn.gaps_ms = tuple(round(gap.seconds * 1000, 1) for gap in ear.gaps[gaps:])
    return turn
