"""`overture models`: what the engines can use, what is here, and how the rest gets here."""

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from overture.errors import UserError
from overture.model_fetching import Hub, HubFile, fetch_files
from voice.models import (
    PIPER_REPOSITORY,
    WHISPER_REPOSITORIES,
    FoundModel,
    is_whisper_model,
    piper_folder,
    piper_voices,
    whisper_folder,
    whisper_models,
)

ENGINES = ("whisper", "piper")

WHISPER_MB = {
    "tiny.en": 78,
    "tiny": 78,
    "base.en": 148,
    "base": 148,
    "small.en": 486,
    "small": 486,
    "distil-small.en": 336,
    "medium.en": 1530,
    "medium": 1530,
    "distil-large-v3": 1520,
    "large-v3": 3090,
    "large-v3-turbo": 1620,
}
"""About how much is fetched."""

PIPER_SUGGESTED = (
    "en_US-lessac-medium",
    "en_US-ryan-medium",
    "en_GB-alba-medium",
    "de_DE-thorsten-medium",
    "es_ES-davefx-medium",
    "fr_FR-siwis-medium",
)
"""A few of some hundred voices; any of them can be fetched by its name."""

PIPER_MB = 63

_SHOWN_EVERY = 0.1
"""Seconds between two looks of the progress bar."""

