"""The real server with the café behind it, for stock clients to call."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from overture.settings import Settings
from tests.support.serving import Serving, Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The café's parts; what is heard of speech is what the session's prompt says."""
    folder: Path = tmp_path_factory.mktemp("d")
    stage = Stage(Settings(data_dir=folder, recognizer="scripted"))
    stage.open()
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def serving(stage: Stage) -> Iterator[Serving]:
    """A server with the limits that everyone gets."""
    with stage.serving() as serving:
        yield serving
