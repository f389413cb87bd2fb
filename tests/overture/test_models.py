"""`overture models`: what it lists, and that a model comes whole, right, or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from overture.errors import UserError
from overture.models import Meter, fetch_model, list_models, remove_model
from tests.support.hub_server import Hub, hub_server
from tests.support.small_piper import make_small_piper
from tests.support.small_whisper import SAID, make_small_whisper
from voice.models import PIPER_REPOSITORY, WHISPER_REPOSITORIES, find_voice, find_whisper

TINY = WHISPER_REPOSITORIES["tiny.en"]
VOICE = "en_US-small-low"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    make_small_whisper(folder / "whisper")
    (folder / "whisper" / "README.md").write_text("Not needed.")
    make_small_piper(folder / "piper", VOICE)
    return folder


@pytest.fixture
def hub(originals: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server() as running:
        running.add_folder(TINY, originals / "whisper")
        running.add_folder(PIPER_REPOSITORY, originals / "piper", "en/en_US/small/low/")
        # HF_ENDPOINT is read when the package is imported, which another test may have done.
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setenv("HF_HUB_CACHE", "/nowhere")
        yield running


def the_model(hub: Hub) -> bytes:
    return hub.files[TINY]["model.bin"]


def test_a_fetched_whisper_model_is_found_and_holds_what_the_hub_has(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_model("whisper", "tiny.en", tmp_path) == 0
    found = find_whisper("tiny.en", tmp_path)
    assert found is not None
    assert (found.path / "model.bin").read_bytes() == the_model(hub)
    assert not (found.path / "README.md").exists()
    assert not list(tmp_path.rglob("*.part"))
    said = capsys.readouterr().out
    assert f"from {TINY}" in said
    assert "  model.bin (" in said
    assert "OVERTURE_RECOGNIZER=whisper" in said


def test_a_fetched_voice_is_found(hub: Hub, tmp_path: Path) -> None:
    assert fetch_model("piper", VOICE, tmp_path) == 0
    found = find_voice(VOICE, tmp_path)
    assert found is not None
    there = sorted(file.name for file in found.path.parent.iterdir())
    assert there == [f"{VOICE}.onnx", f"{VOICE}.onnx.json"]


def test_what_is_here_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    fetch_model("whisper", "tiny.en", tmp_path)
    hub.asked.clear()
    assert fetch_model("whisper", "tiny.en", tmp_path) == 0
    assert hub.asked == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [5000, 7000]
    fetch_model("whisper", "tiny.en", tmp_path)
    assert hub.ranges == ["bytes=5000-", "bytes=12000-"]
    assert (tmp_path / "whisper/tiny.en/model.bin").read_bytes() == the_model(hub)


def test_what_came_before_a_failure_is_kept_for_the_next_time(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [5000, 1000, 1000, 1000]
    with pytest.raises(UserError, match="cannot be reached"):
        fetch_model("whisper", "tiny.en", tmp_path)
    assert find_whisper("tiny.en", tmp_path) is None
    hub.ranges.clear()
    fetch_model("whisper", "tiny.en", tmp_path)
    assert hub.ranges == ["bytes=8000-"]
    assert (tmp_path / "whisper/tiny.en/model.bin").read_bytes() == the_model(hub)


def test_a_server_without_ranges_sends_it_from_the_beginning(hub: Hub, tmp_path: Path) -> None:
    hub.knows_ranges = False
    hub.cuts = [5000]
    fetch_model("whisper", "tiny.en", tmp_path)
    assert (tmp_path / "whisper/tiny.en/model.bin").read_bytes() == the_model(hub)


def test_wrong_bytes_are_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.corrupt = True
    with pytest.raises(UserError, match="another checksum"):
        fetch_model("whisper", "tiny.en", tmp_path)
    assert find_whisper("tiny.en", tmp_path) is None
    hub.corrupt = False
    fetch_model("whisper", "tiny.en", tmp_path)
    assert (tmp_path / "whisper/tiny.en/model.bin").read_bytes() == the_model(hub)


def test_a_part_that_was_damaged_meanwhile_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    part = tmp_path / "whisper/.tiny.en.part"
    part.mkdir(parents=True)
    (part / "model.bin").write_bytes(bytes(len(the_model(hub))))
    (part / "config.json").write_bytes(b"x" * 100_000)
    fetch_model("whisper", "tiny.en", tmp_path)
    assert (tmp_path / "whisper/tiny.en/model.bin").read_bytes() == the_model(hub)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_hub_that_refuses_is_told(hub: Hub, tmp_path: Path, status: int) -> None:
    hub.status = status
    with pytest.raises(UserError, match=str(status)):
        fetch_model("whisper", "tiny.en", tmp_path)


@pytest.mark.parametrize("listing", [b"<html>", b'{"error": 1}', b'[{"path": 1}]', b"[" * 9000])
def test_a_listing_that_is_none_is_told(hub: Hub, tmp_path: Path, listing: bytes) -> None:
    hub.listing = listing
    with pytest.raises(UserError, match="is HF_ENDPOINT right"):
        fetch_model("whisper", "tiny.en", tmp_path)


def test_a_path_in_a_listing_cannot_leave_the_folder(hub: Hub, tmp_path: Path) -> None:
    hub.files[TINY]["../../../config.json"] = b"{}"
    entries = json.dumps(
        [{"type": "file", "path": "../../../config.json", "size": 2, "oid": "0" * 40}]
    )
    hub.listing = entries.encode()
    with pytest.raises(UserError):
        fetch_model("whisper", "tiny.en", tmp_path / "models")
    assert not (tmp_path / "config.json").exists()
    assert find_whisper("tiny.en", tmp_path / "models") is None


@pytest.mark.parametrize(
    ("engine", "name", "said"),
    [
        ("whisper", "huge", "no whisper model 'huge'; one of tiny.en"),
        ("whisper", "../x", "no whisper model"),
        ("piper", "alba", "called like en_US-lessac-medium"),
        ("piper", "en_US-../../x-low", "called like en_US-lessac-medium"),
        ("piper", "en_US-nobody-low", "rhasspy/piper-voices"),
    ],
)
def test_an_unknown_name_is_told_with_a_right_one(
    hub: Hub, tmp_path: Path, engine: str, name: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        fetch_model(engine, name, tmp_path)


def test_a_disk_that_is_full_is_told_before(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = 1 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(UserError, match="MB are needed and 1 MB are free"):
        fetch_model("whisper", "tiny.en", tmp_path)


def test_a_removed_model_is_gone_and_cannot_be_removed_twice(hub: Hub, tmp_path: Path) -> None:
    for engine, name in (("whisper", "tiny.en"), ("piper", VOICE)):
        fetch_model(engine, name, tmp_path)
        assert remove_model(engine, name, tmp_path) == 0
        with pytest.raises(UserError, match="is not in"):
            remove_model(engine, name, tmp_path)
    assert find_whisper("tiny.en", tmp_path) is None
    assert find_voice(VOICE, tmp_path) is None


def test_the_list_has_what_is_here_with_its_place_and_where_the_rest_comes_from(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_model("whisper", "tiny.en", tmp_path)
    capsys.readouterr()
    assert list_models(tmp_path, as_json=True) == 0
    listed = {(row["engine"], row["name"]): row for row in json.loads(capsys.readouterr().out)}
    tiny = listed["whisper", "tiny.en"]
    assert tiny["here"]
    assert tiny["path"] == str(tmp_path / "whisper/tiny.en")
    assert tiny["bytes"] > 10_000
    assert listed["whisper", "small"] == {
        "engine": "whisper",
        "name": "small",
        "here": False,
        "path": None,
        "bytes": 486_000_000,
        "from": WHISPER_REPOSITORIES["small"],
    }
    list_models(tmp_path, as_json=False)
    shown = capsys.readouterr().out
    assert str(tmp_path / "whisper/tiny.en") in shown
    assert "not here; rhasspy/piper-voices has it" in shown


def test_on_a_terminal_a_bar_shows_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    meter = Meter()
    meter("model.bin", 25_000_000, 100_000_000)
    meter("model.bin", 100_000_000, 100_000_000)
    meter.end()
    lines = capsys.readouterr().out.split("\r")
    assert "[######                  ]  25 %  25.0 of 100.0 MB" in lines[1]
    assert "100 %" in lines[2]
    assert lines[2].endswith("\n")


def test_the_command_fetches_from_the_hub_that_hf_endpoint_names(hub: Hub, tmp_path: Path) -> None:
    overture = str(Path(sys.executable).parent / "overture")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OVERTURE_")}
    environ |= {"HF_ENDPOINT": hub.url, "OVERTURE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [overture, "models", "fetch", "whisper", "tiny.en"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Checked, and kept in" in done.stdout
    assert find_whisper("tiny.en", tmp_path / "models") is not None


async def test_a_fetched_model_hears(hub: Hub, tmp_path: Path) -> None:
    from tests.support.recordings import speak
    from voice.recognition import Utterance
    from voice.recognizers.faster_whisper import FasterWhisperRecognizer

    fetch_model("whisper", "tiny.en", tmp_path)
    recognizer = FasterWhisperRecognizer(tmp_path / "whisper/tiny.en")
    await recognizer.start()
    assert (await recognizer.recognize(Utterance(speak(SAID)))).text == SAID
    await recognizer.aclose()
