"""`overture keys`: keys are made, listed and withdrawn, and the server takes them."""

import stat
from pathlib import Path

import pytest

from overture.cli import main
from server.keys import KeyRing, Role


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the keys are; there are none yet."""
    path = tmp_path / "etc" / "keys"
    monkeypatch.setenv("OVERTURE_KEYS_FILE", str(path))
    monkeypatch.setenv("OVERTURE_DATA_DIR", str(tmp_path / "data"))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What it prints when it succeeds."""
    assert main(["keys", *arguments]) == 0
    return capsys.readouterr().out


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What it says when it does not."""
    assert main(["keys", *arguments]) == 2
    said = capsys.readouterr()
    assert not said.out
    return said.err


def test_a_new_key_is_one_that_the_server_takes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, "new", "shop", "--role", "service")
    key = said.splitlines()[0]
    assert f"OVERTURE_KEYS_FILE={path}" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key not in path.read_text()
    found = KeyRing(path).find(key)
    assert found is not None
    assert (found.name, found.role, found.user) == ("shop", Role.SERVICE, None)


def test_an_invitation_is_a_link_for_one_person_and_some_days(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(capsys, "invite", "ann", "--days", "3", "--at", "https://talk.example.org/")
    link, _, key = said.splitlines()[0].partition("#key=")
    assert link == "https://talk.example.org/"
    found = KeyRing(path).find(key)
    assert found is not None
    assert (found.role, found.user) == (Role.CLIENT, "ann")
    assert found.until is not None


def test_an_invitation_to_this_machine_needs_no_address(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTURE_PORT", "8123")
    assert run(capsys, "invite", "ann").startswith("http://127.0.0.1:8123/#key=")


def test_where_a_public_server_is_reached_must_be_said(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTURE_HOST", "0.0.0.0")
    monkeypatch.setenv("OVERTURE_BEHIND_PROXY", "127.0.0.1")
    assert "--at https://" in fail(capsys, "invite", "ann")
    assert run(capsys, "invite", "ann", "--at", "https://talk.example.org")


def test_keys_can_be_made_before_a_public_address_has_any(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTURE_HOST", "0.0.0.0")
    monkeypatch.delenv("OVERTURE_KEYS_FILE")
    assert "OVERTURE_KEYS_FILE=" in run(capsys, "new", "shop", "--role", "service")


def test_the_list_has_no_secret_in_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = run(capsys, "new", "shop", "--role", "service").splitlines()[0]
    run(capsys, "new", "ann", "--role", "client", "--user", "ann", "--days", "1")
    listed = run(capsys, "list")
    assert [line.split()[:3] for line in listed.splitlines()] == [
        ["NAME", "ROLE", "USER"],
        ["shop", "service", "*"],
        ["ann", "client", "ann"],
    ]
    assert key not in listed
    assert "sha256" not in listed


def test_withdrawing_takes_out_one_line_and_leaves_the_rest_as_it_is(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "new", "shop", "--role", "service")
    key = run(capsys, "new", "shop2", "--role", "service").splitlines()[0]
    path.write_text(path.read_text() + "# shop is our oldest customer\n")
    path.chmod(0o640)
    ring = KeyRing(path)
    assert "withdrawn" in run(capsys, "withdraw", "shop")
    assert ring.named("shop") is None
    assert ring.find(key) is not None
    assert "oldest customer" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["keys"]


def test_a_file_without_a_last_line_break_is_gone_on_with(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "new", "shop", "--role", "service")
    path.write_text(path.read_text().rstrip("\n"))
    run(capsys, "new", "ann", "--role", "client")
    assert KeyRing(path).named("shop") is not None
    assert KeyRing(path).named("ann") is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list",), "there is no such file"),
        (("withdraw", "nobody"), "there is no such file"),
        (("new", "a b", "--role", "client"), "a name has up to 128"),
        (("new", "a", "--role", "client", "--user", "b/c"), "a name has up to 128"),
        (("new", "a", "--role", "client", "--days", "0"), "--days 0: should be from 1"),
        (("invite", "a", "--days", "999999999999"), "should be from 1 to 3650"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in fail(capsys, *arguments)
    assert not path.exists()


def test_a_name_is_given_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "new", "shop", "--role", "service")
    assert "already" in fail(capsys, "new", "shop", "--role", "client")
    assert "no key of the name 'shopp'" in fail(capsys, "withdraw", "shopp")
