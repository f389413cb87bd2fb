"""Fetches a model's files from the Hugging Face hub: resumed, checked, and whole or not at all.

The hub's own downloader neither goes on where it stopped nor compares checksums, and both matter
for a gigabyte: so its package says where files are, and the bytes are fetched here. They gather in
a hidden folder beside the model's place and move there when all of them are right.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from overture.errors import UserError

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT, READ_TIMEOUT = 10.0, 30.0
"""Seconds until the hub must have taken the call, and between two pieces of a file."""

TRIES = 4
"""For each file: every one goes on where the last stopped."""

MAX_LISTING_BYTES = 4 << 20
SPARE_BYTES = 200 << 20
"""Room that must be left on the disk afterwards."""

_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]
"""Told the file's name, how many bytes of it are there, and how many there will be."""


class _LargeFile(BaseModel):
    model_config = ConfigDict(extra="ignore")

    oid: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Entry(BaseModel):
    """A line of the hub's listing of a folder."""

    model_config = ConfigDict(extra="ignore")

    type: str
    path: str
    size: int = Field(default=0, ge=0)
    oid: str = Field(pattern=r"^[0-9a-f]{40}$")
    lfs: _LargeFile | None = None


_LISTING = TypeAdapter(list[_Entry])


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub lists it.

    path: in the repository. sha256: of the content, for large files; blob: git's id, for others.
    """

    path: str
    size: int
    sha256: str = ""
    blob: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name

    def matches(self, file: Path) -> bool:
        """Whether this is the content that the hub has."""
        if not file.is_file() or file.stat().st_size != self.size:
            return False
        if self.sha256:
            digest, wanted = hashlib.sha256(), self.sha256
        else:
            digest, wanted = (
                hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False),
                self.blob,
            )
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest() == wanted


class Hub:
    """The Hugging Face hub, or the mirror that HF_ENDPOINT names."""

    def __init__(self) -> None:
        import httpx2
        from huggingface_hub import constants, get_token

        token = get_token()
        self._endpoint = constants.ENDPOINT
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            follow_redirects=True,
        )

    def files(self, repository: str, folder: str = "") -> list[HubFile]:
        """The files directly in a folder of the repository; raises UserError."""
        url = f"{self._endpoint}/api/models/{repository}/tree/main"
        with self._asked(f"{url}/{folder}" if folder else url, repository) as reply:
            listing = b""
            for part in reply.iter_bytes():
                listing += part
                if len(listing) > MAX_LISTING_BYTES:
                    raise UserError(f"{self._endpoint} lists more files than a model has")
        try:
            entries = _LISTING.validate_json(listing)
        except ValidationError:
            raise UserError(
                f"{self._endpoint} does not answer as the Hugging Face hub does; is HF_ENDPOINT "
                "right?"
            ) from None
        return [
            HubFile(each.path, each.size, each.lfs.oid if each.lfs else "", each.oid)
            for each in entries
            if each.type == "file"
        ]

    def fetch(self, repository: str, file: HubFile, to: Path, progress: Progress) -> None:
        """The file's bytes, after those of it that are there already; raises UserError."""
        import httpx2

        for left in reversed(range(TRIES)):
            try:
                self._fetch_rest(repository, file, to, progress)
            except httpx2.TransportError as error:
                if not left:
                    raise _unreachable(self._endpoint, error) from error
                continue
            if file.matches(to):
                return
            if to.stat().st_size >= file.size:
                to.unlink()  # all of it, and wrong: from the beginning
        raise UserError(
            f"{file.path} of {repository} came {TRIES} times with another checksum than the hub "
            "tells; is a proxy changing it? Nothing of it was kept"
        )

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def _fetch_rest(self, repository: str, file: HubFile, to: Path, progress: Progress) -> None:
        from huggingface_hub import hf_hub_url

        there = to.stat().st_size if to.exists() else 0
        if there == file.size and there:
            return
        url = hf_hub_url(repository, file.path, endpoint=self._endpoint)
        headers = {"Accept-Encoding": "identity"}
        if there:
            headers["Range"] = f"bytes={there}-"
        with self._asked(url, repository, headers) as reply:
            if reply.status_code != 206:
                there = 0  # it sends the whole file again
            with to.open("r+b" if there else "wb") as out:
                out.seek(there)
                for part in reply.iter_raw():  # with a size, what gathers for it is lost at a break
                    there += len(part)
                    if there > file.size:
                        out.truncate(0)
                        return
                    out.write(part)
                    progress(file.name, there, file.size)

    @contextmanager
    def _asked(
        self, url: str, repository: str, headers: dict[str, str] | None = None
    ) -> "Iterator[httpx2.Response]":
        import httpx2

        try:
            with self._client.stream("GET", url, headers=headers) as reply:
                match reply.status_code:
                    case 200 | 206:
                        yield reply
                    case 416:  # nothing is left to send: what is there is too long
                        raise UserError(f"a part of {repository} is broken; run the command again")
                    case 401 | 403 | 404:
                        raise UserError(
                            f"{self._endpoint} has no {repository} with that file, or it is not "
                            f"public ({reply.status_code}); `overture models` lists what there is"
                        )
                    case status:
                        raise UserError(f"{self._endpoint} answered {status}; try again later")
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise _unreachable(self._endpoint, error) from error


def fetch_files(
    hub: Hub, repository: str, files: Sequence[HubFile], target: Path, progress: Progress
) -> Path:
    """Fetches all of `files` into a hidden folder beside `target`; that folder, complete.

    Raises UserError when it cannot be done; what came so far stays for the next time.
    """
    gathering = target.parent / f".{target.name}.part"
    try:
        gathering.mkdir(parents=True, exist_ok=True)
        _need_room(gathering, files)
        with _only_one(gathering):
            for file in files:
                to = gathering / file.name
                if not file.matches(to):
                    hub.fetch(repository, file, to, progress)
    except OSError as error:
        raise UserError(f"cannot keep the model in {target.parent}: {error}") from error
    return gathering


def _need_room(folder: Path, files: Sequence[HubFile]) -> None:
    there = sum(path.stat().st_size for path in folder.iterdir())
    needed = sum(file.size for file in files) - there + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{needed >> 20} MB are needed and {free >> 20} MB are free for {folder.parent}; make "
            "room, or name a folder elsewhere with OVERTURE_DATA_DIR"
        )


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError("this model is being fetched already; wait for that") from None
        yield


def _unreachable(endpoint: str, error: Exception) -> UserError:
    return UserError(
        f"{endpoint} cannot be reached ({error or type(error).__name__}). Without a network, fetch "
        "the files on another machine and name their place; docs/engines.md says how"
    )
