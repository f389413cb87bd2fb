"""The reference pages name everything there is, and nothing that there is not."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from overture.agent_settings import (
    AgentSettings,
    EndpointingSettings,
    EngineSettings,
    VoiceSettings,
)
from overture.settings import NOT_SETTINGS, Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_settings_names_every_variable_with_its_meaning() -> None:
    page = (DOCS / "settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert re.search(rf"^\| `OVERTURE_{name.upper()}` \|", page, re.MULTILINE), name
        assert field.description, name
        assert field.description in page
    named = set(re.findall(r"OVERTURE_[A-Z_]+", page))
    known = {f"OVERTURE_{name.upper()}" for name in Settings.model_fields}
    assert named <= known | NOT_SETTINGS


@pytest.mark.parametrize(
    "model", [AgentSettings, VoiceSettings, EndpointingSettings, EngineSettings]
)
def test_agents_names_every_key_of_agent_yaml(model: type[BaseModel]) -> None:
    page = (DOCS / "agents.md").read_text("utf-8")
    for name in model.model_fields:
        assert f"| `{name}` |" in page
