"""What no committed file may hold: addresses of package registries, someone's home folder."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# Put together from pieces, so that this file passes its own test.
REGISTRIES = re.compile(
    "|".join(
        ".".join(re.escape(part) for part in host)
        for host in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("crates", "io"),
            ("deb", "debian", "org"),
        )
    )
)
HOMES = re.compile(r"(?<![\w.])/(?:" + "|".join(("ro" + "ot", "ho" + "me", "Us" + "ers")) + r")/\w")


def committed() -> Iterator[tuple[str, str]]:
    """Each tracked text file with its content."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        path = CHECKOUT / name
        if path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                yield name, data.decode("utf-8", "replace")


def test_no_committed_file_names_a_package_registry() -> None:
    assert [name for name, text in committed() if REGISTRIES.search(text)] == []


def test_no_committed_file_holds_a_path_below_someones_home() -> None:
    assert [name for name, text in committed() if HOMES.search(text)] == []


def test_the_patterns_find_what_they_look_for() -> None:
    assert REGISTRIES.search("https://files." + "python" + "hosted.org/x")
    assert HOMES.search("/ho" + "me/ann/x")
    assert not HOMES.search("https://example.org/ho" + "me/ann")
