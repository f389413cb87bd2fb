"""The real server with the café behind it, for clients that others have written."""

import shutil
from pathlib import Path

import pytest

from tests.server.conftest import serving, stage
from tests.support.npm import installed
from tests.support.stock_client import SCRIPTS

__all__ = ["javascript", "serving", "stage"]


@pytest.fixture(scope="session")
def javascript() -> Path:
    """A folder with the stock JavaScript client and our scripts beside it."""
    folder = installed(SCRIPTS / "packages.json")
    for script in [*SCRIPTS.glob("*.mjs"), *SCRIPTS.glob("*.html")]:
        shutil.copy(script, folder)
    return folder
