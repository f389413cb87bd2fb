"""A conversation spoken with the real server, in its journal and through the machine again."""

import asyncio

import numpy as np

from sessions.journal_files import records, session_of
from sessions.journal_reading import Recording, read_record
from sessions.replaying import replay
from tests.server.realtime.test_turns import play
from tests.support.recordings import speak
from tests.support.serving import PATIENCE, Serving, Stage
from tests.support.wire_client import pcm_24k, silence, wire_client


def written(stage: Stage, session: str) -> Recording | None:
    """The session's record once its end is on the disk."""
    for path in records(stage.data_dir / "journal"):
        if session_of(path) == session:
            recording = read_record(path)
            if recording.steps and type(recording.steps[-1].event).__name__ == "SessionClosed":
                return recording
    return None


async def test_a_spoken_session_is_recorded_and_replays_exactly(
    stage: Stage, serving: Serving
) -> None:
    async with asyncio.timeout(2 * PATIENCE):
        async with wire_client(serving, session="sess_recorded", user="ann") as client:
            question = pcm_24k(speak("when do you close on sunday"))
            await play(client, np.concatenate([question, silence(1.5)]))
            await client.until("response.done")
            await client.send({"type": "session.update", "session": {"instructions": "be brief"}})
            await client.until("session.updated")
            await client.send({"type": "response.create"})
            await client.until("response.output_audio.delta")
            await client.send({"type": "response.cancel"})
            await client.until("response.done")
        while (recording := written(stage, "sess_recorded")) is None:
            await asyncio.sleep(0.05)  # the journal is written behind the talk
    assert recording.heading.user == "ann"
    assert replay(recording) is None
    heard = [note.content["text"] for note in recording.notes if note.kind == "Transcribed"]
    assert "close" in heard[0]
    ended = [note.content["status"] for note in recording.notes if note.kind == "ResponseEnded"]
    assert ended == ["completed", "cancelled"]
