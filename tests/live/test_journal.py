"""What a live session leaves in the journal: all that replay needs, and no sound."""

from dataclasses import replace

import orjson
import pytest

from conversation import TurnPolicy
from conversation import events as e
from knowledge.passages import Question
from live.config import SessionConfig
from live.recorder import RecordedAnswerer
from sessions.journal import Heading, Record, note
from sessions.journal_reading import Recording, read_record
from sessions.replaying import replay
from tests.support.talking import KeptInMind, Talk, scripted_parts, talking

QUESTION = "when do you close on sunday"


class InMemory:
    """A journal of one session."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def begin(self, heading: Heading) -> Record:
        return Record(self, heading)

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def break_off(self, reason: str) -> None:
        raise AssertionError(reason)


@pytest.fixture
def journal() -> InMemory:
    return InMemory()


@pytest.fixture
def read(journal: InMemory, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    def read() -> Recording:
        path = tmp_path_factory.mktemp("journal") / "s.jsonl"
        path.write_bytes(b"".join(journal.lines))
        return read_record(path)

    return read


async def a_lively_talk(talk: Talk) -> None:
    """A question, an order that is interrupted, settings changed, a cough, silence."""
    await talk.says(QUESTION)
    await talk.until_quiet()
    await talk.says("i'd like a large latte with soy milk")
    await talk.silence(1.0)
    await talk.says("no make it medium")
    await talk.until_quiet()
    policy = TurnPolicy(idle_timeout_ms=2000)
    talk.session.update(replace(talk.session.config, policy=policy))
    await talk.waits(1.0)
    await talk.silence(4.0)
    await talk.until_quiet()


async def test_a_spoken_session_replays_exactly(journal: InMemory, read) -> None:  # type: ignore[no-untyped-def]
    async with talking(replace(scripted_parts(), journal=journal)) as talk:
        await a_lively_talk(talk)
    recording = read()
    assert replay(recording) is None
    assert {type(step.event) for step in recording.steps} >= {
        e.SpeechStarted,
        e.SilenceGrew,
        e.WordsHeard,
        e.PlayoutAdvanced,
        e.PolicyChanged,
        e.Tick,
        e.SessionClosed,
    }


async def test_it_says_what_was_heard_asked_found_and_answered(journal: InMemory, read) -> None:  # type: ignore[no-untyped-def]
    async with talking(replace(scripted_parts(), journal=journal)) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        answer = talk.answers[0]
    recording = read()
    notes = {each.kind: each.content for each in recording.notes}
    assert notes["Transcribed"]["text"] == QUESTION
    assert notes["asked"]["text"] == QUESTION
    assert notes["answered"][0][0] == "AnswerSentence"
    passage = notes["SourcesFound"]["sources"][0]
    assert passage["document"] == "opening-hours.md"
    assert isinstance(passage["score"], float)
    assert notes["ResponseEnded"]["item"]["text"] == answer
    heading = recording.heading
    assert (heading.session, heading.user, heading.agent) == ("test", "u42", "cafe")
    times = [step.now for step in recording.steps]
    assert times == sorted(times)
    assert heading.clock <= times[0]


async def test_no_sound_is_in_it(journal: InMemory) -> None:
    async with talking(replace(scripted_parts(), journal=journal)) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        seconds = talk.played_s
    assert sum(map(len, journal.lines)) < seconds * 24_000
    assert {orjson.loads(line)[0] for line in journal.lines[1:]} == {"e", "n"}


async def test_settings_made_before_the_session_begins_are_in_its_heading(
    journal: InMemory,
    read,  # type: ignore[no-untyped-def]
) -> None:
    policy = TurnPolicy(manual=True)
    parts = replace(scripted_parts(), journal=journal)
    async with talking(parts, SessionConfig(policy=policy)) as talk:
        await talk.waits(0.1)
    assert read().heading.policy == policy


async def test_a_conversation_gone_on_with_has_a_record_of_its_own_under_its_own_user(
    journal: InMemory,
    read,  # type: ignore[no-untyped-def]
) -> None:
    memory = KeptInMind()
    async with talking(scripted_parts(memory), session_id="one", user="ann") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
    parts = replace(scripted_parts(memory), journal=journal)
    async with talking(parts, session_id="one", user="ann") as talk:
        await talk.waits(0.5)
    recording = read()
    assert recording.heading.user == "ann"
    assert replay(recording) is None


async def test_what_an_engine_notes_goes_to_the_session_it_works_for() -> None:
    class Noting:
        name = "noting"

        async def answer(self, question: Question):  # type: ignore[no-untyped-def]
            note("model_input", messages=[question.text])
            for part in ():
                yield part

        async def aclose(self) -> None:
            """Nothing to free."""

    noted: list[tuple[str, object]] = []
    answerer = RecordedAnswerer(Noting(), lambda kind, content: noted.append((kind, content)))
    questions = [Question("one", instructions="be brief"), Question("two", instructions="be brief")]
    for question in questions:
        assert [part async for part in answerer.answer(question)] == []
    kinds = [kind for kind, _ in noted]
    assert kinds == ["asked", "model_input", "answered"] * 2
    asked = [content for kind, content in noted if kind == "asked"]
    assert ["instructions" in content for content in asked] == [True, False]  # type: ignore[operator]
