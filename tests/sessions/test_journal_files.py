"""The journal on disk: what was handed over is there, nobody else reads it, old days go."""

import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from conversation import TurnPolicy
from conversation import commands as c
from conversation import events as e
from sessions.journal import Heading, NoJournal, Record, note, noting
from sessions.journal_files import JournalFiles, days, records, session_of
from sessions.journal_reading import JournalError, Recording, read_record, read_user

BEGAN = datetime(2026, 5, 4, 13, 5, 7, 250_000, UTC).timestamp()
DAY = 86_400.0


def heading(session: str = "sess_a", user: str = "u42", began: float = BEGAN) -> Heading:
    return Heading(session, user, "cafe", "abc", "0.1.0", began, 12.5, TurnPolicy())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., JournalFiles]]:
    """Starts a journal in the folder `journal`; it is closed with the test."""
    started: list[JournalFiles] = []

    def start(days: int = 7, now: float = BEGAN, **options: float) -> JournalFiles:
        options = {"flush_s": 0.0} | options
        journal = JournalFiles(tmp_path / "journal", days, clock=lambda: now, **options)  # type: ignore[arg-type]
        journal.start()
        started.append(journal)
        return journal

    yield start
    for journal in started:
        journal.close()


def begin(journal: JournalFiles, *about: str) -> Record:
    record = journal.begin(heading(*about))
    assert record is not None
    return record


def only(folder: Path) -> Recording:
    (path,) = records(folder / "journal")
    return read_record(path)


