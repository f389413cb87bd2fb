"""The demo as people start it: a process of its own, and what it leaves behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

OVERTURE = str(Path(sys.executable).parent / "overture")
DEMO = (OVERTURE, "demo", "outreach")
CAFE = Path(__file__).parents[2] / "agents" / "cafe"
PATIENCE_S = 120


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Temporary files where the test can count them, and settings that must not count."""
    return os.environ | {
        "TMPDIR": str(tmp_path),
        "OVERTURE_HOST": "no address",
        "HOME": str(tmp_path),
    }


def test_the_demo_is_heard_and_leaves_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    played = subprocess.run(
        [*DEMO, "--quick"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    told = " ".join(played.stdout.split())
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Would you like your usual latte?" in told
    assert "All right, in 5 seconds." in told
    assert told.count("your order is ready at the counter: one latte.") == 2
    assert "deferred" in told
    assert list(tmp_path.glob("overture-demo-*")) == []


def _hears_ctrl_c() -> None:
    """What a shell starts in the background is deaf to it, and so are our tests then."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_the_server_too(environment: dict[str, str], tmp_path: Path) -> None:
    port = 0
    with subprocess.Popen(
        [*DEMO, "--quick"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_hears_ctrl_c,
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
                break
        socket.create_connection(("127.0.0.1", port)).close()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=PATIENCE_S) == 130
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert list(tmp_path.glob("overture-demo-*")) == []


def test_what_was_not_heard_is_told_by_the_exit_code(
    environment: dict[str, str], tmp_path: Path
) -> None:
    cafe = tmp_path / "cafe"
    shutil.copytree(CAFE, cafe)
    visits = cafe / "outreach" / "visits.yaml"
    visits.write_text(visits.read_text().replace("name: welcome_back", "name: another"))
    play = (
        "import sys, pathlib, overture.demo_command as d; "
        "sys.exit(d.demo_outreach(pathlib.Path(sys.argv[1]), quick=True, page=False))"
    )
    played = subprocess.run(
        [sys.executable, "-c", play, str(cafe)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert played.returncode == 1, played.stdout + played.stderr
    assert "The demo failed: welcome_back was to be heard, another was" in played.stderr
    assert list(tmp_path.glob("overture-demo-*")) == []
