"""TLS: the page and the talk over it, a renewed certificate, and files that do not go together."""

import asyncio
import shutil
import ssl
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from server.host import Limits
from server.tls import TlsError, tls_context
from tests.support.certificates import make_certificate
from tests.support.serving import PATIENCE, Stage

FORWARDED = {"X-Forwarded-Proto": "https", "Host": "talk.example.org"}


def trusting(certificate: Path) -> ssl.SSLContext:
    """A client's context that knows this certificate only."""
    return ssl.create_default_context(cafile=str(certificate))


async def test_the_page_and_the_talk_go_over_tls(stage: Stage, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with stage.serving(tls=tls_context(certificate, key)) as serving:
        client = trusting(certificate)
        address = f"https://localhost:{serving.port}"
        async with httpx.AsyncClient(verify=client, timeout=PATIENCE) as http:
            answer = await http.get(address)
            assert answer.status_code == 200
            assert "strict-transport-security" not in answer.headers  # of localhost's every port
            answer = await http.get(address, headers={"Host": "talk.example.org"})
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        url = f"wss://localhost:{serving.port}/v1/realtime"
        async with asyncio.timeout(PATIENCE), connect(url, ssl=client, origin=address) as socket:  # type: ignore[arg-type]
            assert "session.created" in str(await socket.recv())


async def test_without_tls_no_browser_is_told_to_insist_on_it(stage: Stage) -> None:
    with stage.serving() as serving:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.get(serving.http_url, headers=FORWARDED)
            assert "strict-transport-security" not in answer.headers


async def test_a_proxys_word_is_taken_for_tls(stage: Stage) -> None:
    with stage.serving(proxies=("127.0.0.1",)) as serving:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.get(serving.http_url, headers=FORWARDED)
            assert "strict-transport-security" in answer.headers


async def presented(port: int, *trusted: Path) -> str:
    """The common name of the certificate that the server presents."""
    client = ssl.create_default_context()
    for certificate in trusted:
        client.load_verify_locations(certificate)
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("localhost", port, ssl=client)
        subject = writer.get_extra_info("peercert")["subject"]
        writer.close()
    name: str = subject[0][0][1]
    return name


async def test_a_renewed_certificate_is_presented_without_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    old, old_key = make_certificate(tmp_path, "old")
    new, new_key = make_certificate(tmp_path, "newer")
    certificate = Path(shutil.copy(old, tmp_path / "cert.pem"))
    key = Path(shutil.copy(old_key, tmp_path / "key.pem"))
    with stage.serving(tls=tls_context(certificate, key)) as serving:
        assert await presented(serving.port, old, new) == "old"
        shutil.copy(new, certificate)
        assert await presented(serving.port, old, new) == "old"  # its key is not there yet
        shutil.copy(new_key, key)
        assert await presented(serving.port, old, new) == "newer"
        certificate.unlink()
        assert await presented(serving.port, old, new) == "newer"


async def test_who_begins_a_handshake_and_stops_is_cut_off(stage: Stage, tmp_path: Path) -> None:
    context = tls_context(*make_certificate(tmp_path))
    with stage.serving(tls=context, limits=Limits(headers_s=0.2)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(b"\x16\x03\x01")
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()


async def test_plain_http_on_a_tls_port_harms_nobody(stage: Stage, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    with stage.serving(tls=tls_context(certificate, key)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert b"HTTP" not in await reader.read()
        writer.close()
        assert await presented(serving.port, certificate) == "one"


def test_files_that_cannot_be_used_are_told_apart(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, "other")
    _, locked = make_certificate(tmp_path, "locked", password=b"secret")
    empty, broken = tmp_path / "empty.pem", tmp_path / "broken.pem"
    empty.write_bytes(b"")
    broken.write_bytes(certificate.read_bytes()[:200])
    for pair, said in (
        ((tmp_path / "none.pem", key), "certificate .*none.pem cannot be read: No such file"),
        ((certificate, tmp_path / "none.key"), "key .*none.key cannot be read: No such file"),
        ((certificate, other), "other.key is not the one of the certificate"),
        ((certificate, locked), "locked.key is encrypted"),
        ((empty, key), "empty.pem is not in PEM form"),
        ((broken, key), "broken.pem .* cannot be used"),
        ((key, certificate), "cannot be used"),
    ):
        with pytest.raises(TlsError, match=said):
            tls_context(*pair)
