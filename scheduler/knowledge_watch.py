"""Notices that documents of the agent have changed, and tells the scheduler."""

import asyncio
import hashlib
from pathlib import Path
from time import time

import structlog

from messaging.bus import Bus, BusError
from messaging.topics import Topics
from scheduler.happenings import Happening

log = structlog.get_logger(__name__)

EVERY_S = 2.0
LARGEST = 64 * 1024 * 1024
"""Bytes of a document that are read; of a larger one, size and date tell."""


class KnowledgeWatch:
    """Looks at the folder's files; a change is a happening "knowledge_changed" for each document.

    Several instances that see the same change tell it under the same id. What the bus did not take
    is told of again at the next look.
    """

    def __init__(self, folder: Path, bus: Bus, topics: Topics | None = None) -> None:
        self._folder = folder
        self._bus = bus
        self._topic = (topics or Topics())("happenings")
        self._dates: dict[str, tuple[int, int]] = {}
        self._hashes: dict[str, str] | None = None

    async def look(self) -> None:
        """Compares with the last look; the first one only remembers. Raises OSError."""
        hashes = await asyncio.to_thread(self._read)
        before, self._hashes = self._hashes, hashes
        if before is None:
            return
        for document in sorted({*before, *hashes}):
            was, now = before.get(document, ""), hashes.get(document, "")
            if was != now and not await self._tell(document, was, now):
                # As if it had not been looked at: the next look finds it again.
                self._dates.pop(document, None)
                if was:
                    hashes[document] = was
                else:
                    del hashes[document]

    async def _tell(self, document: str, was: str, now: str) -> bool:
        happening = Happening(
            kind="knowledge_changed",
            at=time(),
            id=f"{was[:16]}-{now[:16]}",
            data={"document": document, "gone": not now, "new": not was},
        )
        log.info("a document has changed", document=document)
        try:
            await self._bus.publish(
                self._topic,
                happening.model_dump_json().encode(),
                id=f"{document}:{happening.id}",
                tag=happening.kind,
            )
        except BusError as error:
            log.warning("a changed document is told of later", document=document, reason=str(error))
            return False
        return True

    def _read(self) -> dict[str, str]:
        """Path below the folder to a hash; only files whose size or date differ are read."""
        hashes: dict[str, str] = {}
        dates: dict[str, tuple[int, int]] = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder)
            if any(part.startswith(".") for part in name.parts) or not path.is_file():
                continue
            found = path.stat()
            date = dates[str(name)] = (found.st_mtime_ns, found.st_size)
            if self._hashes is not None and self._dates.get(str(name)) == date:
                hashes[str(name)] = self._hashes[str(name)]
            elif found.st_size > LARGEST:
                hashes[str(name)] = f"{date}"
            else:
                hashes[str(name)] = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        self._dates = dates
        return hashes
