"""What goes into the container image, as far as it can be told without building one."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.runtime_lock import blocks_of, runtime
from tests.support.overture_process import free_port, overture_serving

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def test_the_image_has_everything_that_its_packages_need() -> None:
    inside = set(blocks_of(runtime(LOCK)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    for name in inside:
        try:
            needs = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue  # for another system or Python
        here = (
            need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
        )
        wanted |= {canonicalize_name(need.name) for need in here}
    assert wanted <= inside


def test_the_image_has_nothing_that_only_developers_need() -> None:
    inside = set(blocks_of(runtime(LOCK)))
    assert not inside & {"pytest", "mypy", "ruff", "playwright", "hypothesis", "onnx", "psutil"}


def test_every_package_keeps_its_hashes() -> None:
    whole = blocks_of(LOCK)
    for name, block in blocks_of(runtime(LOCK)).items():
        assert block == whole[name]
        assert "--hash=sha256:" in block


def test_a_lock_that_does_not_say_why_is_refused() -> None:
    with pytest.raises(ValueError, match="make it with uv"):
        runtime("aiortc==1.0 \\\n    --hash=sha256:00\nhatchling==1.0 \\\n    --hash=sha256:00\n")


def test_the_image_gets_every_room_and_nothing_that_is_not_named() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert rules[0] == "*"
    assert {f"!{room}" for room in [*rooms, "static", "agents", "deploy"]} <= set(rules)
    named = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_health_check_tells_ready_from_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERTURE_RECOGNIZER", "scripted")
    port = free_port()
    monkeypatch.setenv("OVERTURE_PORT", str(port))

    def check() -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(ROOT / "deploy" / "healthcheck.py")]
        return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)

    with overture_serving(tmp_path / "data", port):
        assert check().returncode == 0
    gone = check()
    assert gone.returncode == 1
    assert "not ready" in gone.stderr
