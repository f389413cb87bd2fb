"""API keys: what a file says, who is let in by it, and how one is withdrawn."""

import stat
from pathlib import Path

import pytest

from server.keys import ApiKey, KeyRing, KeysError, Role, digest_of, new_key, read_keys


def keys_file(folder: Path, *lines: str) -> Path:
    """One that only its owner reads."""
    path = folder / "keys"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


def line(name: str, key: str, role: Role = Role.CLIENT, *options: str) -> str:
    """One key's."""
    return " ".join([ApiKey(name, role, digest_of(key)).line(), *options])


def test_a_key_is_found_by_what_it_is_and_the_file_does_not_have_it(tmp_path: Path) -> None:
    key = new_key()
    path = keys_file(tmp_path, "# shops", "", line("shop", key, Role.SERVICE) + "  # the till")
    assert key not in path.read_text()
    found = KeyRing(path).find(key)
    assert found is not None
    assert (found.name, found.role, found.user) == ("shop", Role.SERVICE, None)


@pytest.mark.parametrize("presented", ["", "ov_x", "sha256:", "é", "\0", "x" * 100_000])
def test_anything_else_is_no_key(tmp_path: Path, presented: str) -> None:
    assert KeyRing(keys_file(tmp_path, line("shop", new_key()))).find(presented) is None


def test_a_digest_is_no_key(tmp_path: Path) -> None:
    key = new_key()
    ring = KeyRing(keys_file(tmp_path, line("shop", key)))
    assert ring.find(digest_of(key).hex()) is None
    assert ring.find(f"sha256:{digest_of(key).hex()}") is None


def test_a_line_says_whose_it_is_until_when_and_how_much(tmp_path: Path) -> None:
    path = keys_file(
        tmp_path,
        line("ann", "a", Role.CLIENT, "user=u42", "until=2026-12-31T12:00:00Z", "sessions=3"),
    )
    (key,) = read_keys(path)
    assert (key.user, key.sessions) == ("u42", 3)
    assert key.line() == path.read_text().strip()


def test_a_key_that_has_run_out_is_none(tmp_path: Path) -> None:
    now = [1_000.0]
    path = keys_file(tmp_path, line("ann", "a", Role.CLIENT, "until=1970-01-01T00:20:00Z"))
    ring = KeyRing(path, lambda: now[0])
    assert ring.find("a") is not None
    now[0] = 1_200.0
    assert ring.find("a") is None
    assert ring.named("ann") is None


def test_a_line_taken_out_is_a_key_withdrawn_at_once(tmp_path: Path) -> None:
    path = keys_file(tmp_path, line("ann", "a"), line("ben", "b"))
    ring = KeyRing(path)
    assert ring.find("a") is not None
    keys_file(tmp_path, line("ben", "b"))
    assert ring.find("a") is None
    assert ring.named("ann") is None
    assert ring.find("b") is not None


def test_a_line_added_is_a_key_at_once(tmp_path: Path) -> None:
    ring = KeyRing(keys_file(tmp_path, line("ann", "a")))
    keys_file(tmp_path, line("ann", "a"), line("ben", "b"))
    assert ring.find("b") is not None


def test_a_wrong_line_added_later_does_without_and_the_others_count(tmp_path: Path) -> None:
    ring = KeyRing(keys_file(tmp_path, line("ann", "a"), line("ben", "b")))
    keys_file(tmp_path, "ben clietn", line("cat", "c"))
    assert ring.find("c") is not None
    assert ring.find("b") is None


def test_a_file_that_is_gone_leaves_nobody_in(tmp_path: Path) -> None:
    path = keys_file(tmp_path, line("ann", "a"))
    ring = KeyRing(path)
    path.unlink()
    assert ring.find("a") is None
    keys_file(tmp_path, line("ann", "a"))
    assert ring.find("a") is not None


def test_a_file_that_others_may_write_leaves_nobody_in(tmp_path: Path) -> None:
    path = keys_file(tmp_path, line("ann", "a"))
    ring = KeyRing(path)
    path.chmod(0o666)
    assert ring.find("a") is None
    path.chmod(0o600)
    assert ring.find("a") is not None


@pytest.mark.parametrize("mode", [0o602, 0o604, 0o620, 0o666, 0o777])
def test_a_file_open_to_others_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    path = keys_file(tmp_path, line("ann", "a"))
    path.chmod(mode)
    with pytest.raises(KeysError, match="chmod 600"):
        KeyRing(path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_a_file_for_its_owner_and_group_is_taken(tmp_path: Path, mode: int) -> None:
    path = keys_file(tmp_path, line("ann", "a"))
    path.chmod(mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert KeyRing(path).find("a") is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("ann", "should be: NAME ROLE sha256:HEX"),
        ("ann/x client sha256:" + "0" * 64, "a name has up to 128"),
        ("ann admin sha256:" + "0" * 64, "one of client, operator, service"),
        ("ann client secret", "sha256sum"),
        ("ann client sha256:" + "0" * 63, "64 hexadecimal"),
        (line("ann", "a", Role.CLIENT, "user=a/b"), "'user=a/b' is not understood"),
        (line("ann", "a", Role.CLIENT, "until=soon"), "2026-12-31T12:00:00Z"),
        (line("ann", "a", Role.CLIENT, "sessions=0"), "'sessions=0' is not understood"),
        (line("ann", "a", Role.CLIENT, "colour=red"), "'colour=red' is not understood"),
        (line("first", "f"), "there twice"),
        (line("second", "first"), "there twice"),
    ],
)
def test_a_wrong_line_stops_the_start_with_its_number(
    tmp_path: Path, wrong: str, said: str
) -> None:
    path = keys_file(tmp_path, line("first", "first"), wrong)
    with pytest.raises(KeysError) as refused:
        KeyRing(path)
    assert str(refused.value).startswith(f"{path}:2: ")
    assert said in str(refused.value)


def test_all_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(KeysError) as refused:
        KeyRing(keys_file(tmp_path, "a", "b", line("ann", "a")))
    assert len(str(refused.value).splitlines()) == 2


def test_a_missing_file_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="overture keys new"):
        KeyRing(tmp_path / "none")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 300_000])
def test_what_is_no_keys_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = keys_file(tmp_path)
    path.write_bytes(content)
    with pytest.raises(KeysError, match=str(path)):
        KeyRing(path)


def test_no_two_keys_are_alike_and_each_fits_a_subprotocol() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("ov_") and key.replace("-", "_").isidentifier() for key in keys)
