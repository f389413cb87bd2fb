"""A model hub on loopback, as far as fetching goes: listings, checksums, ranges, faults."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

LARGE = 1000
"""Bytes from which on a file is listed with its SHA-256 and lies elsewhere, behind a redirect."""


@dataclass
class Hub:
    """What it has, and what it was asked.

    files: repository to path to content. cuts: after so many bytes it closes the connection, one
    answer each. corrupt: sends other bytes than it lists. knows_ranges: answers them with a part.
    """

    url: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    corrupt: bool = False
    knows_ranges: bool = True
    listing: bytes | None = None
    status: int = 200
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)

    def add_folder(self, repository: str, folder: Path, at: str = "") -> None:
        """Takes over every file of a folder."""
        there = self.files.setdefault(repository, {})
        for file in folder.iterdir():
            there[f"{at}{file.name}"] = file.read_bytes()


def _entry(path: str, content: bytes) -> dict[str, object]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, object] = {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": blob,
    }
    if len(content) >= LARGE:
        digest = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
        entry["xetHash"] = digest
    return entry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test looks at what was asked."""

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(self.path)
        hub.asked.append(path)
        if hub.status != 200:
            self._send(hub.status, b"")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/main/?(.*)", path):
            self._list(found[1], found[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/main/(.+)", path):
            self._resolve(found[1], found[2])
        elif found := re.fullmatch(r"/elsewhere/([^/]+/[^/]+)/(.+)", path):
            self._content(hub.files[found[1]][found[2]])
        else:
            self._send(404, b"")

    def _list(self, repository: str, folder: str) -> None:
        files = self.hub.files.get(repository)
        inside = [
            _entry(path, content)
            for path, content in (files or {}).items()
            if path.rpartition("/")[0] == folder
        ]
        if not inside:
            self._send(404, b"")
            return
        body = (
            self.hub.listing
            or json.dumps(
                [{"type": "directory", "path": "folder", "oid": "0" * 40}, *inside]
            ).encode()
        )
        self._send(200, body)

    def _resolve(self, repository: str, path: str) -> None:
        content = self.hub.files[repository].get(path)
        if content is None:
            self._send(404, b"")
        elif len(content) >= LARGE:
            self._send(302, b"", location=f"/elsewhere/{repository}/{path}")
        else:
            self._content(content)

    def _content(self, content: bytes) -> None:
        hub = self.hub
        if hub.corrupt:
            content = bytes(len(content))
        status = 200
        if asked := self.headers.get("Range"):
            hub.ranges.append(asked)
            if hub.knows_ranges:
                content = content[int(asked.removeprefix("bytes=").partition("-")[0]) :]
                status = 206
        self._send(status, content)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status in (200, 206) and self.hub.cuts and len(body) > self.hub.cuts[0]:
            self.wfile.write(body[: self.hub.cuts.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(body)


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Runs one on a free port of loopback, on threads of its own."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
