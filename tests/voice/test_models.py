"""Models are found where they were fetched, in Hugging Face's cache, or at a path; else not."""

from pathlib import Path

import pytest

from voice.models import (
    WHISPER_FILES,
    find_voice,
    find_whisper,
    piper_voices,
    whisper_models,
)


def whisper_at(folder: Path, size: int = 10) -> Path:
    folder.mkdir(parents=True)
    for name in WHISPER_FILES:
        (folder / name).write_bytes(bytes(size))
    return folder


def cached(cache: Path, repository: str = "Systran/faster-whisper-base.en") -> Path:
    kept = cache / f"models--{repository.replace('/', '--')}"
    folder = whisper_at(kept / "snapshots" / "abc123")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc123")
    return folder


def voice_at(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(b"1234")
    (folder / f"{name}.onnx.json").write_bytes(b"{}")
    return folder / f"{name}.onnx"


def test_fetched_models_come_first_and_smallest_first(tmp_path: Path) -> None:
    environ = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    cached(tmp_path / "hub", "Systran/faster-whisper-tiny.en")
    for name in ("small.en", "mine", "tiny"):
        whisper_at(tmp_path / "whisper" / name)
    found = whisper_models(tmp_path, environ)
    assert [(model.name, model.fetched) for model in found] == [
        ("tiny", True),
        ("small.en", True),
        ("mine", True),
        ("tiny.en", False),
    ]


def test_a_model_lacking_a_file_does_not_count(tmp_path: Path) -> None:
    environ = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    (whisper_at(tmp_path / "whisper" / "tiny") / "tokenizer.json").unlink()
    (cached(tmp_path / "hub") / "model.bin").unlink()
    assert whisper_models(tmp_path, environ) == []
    assert find_whisper(str(tmp_path / "whisper" / "tiny"), tmp_path, environ) is None


@pytest.mark.parametrize(
    ("variable", "below"),
    [("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")],
)
def test_the_cache_is_looked_for_where_hugging_face_has_it(
    tmp_path: Path, variable: str, below: str
) -> None:
    folder = cached(tmp_path / "cache" / below)
    found = find_whisper("base.en", tmp_path, {variable: str(tmp_path / "cache")})
    assert found is not None
    assert (found.path, found.fetched) == (folder, False)


def test_a_repository_of_ones_own_is_found_in_the_cache(tmp_path: Path) -> None:
    folder = cached(tmp_path / "hub", "me/my-whisper")
    found = find_whisper("me/my-whisper", tmp_path, {"HF_HUB_CACHE": str(tmp_path / "hub")})
    assert found is not None
    assert (found.name, found.path) == ("my-whisper", folder)


def test_a_path_names_a_model_and_a_voice(tmp_path: Path) -> None:
    whisper = whisper_at(tmp_path / "elsewhere" / "mine")
    voice = voice_at(tmp_path / "elsewhere", "mine")
    found = find_whisper(str(whisper), tmp_path, {})
    assert found is not None
    assert (found.name, found.path) == ("mine", whisper)
    spoken = find_voice(str(voice), tmp_path)
    assert spoken is not None
    assert (spoken.name, spoken.path) == ("mine", voice)


@pytest.mark.parametrize("name", ["", "nowhere", "/nowhere", "a/b", "~nobody/x"])
def test_what_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    environ = {"HF_HUB_CACHE": str(tmp_path)}
    assert find_whisper(name, tmp_path, environ) is None
    assert find_voice(name, tmp_path) is None


def test_a_voice_needs_its_description(tmp_path: Path) -> None:
    voice_at(tmp_path / "piper", "en_US-b-low")
    voice_at(tmp_path / "piper", "en_US-a-low")
    Path(f"{voice_at(tmp_path / 'piper', 'en_US-c-low')}.json").unlink()
    assert list(piper_voices(tmp_path)) == ["en_US-a-low", "en_US-b-low"]
    assert piper_voices(tmp_path)["en_US-a-low"].size == 6


def test_the_size_is_that_of_all_files(tmp_path: Path) -> None:
    whisper_at(tmp_path / "whisper" / "tiny", size=100)
    [found] = whisper_models(tmp_path, {"HF_HUB_CACHE": str(tmp_path)})
    assert found.size == 300