_WHISPER_FILE = re.compile(
    r"^(config|preprocessor_config|tokenizer)\.json$|^model\.bin$|^vocabulary\."
)
_PIPER_NAME = re.compile(
    r"^(?P<family>[a-z]{2,3})_(?P<region>[A-Z]{2})-(?P<name>\w+)-(?P<quality>\w+)$"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. path: None where it is not on this machine; size: bytes, about."""

    engine: str
    name: str
    path: Path | None
    size: int
    source: str

    def as_json(self) -> dict[str, object]:
        """For --json."""
        return {
            "engine": self.engine,
            "name": self.name,
            "here": self.path is not None,
            "path": str(self.path) if self.path else None,
            "bytes": self.size,
            "from": self.source,
        }


def rows(models: Path) -> list[Row]:
    """Everything known, what is here first. models: the data folder's `models`."""
    here = [*whisper_models(models), *piper_voices(models).values()]
    known = {(model.engine, model.name) for model in here}
    return [_row_of(model) for model in here] + [
        row for row in _offered() if (row.engine, row.name) not in known
    ]


def _row_of(model: FoundModel) -> Row:
    source = (
        WHISPER_REPOSITORIES.get(model.name, "") if model.engine == "whisper" else PIPER_REPOSITORY
    )
    return Row(model.engine, model.name, model.path, model.size, source)


def _offered() -> Iterator[Row]:
    for name, repository in WHISPER_REPOSITORIES.items():
        yield Row("whisper", name, None, WHISPER_MB[name] * 1_000_000, repository)
    for name in PIPER_SUGGESTED:
        yield Row("piper", name, None, PIPER_MB * 1_000_000, PIPER_REPOSITORY)


def list_models(models: Path, *, as_json: bool) -> int:
    """Prints the list; the exit code."""
    found = rows(models)
    if as_json:
        print(json.dumps([row.as_json() for row in found], indent=1))
        return 0
    for engine in ENGINES:
        print(f"{engine}:")
        for row in found:
            if row.engine == engine:
                place = str(row.path) if row.path else f"not here; {row.source} has it"
                print(f"  {row.name:<22} {row.size / 1e6:6.0f} MB  {place}")
    print("Fetch one: overture models fetch whisper tiny.en, or piper en_US-lessac-medium")
    return 0


def fetch_model(engine: str, name: str, models: Path) -> int:
    """Fetches a model into the data folder and says how to use it; the exit code.

    Raises UserError without a network, for an unknown name, or for files that come wrong.
    """
    place = _place(engine, name, models)
    if place.exists():
        print(f"{engine} {name} is here already: {place}")
        return 0
    repository, folder = _source(engine, name)
    hub = Hub()
    try:
        listed = hub.files(repository, folder)
        files = [file for file in listed if _wanted(engine, name, file)]
        if not files:
            raise UserError(f"{repository} has no files of {engine} {name}")
        megabytes = sum(file.size for file in files) / 1e6
        print(f"{engine} {name}: {megabytes:.0f} MB from {repository}", flush=True)
        meter = Meter()
        gathered = fetch_files(hub, repository, files, place, meter)
        meter.end()
    finally:
        hub.close()
    _move(engine, gathered, place)
    variable = "RECOGNIZER" if engine == "whisper" else "SYNTHESIZER"
    print(f"Checked, and kept in {place}. Use it: OVERTURE_{variable}={engine} overture serve")
    return 0


def remove_model(engine: str, name: str, models: Path) -> int:
    """Removes a fetched model from the data folder; the exit code. Raises UserError."""
    place = _place(engine, name, models)
    partly = place.parent / f".{place.name}.part"
    if not place.exists() and not partly.exists():
        raise UserError(f"{engine} {name} is not in {place.parent}")
    try:
        shutil.rmtree(partly, ignore_errors=True)
        if engine == "whisper":
            shutil.rmtree(place, ignore_errors=not place.exists())
        else:
            place.unlink(missing_ok=True)
            Path(f"{place}.json").unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot remove {place}: {error.strerror}") from error
    print(f"Removed {engine} {name}.")
    return 0


class Meter:
    """Shows how far a file has come: a bar on a terminal, else a line for each file."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._file = ""
        self._began = 0.0
        self._from = 0
        self._shown = -_SHOWN_EVERY

    def __call__(self, name: str, there: int, size: int) -> None:
        """See overture.model_fetching.Progress."""
        if name != self._file:
            self.end()
            self._file, self._began, self._from = name, time.monotonic(), there
            if not self._terminal:
                print(f"  {name} ({size / 1e6:.1f} MB)", flush=True)
        now = time.monotonic()
        if self._terminal and (there >= size or now - self._shown >= _SHOWN_EVERY):
            self._shown = now
            print(f"\r{self._bar(there, size)}", end="", flush=True)

    def end(self) -> None:
        """The last file is done."""
        if self._file and self._terminal:
            print()
        self._file = ""

    def _bar(self, there: int, size: int) -> str:
        share = there / size if size else 1.0
        done = "#" * round(24 * share)
        speed = (there - self._from) / max(time.monotonic() - self._began, 0.001)
        return (
            f"  {self._file:<28.28} [{done:<24}] {100 * share:3.0f} %  "
            f"{there / 1e6:.1f} of {size / 1e6:.1f} MB  {speed / 1e6:.1f} MB/s "
        )


def _place(engine: str, name: str, models: Path) -> Path:
    """Where the model's folder or .onnx file belongs; raises UserError for an unknown name."""
    if engine == "whisper":
        if name not in WHISPER_REPOSITORIES:
            raise UserError(f"no whisper model '{name}'; one of {', '.join(WHISPER_REPOSITORIES)}")
        return whisper_folder(models) / name
    if not _PIPER_NAME.match(name):
        raise UserError(
            f"'{name}' is no voice of piper's: they are called like {PIPER_SUGGESTED[0]}"
        )
    return piper_folder(models) / f"{name}.onnx"


def _source(engine: str, name: str) -> tuple[str, str]:
    """The repository, and the folder in it."""
    if engine == "whisper":
        return WHISPER_REPOSITORIES[name], ""
    parts = _PIPER_NAME.match(name)
    assert parts is not None  # _place has refused it otherwise
    family, region = parts["family"], parts["region"]
    return PIPER_REPOSITORY, f"{family}/{family}_{region}/{parts['name']}/{parts['quality']}"


def _wanted(engine: str, name: str, file: HubFile) -> bool:
    if engine == "whisper":
        return bool(_WHISPER_FILE.match(file.name))
    return file.name in (f"{name}.onnx", f"{name}.onnx.json")


def _move(engine: str, gathered: Path, place: Path) -> None:
    """Into their place, at once: for a voice the .onnx comes last, as without it there is none."""
    (gathered / ".lock").unlink(missing_ok=True)
    if engine == "whisper":
        if not is_whisper_model(gathered):
            raise UserError(f"{place.name} has not all files of a whisper model; try another")
        gathered.rename(place)
        return
    for name in (f"{place.name}.json", place.name):
        if not (gathered / name).is_file():
            raise UserError(f"{place.name} came without {name}; try another voice")
        (gathered / name).rename(place.parent / name)
    shutil.rmtree(gathered)
