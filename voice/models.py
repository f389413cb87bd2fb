"""Models that are on this machine, and where those that are not would come from.

Nothing here touches the network. Whisper models and Piper voices lie in the data folder, where
`overture models fetch` puts them; Whisper models are also found in the cache that Hugging Face's
tools share.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

WHISPER_REPOSITORIES: Mapping[str, str] = {
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "tiny": "Systran/faster-whisper-tiny",
    "base.en": "Systran/faster-whisper-base.en",
    "base": "Systran/faster-whisper-base",
    "small.en": "Systran/faster-whisper-small.en",
    "small": "Systran/faster-whisper-small",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "medium.en": "Systran/faster-whisper-medium.en",
    "medium": "Systran/faster-whisper-medium",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
"""faster-whisper's names for models and where they lie, smallest first."""

PIPER_REPOSITORY = "rhasspy/piper-voices"

WHISPER_FILES = ("config.json", "model.bin", "tokenizer.json")
"""Without one of them a folder is no Whisper model that can be used offline."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model on this machine.

    engine: "whisper" or "piper"; path: a folder (Whisper) or an .onnx file (Piper).
    fetched: put into the data folder for Overture, and not into a cache by some other program.
    """

    engine: str
    name: str
    path: Path
    fetched: bool = True

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        files = (
            self.path.iterdir() if self.path.is_dir() else [self.path, Path(f"{self.path}.json")]
        )
        return sum(file.stat().st_size for file in files if file.is_file())


def whisper_folder(models: Path) -> Path:
    """Where fetched Whisper models lie, a folder each. models: the data folder's `models`."""
    return models / "whisper"


def piper_folder(models: Path) -> Path:
    """Where fetched Piper voices lie, NAME.onnx and NAME.onnx.json each."""
    return models / "piper"


def is_whisper_model(folder: Path) -> bool:
    """Whether everything is there that is needed without a network."""
    return all((folder / name).is_file() for name in WHISPER_FILES)


def whisper_models(models: Path, environ: Mapping[str, str] = os.environ) -> list[FoundModel]:
    """Fetched ones first, smallest names first; then those in Hugging Face's cache."""
    found = [
        FoundModel("whisper", folder.name, folder)
        for folder in _folders(whisper_folder(models))
        if is_whisper_model(folder)
    ]
    known = {model.name for model in found}
    for name, repository in WHISPER_REPOSITORIES.items():
        folder = _cached(repository, environ)
        if name not in known and folder is not None:
            found.append(FoundModel("whisper", name, folder, fetched=False))
    sizes = list(WHISPER_REPOSITORIES)
    return sorted(
        found,
        key=lambda model: (
            not model.fetched,
            sizes.index(model.name) if model.name in sizes else len(sizes),
        ),
    )


def find_whisper(
    wanted: str, models: Path, environ: Mapping[str, str] = os.environ
) -> FoundModel | None:
    """The model of that name, or in the folder of that path; None if it is not on this machine."""
    for model in whisper_models(models, environ):
        if model.name == wanted:
            return model
    folder = Path(wanted).expanduser()
    if folder.is_dir() and is_whisper_model(folder):
        return FoundModel("whisper", folder.name, folder.absolute())
    if "/" in wanted and (cached := _cached(wanted, environ)) is not None:
        return FoundModel("whisper", wanted.rpartition("/")[2], cached, fetched=False)
    return None


def piper_voices(models: Path) -> dict[str, FoundModel]:
    """Voices in the data folder by name, sorted."""
    folder = piper_folder(models)
    return {
        file.stem: FoundModel("piper", file.stem, file)
        for file in sorted(folder.glob("*.onnx"))
        if Path(f"{file}.json").is_file()
    }


def find_voice(wanted: str, models: Path) -> FoundModel | None:
    """The voice of that name, or in the .onnx file of that path; None if it is not there."""
    voices = piper_voices(models)
    if wanted in voices:
        return voices[wanted]
    file = Path(wanted).expanduser()
    if file.suffix == ".onnx" and file.is_file() and Path(f"{file}.json").is_file():
        return FoundModel("piper", file.stem, file.absolute())
    return None


def _folders(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        yield from sorted(child for child in parent.iterdir() if child.is_dir())


def _cached(repository: str, environ: Mapping[str, str]) -> Path | None:
    """A repository's snapshot in Hugging Face's cache, by the layout that its documentation has.

    Read here because importing its package takes longer than all else at a start.
    """
    if cache := environ.get("HF_HUB_CACHE"):
        hub = Path(cache)
    elif home := environ.get("HF_HOME"):
        hub = Path(home) / "hub"
    else:
        base = environ.get("XDG_CACHE_HOME") or "~/.cache"
        hub = Path(base) / "huggingface" / "hub"
    kept = hub.expanduser() / f"models--{repository.replace('/', '--')}"
    try:
        revision = (kept / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    folder = kept / "snapshots" / revision
    return folder if revision and is_whisper_model(folder) else None