def test_a_record_is_read_as_it_was_kept(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    record = begin(journal)
    record.happened(e.SpeechStarted(320), 13.25, [c.ReportSpeechStarted(1, 320)])
    record.note("asked", 13.5, {"text": "when do you close"})
    record.happened(e.Tick(), 14.0, [])
    journal.close()
    kept = only(tmp_path)
    assert kept.heading == heading()
    first, second = kept.steps
    assert (first.now, first.event) == (13.25, e.SpeechStarted(320))
    assert first.commands == (c.ReportSpeechStarted(1, 320),)
    assert (second.line, second.commands) == (4, ())
    assert [(n.now, n.kind, n.content) for n in kept.notes] == [
        (13.5, "asked", {"text": "when do you close"})
    ]
    assert kept.broken_off == ""


def test_a_record_lies_under_its_day_and_its_session(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    begin(journal, "sess_a")
    journal.close()
    (path,) = records(tmp_path / "journal")
    assert path == tmp_path / "journal/2026-05-04/sess_a.130507-250000.jsonl"
    assert session_of(path) == "sess_a"


def test_only_their_owner_reads_records(start: Callable[..., JournalFiles], tmp_path: Path) -> None:
    journal = start()
    begin(journal)
    journal.close()
    (path,) = records(tmp_path / "journal")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_sessions_at_the_same_time_do_not_mix(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    sessions = [begin(journal, f"sess_{number}") for number in range(20)]
    for turn in range(50):
        for number, record in enumerate(sessions):
            record.happened(e.SilenceGrew(number), float(turn), [])
    journal.close()
    for path in records(tmp_path / "journal"):
        kept = read_record(path)
        number = int(kept.heading.session.removeprefix("sess_"))
        assert [step.event for step in kept.steps] == [e.SilenceGrew(number)] * 50
        assert [step.now for step in kept.steps] == list(map(float, range(50)))


def test_what_is_handed_over_is_on_the_disk_without_closing(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    begin(journal).happened(e.Tick(), 1.0, [])
    # The test's time limit is what ends it.
    while sum(path.read_bytes().count(b"\n") for path in records(tmp_path / "journal")) < 2:
        pass
    assert [step.event for step in only(tmp_path).steps] == [e.Tick()]


def test_days_that_are_over_go_when_it_starts_and_others_stay(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    folder = tmp_path / "journal"
    for name in ("2026-04-26", "2026-04-27", "2026-05-04", "notes"):
        (folder / name).mkdir(parents=True)
        (folder / name / "sess.000000-000000.jsonl").touch()
    start(days=7).close()
    assert sorted(path.name for path in folder.iterdir()) == ["2026-04-27", "2026-05-04", "notes"]
    assert [day.name for day in days(folder)] == ["2026-04-27", "2026-05-04"]


def test_a_record_that_was_erased_stays_erased(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    record = begin(journal)
    while not (found := records(tmp_path / "journal")):
        pass
    found[0].unlink()
    record.happened(e.Tick(), 1.0, [])
    journal.close()
    assert records(tmp_path / "journal") == []
    assert journal.broken_off == 0


def test_a_disk_that_does_not_keep_up_costs_one_session_and_is_said(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    # So long between two writes that nothing is written before the end.
    journal = start(flush_s=3600.0, max_waiting=2000)
    first, second = begin(journal, "sess_a"), begin(journal, "sess_b")
    with capture_logs() as logs:
        for _ in range(100):
            first.happened(e.Tick(), 1.0, [])
        second.happened(e.Tick(), 1.0, [])
        second.happened(e.Tick(), 2.0, [])
    journal.close()
    assert journal.broken_off == 2
    assert [entry["log_level"] for entry in logs] == ["error"]
    kept = {session_of(path): read_record(path) for path in records(tmp_path / "journal")}
    assert kept["sess_a"].broken_off == "the disk did not keep up"
    assert 0 < len(kept["sess_a"].steps) < 100
    assert kept["sess_b"].broken_off


def test_a_folder_that_cannot_be_written_costs_the_records_and_is_said_once(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    (tmp_path / "journal/2026-05-04").touch()
    with capture_logs() as logs:
        begin(journal, "sess_a").happened(e.Tick(), 1.0, [])
        begin(journal, "sess_b").happened(e.Tick(), 1.0, [])
        journal.close()
    assert journal.broken_off == 2
    assert len(logs) == 1


def test_what_json_cannot_hold_ends_the_record_and_not_the_talk(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    record = begin(journal)
    record.happened(e.SentenceReady(1, "half of a pair: \ud800"), 1.0, [])
    record.happened(e.Tick(), 2.0, [])
    journal.close()
    kept = only(tmp_path)
    assert kept.steps == ()
    assert kept.broken_off.startswith("cannot be written as JSON")


def test_a_line_cut_short_by_a_crash_is_left_out(
    start: Callable[..., JournalFiles], tmp_path: Path
) -> None:
    journal = start()
    begin(journal).happened(e.Tick(), 1.0, [])
    journal.close()
    (path,) = records(tmp_path / "journal")
    with path.open("ab") as file:
        file.write(b'["e",2.0,"Ti')
    assert [step.now for step in read_record(path).steps] == [1.0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense", ":2: not JSON"),
        (b'["x",1.0]', ":2: this version knows no such line (written by Overture 0.1.0)"),
        (b'["e",1.0,"Dreamt",{},[]]', ":2: this version knows no event 'Dreamt'"),
        (b'["e",1.0,"Tick",{"loud":true},[]]', "a field that this version lacks: loud"),
        (b'["e","now","Tick",{},[]]', "expected a time"),
        (b'["e",1.0,"Tick",{},[["Answer"]]]', "expected commands"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(
    start: Callable[..., JournalFiles], tmp_path: Path, line: bytes, said: str
) -> None:
    journal = start()
    begin(journal)
    journal.close()
    (path,) = records(tmp_path / "journal")
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(JournalError) as refused:
        read_record(path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("[]\n", "does not begin as a record does"),
        ('{"format": 2}\n', "written in format 2, and this version reads 1"),
        ('{"format": 1, "mood": "good"}\n', "its heading differs from this version's in"),
    ],
)
def test_a_file_that_is_no_record_of_this_version_is_named(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(JournalError, match=said):
        read_record(path)


def test_whose_a_record_is_is_told_of_every_version(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"format": 99, "user": "u42"}\n["e"')
    assert read_user(path) == "u42"
    for text in ("", "[]\n", "nonsense\n", '{"format": 1}\n', '{"user": 7}\n'):
        path.write_text(text)
        assert read_user(path) is None


def test_engines_note_where_they_were_told_to_and_nowhere_else() -> None:
    noted: list[tuple[str, object]] = []

    def engine() -> None:
        noting(lambda kind, content: noted.append((kind, content)))
        note("model_input", messages=["hello"])

    from contextvars import copy_context

    copy_context().run(engine)
    note("model_input", messages=["nobody listens"])
    assert noted == [("model_input", {"messages": ["hello"]})]


def test_no_journal_keeps_nothing() -> None:
    assert NoJournal().begin(heading()) is None


def test_closing_leaves_no_thread(start: Callable[..., JournalFiles]) -> None:
    before = set(threading.enumerate())
    journal = start()
    assert set(threading.enumerate()) - before
    journal.close()
    assert not set(threading.enumerate()) - before
