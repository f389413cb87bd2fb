"""The session object: defaults filled in, changes merged, mistakes named."""

from dataclasses import replace
from typing import Any

import pytest
from openai.types.realtime import RealtimeSessionCreateRequest

from conversation import Endpointing, TurnPolicy
from live.config import SessionConfig
from server.realtime.errors import ClientError
from server.realtime.session_config import session_config, wire_session
from server.realtime.wire_session import WireSession, changed
from voice.synthesis import Voice

AGENT = SessionConfig(
    voice=Voice("slt"), policy=TurnPolicy(Endpointing(200, 240, 400, 1100)), language="en-GB"
)
FRESH = wire_session("sess_1", "cafe", AGENT)


def detection(**fields: Any) -> dict[str, Any]:
    """A patch of turn detection."""
    return {"audio": {"input": {"turn_detection": fields}}}


def configured(*patches: dict[str, Any]) -> SessionConfig:
    """What the live session gets after these updates."""
    session = FRESH
    for patch in patches:
        session = changed(session, patch)
    return session_config(session, AGENT, frozenset({"slt", "rms"}))


def test_a_fresh_session_shows_every_default() -> None:
    wire = FRESH.model_dump()
    RealtimeSessionCreateRequest.model_validate(wire, strict=True)
    assert wire["output_modalities"] == ["audio"]
    assert wire["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert wire["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
        "idle_timeout_ms": None,
    }
    assert wire["audio"]["output"]["voice"] == "slt"


def test_a_fresh_session_means_what_the_agent_has() -> None:
    assert configured() == AGENT


def test_what_an_update_leaves_out_stays() -> None:
    session = changed(FRESH, detection(threshold=0.8) | {"instructions": "Be brief."})
    session = changed(session, detection(silence_duration_ms=700))
    config = session_config(session, AGENT, frozenset())
    assert config.vad_threshold == 0.8
    assert config.policy.endpointing.complete_ms == 700
    assert config.instructions == "Be brief."


def test_the_protocols_default_silence_leaves_endpointing_to_the_agent() -> None:
    ours = configured(detection(type="server_vad", silence_duration_ms=500)).policy
    assert ours.endpointing == AGENT.policy.endpointing


def test_any_other_silence_is_literal_but_never_cuts_words_that_dangle() -> None:
    endpointing = configured(detection(silence_duration_ms=300)).policy.endpointing
    assert (endpointing.complete_ms, endpointing.unsure_ms, endpointing.dangling_ms) == (
        (300, 300, 1100)
    )
    slow = configured(detection(silence_duration_ms=4000)).policy.endpointing
    assert slow.dangling_ms == slow.hard_ms == 4000


def test_no_turn_detection_means_that_the_client_owns_turns() -> None:
    silent = {"audio": {"input": {"turn_detection": None}}}
    assert configured(silent).policy.manual
    assert not configured(silent, detection(type="server_vad")).policy.manual


def test_an_eager_agent_waits_less() -> None:
    high = configured(detection(type="semantic_vad", eagerness="high")).policy.endpointing
    auto = configured(detection(type="semantic_vad")).policy.endpointing
    low = configured(detection(type="semantic_vad", eagerness="low")).policy.endpointing
    assert auto == AGENT.policy.endpointing
    assert high.unsure_ms < auto.unsure_ms < low.unsure_ms
    assert (high.hard_ms, low.hard_ms) == (2000, 8000)


def test_another_kind_of_turn_detection_begins_from_its_own_defaults() -> None:
    session = changed(FRESH, detection(type="semantic_vad", create_response=False))
    wire = session.model_dump()["audio"]["input"]["turn_detection"]
    assert wire == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": False,
        "interrupt_response": True,
    }


def test_a_voice_we_do_not_have_is_echoed_and_the_agent_keeps_its_own() -> None:
    session = changed(FRESH, {"audio": {"output": {"voice": "marin", "speed": 1.2}}})
    assert session.audio.output.voice == "marin"
    assert session_config(session, AGENT, frozenset({"rms"})).voice == Voice("slt", 1.2)
    known = {"audio": {"output": {"voice": "rms"}}}
    assert configured(known).voice.name == "rms"


def test_what_only_others_understand_is_accepted_and_echoed() -> None:
    patch = {
        "model": "gpt-realtime-9",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"},
        "tracing": "auto",
        "max_output_tokens": 50,
        "reasoning": {"effort": "low"},
        "audio": {"input": {"noise_reduction": {"type": "near_field"}}},
    }
    wire = changed(FRESH, patch).model_dump()
    for key in ("model", "tools", "tool_choice", "tracing", "max_output_tokens", "reasoning"):
        assert wire[key] == patch[key]
    assert wire["audio"]["input"]["noise_reduction"] == {"type": "near_field"}
    RealtimeSessionCreateRequest.model_validate(wire, strict=True)


def test_a_scripted_recognizer_is_chosen_by_the_transcription_model() -> None:
    transcription = {"model": "scripted", "prompt": "[]", "language": "en"}
    config = configured({"audio": {"input": {"transcription": transcription}}})
    assert (config.transcription_model, config.transcription_prompt) == ("scripted", "[]")
    other = configured({"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    assert other.transcription_model == ""


def test_null_leaves_a_field_as_it_was_where_it_cannot_be_switched_off() -> None:
    session = changed(FRESH, {"instructions": "Be brief."})
    assert changed(session, {"instructions": None, "tools": None}) == session


def test_a_client_cannot_rename_the_session() -> None:
    assert changed(FRESH, {"id": "sess_other"}).id == "sess_1"


@pytest.mark.parametrize(
    ("patch", "code", "param"),
    [
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"instructions": 5}, "invalid_type", "session.instructions"),
        ({"output_modalities": ["smell"]}, "invalid_value", "session.output_modalities.0"),
        (
            {"output_modalities": ["text", "audio"]},
            "invalid_value",
            "session.output_modalities",
        ),
        ({"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
        ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
        ({"audio": "loud"}, "invalid_type", "session.audio"),
        (
            detection(type="server_vad", threshold=7),
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            detection(type="telepathy"),
            "invalid_value",
            "session.audio.input.turn_detection",
        ),
        (
            {"audio": {"output": {"speed": 9}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
    ],
)
def test_a_mistake_is_named_by_its_path(patch: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(ClientError) as error:
        changed(FRESH, patch)
    assert (error.value.code, error.value.param) == (code, param)


def test_a_text_only_agent_begins_in_text() -> None:
    session = wire_session("s", "cafe", replace(AGENT, audio=False))
    assert isinstance(session, WireSession)
    assert session.output_modalities == ["text"]
    assert not session_config(session, AGENT, frozenset()).audio
