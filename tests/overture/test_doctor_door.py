"""The doctor's look at keys and TLS."""

from pathlib import Path

import pytest

from overture.doctor_door import examine_door
from overture.findings import Finding, Status
from overture.settings import Settings
from tests.support.certificates import make_certificate
from tests.support.keys import make_keys


def findings(**settings: Path) -> list[Finding]:
    """What it finds with these settings."""
    return list(examine_door(Settings(**settings)))  # type: ignore[arg-type]  # of paths only


def test_a_server_without_keys_and_tls_has_nothing_to_be_looked_at() -> None:
    assert findings() == []


def test_keys_are_counted(tmp_path: Path) -> None:
    assert findings(keys_file=make_keys(tmp_path).path) == [Finding(Status.OK, "keys file: 4 keys")]


def test_a_keys_file_that_others_may_read_fails_with_the_command(tmp_path: Path) -> None:
    path = make_keys(tmp_path).path
    path.chmod(0o644)
    [failure] = findings(keys_file=path)
    assert failure.status is Status.FAIL
    assert f"chmod 600 {path}" in failure.advice


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [(60, Status.OK, "good until"), (13, Status.WARN, "ends on"), (-1, Status.FAIL, "ended on")],
)
def test_a_certificate_is_told_by_when_it_ends(
    tmp_path: Path, days: int, status: Status, said: str
) -> None:
    certificate, key = make_certificate(tmp_path, days=days)
    [finding] = findings(tls_cert=certificate, tls_key=key)
    assert finding.status is status
    assert said in finding.what


def test_a_key_of_another_certificate_fails(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, "other")
    [failure] = findings(tls_cert=certificate, tls_key=other)
    assert failure.status is Status.FAIL
    assert "other.key is not the one" in failure.advice
