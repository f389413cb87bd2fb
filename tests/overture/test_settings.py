"""Settings: what is refused, and whether the message is enough to put it right."""

from pathlib import Path

import pytest

from overture.settings import (
    SettingsError,
    default_data_dir,
    load_settings,
    unknown_variables,
)
from sessions.redis_url import without_password


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("OVERTURE_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("OVERTURE_PORT", "80a", "should be a whole number"),
        ("OVERTURE_PORT", "70000", "less than or equal to 65535"),
        ("OVERTURE_HOST", "0.0.0.0", "everybody could use it; make a key with"),
        ("OVERTURE_HOST", "::", "everybody could use it; make a key with"),
        ("OVERTURE_HOST", "example.org", "should be an address of this machine"),
        ("OVERTURE_REDIS_URL", "http://localhost", "should look like redis://"),
        ("OVERTURE_REDIS_URL", "redis://", "should look like redis://"),
        ("OVERTURE_RECOGNIZER", "kaldi", "'pocketsphinx', 'whisper', 'openai' or 'scripted'"),
        ("OVERTURE_RECOGNIZER_URL", "ftp://h/v1", "should look like https://HOST/v1"),
        ("OVERTURE_SYNTHESIZER_URL", "http://h/v1/audio/speech", "should end before /audio"),
        ("OVERTURE_SYNTHESIZER", "festival", "'espeak', 'piper', 'openai' or 'scripted'"),
        ("OVERTURE_LOG_WORDS", "perhaps", "should be true or false"),
        ("OVERTURE_MAX_SESSIONS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_its_value_and_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{name}='{value}': ")
    assert right in str(refused.value)


def test_a_remote_speech_engine_needs_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_RECOGNIZER", "openai")
    monkeypatch.setenv("OVERTURE_SYNTHESIZER", "openai")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [line.split(": should say where")[0] for line in str(refused.value).splitlines()] == [
        "OVERTURE_RECOGNIZER_URL=''",
        "OVERTURE_SYNTHESIZER_URL=''",
    ]


def test_all_wrong_values_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_PORT", "x")
    monkeypatch.setenv("OVERTURE_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [line.split("=")[0] for line in str(refused.value).splitlines()] == [
        "OVERTURE_PORT",
        "OVERTURE_LOG_LEVEL",
    ]


def test_the_command_line_beats_the_environment_and_is_named_when_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OVERTURE_PORT", "9000")
    assert load_settings(port=None).port == 9000
    assert load_settings(port=9001).port == 9001
    with pytest.raises(SettingsError, match=r"^--port=99999: "):
        load_settings(port=99999)


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_PORT", "")
    assert load_settings().port == 8000


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_addresses_are_accepted(host: str) -> None:
    assert load_settings(host=host).host == host


def test_a_password_never_shows_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_REDIS_URL", "http://user:secret@localhost")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "secret" not in str(refused.value)
    assert without_password("redis://u:secret@h:1/0") == "redis://u:***@h:1/0"


def test_a_checkout_keeps_its_data_to_itself() -> None:
    assert default_data_dir() == Path(__file__).resolve().parents[2] / "data"


def test_a_relative_data_folder_becomes_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERTURE_DATA_DIR", "somewhere")
    assert load_settings().data_dir == Path.cwd() / "somewhere"


def test_a_misspelled_variable_is_found_with_the_nearest_right_one() -> None:
    environ = {
        "OVERTURE_RECOGNISER": "x",
        "OVERTURE_ZZZ": "y",
        "OVERTURE_DATASETS": "z",
        "PATH": "",
    }
    assert unknown_variables(environ) == {
        "OVERTURE_RECOGNISER": "OVERTURE_RECOGNIZER",
        "OVERTURE_ZZZ": "",
    }
