"""npm packages for tests: exact versions, held to hashes of our own, in a folder git ignores.

Our own list and not npm's lock file, because that records the registry's address.
"""

import hashlib
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLDEST_NODE = 20
INSTALL_S = 100.0
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
"""How npm says that there is no way to the registry. Anything else is a failure of the test."""


@cache
def node() -> str:
    """The program; leaves the test out where there is none, or too old a one."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed (Debian: apt install nodejs npm)")
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    version = asked.stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is {version}, and its packages need {OLDEST_NODE} or newer")
    return program


def installed(manifest: Path) -> Path:
    """The folder above `node_modules` with the packages of `manifest`; installed if need be.

    manifest: package name to {"version", "integrity"}, every package, none nested.
    """
    packages = json.loads(manifest.read_text("utf-8"))
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    folder = ROOT / "out" / f"npm-{digest}"
    stamp = folder / "installed"
    if not stamp.exists():
        node()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _install(folder, packages)
        stamp.touch()
    return folder


def _install(folder: Path, packages: dict[str, dict[str, str]]) -> None:
    wanted = {"dependencies": {name: each["version"] for name, each in packages.items()}}
    entries = {f"node_modules/{name}": each for name, each in packages.items()}
    lock = {"name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    (folder / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0"} | wanted))
    (folder / "package-lock.json").write_text(
        json.dumps(lock | {"packages": {"": wanted} | entries})
    )
    # `ci` refuses what does not have the lock's hash. No script of any package is run.
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        env=os.environ | {"npm_config_fetch_retries": "2", "npm_config_engine_strict": "false"},
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    if done.returncode == 0:
        return
    if any(sign in done.stderr for sign in NO_NETWORK):
        pytest.skip("npm has no way to its registry")
    raise AssertionError(f"npm ci failed:\n{done.stderr[-2000:]}")
