"""What the wire's session object means for the live session."""

from dataclasses import replace

from conversation import Endpointing, TurnPolicy
from live.config import SessionConfig
from server.realtime.client_events import AnyVoice
from server.realtime.wire_session import (
    Audio,
    AudioInput,
    AudioOutput,
    SemanticVad,
    ServerVad,
    Transcription,
    WireSession,
)
from server.realtime.wire_tools import choice_of, tools_of
from voice.synthesis import Voice

PROTOCOL_SILENCE_MS = 500
"""`silence_duration_ms` of a client that has no wish of its own."""
SCRIPTED = "scripted"
"""The transcription model that hears what its prompt says."""

_HARD_MS = {"low": 8000, "high": 2000}
"""The longest silences that the protocol promises for `eagerness`; "auto" is the agent's own."""
_PATIENCE = {"low": 2.0, "high": 0.75}
"""How much longer or shorter than the agent's own the other silences are."""


def wire_session(session_id: str, model: str, config: SessionConfig) -> WireSession:
    """The session object of a session that has just begun."""
    policy = config.policy
    detection = ServerVad(
        threshold=config.vad_threshold,
        prefix_padding_ms=config.prefix_padding_ms,
        create_response=policy.create_response,
        interrupt_response=policy.interrupt_response,
        idle_timeout_ms=policy.idle_timeout_ms,
    )
    heard = Transcription(
        model=config.transcription_model or model,
        language=config.language,
        prompt=config.transcription_prompt,
    )
    return WireSession(
        id=session_id,
        model=model,
        output_modalities=["audio"] if config.audio else ["text"],
        instructions=config.instructions,
        audio=Audio(
            input=AudioInput(
                transcription=heard, turn_detection=None if policy.manual else detection
            ),
            output=AudioOutput(voice=config.voice.name or "default", speed=config.voice.speed),
        ),
    )


def session_config(wire: WireSession, base: SessionConfig, voices: frozenset[str]) -> SessionConfig:
    """`base` as the client wants it. voices: those that exist; others get the agent's own."""
    detection = wire.audio.input.turn_detection
    heard = wire.audio.input.transcription or Transcription()
    config = replace(
        base,
        audio="audio" in wire.output_modalities,
        instructions=wire.instructions,
        voice=voice_of(wire.audio.output.voice, wire.audio.output.speed, base.voice, voices),
        policy=_policy(detection, base.policy),
        transcription_model=SCRIPTED if heard.model == SCRIPTED else "",
        transcription_prompt=heard.prompt or "",
        language=heard.language or base.language,
        tools=tools_of(wire.tools),
        tool_choice=choice_of(wire.tool_choice),
        max_output_tokens=None if wire.max_output_tokens == "inf" else wire.max_output_tokens,
    )
    if isinstance(detection, ServerVad):
        config = replace(
            config,
            vad_threshold=detection.threshold,
            prefix_padding_ms=detection.prefix_padding_ms,
        )
    return config


def voice_of(wanted: AnyVoice, speed: float, own: Voice, voices: frozenset[str]) -> Voice:
    """The voice of that name if there is one, else the agent's own."""
    name = wanted if isinstance(wanted, str) else wanted.id
    return Voice(name if name in voices else own.name, speed)


def _policy(detection: ServerVad | SemanticVad | None, own: TurnPolicy) -> TurnPolicy:
    if detection is None:
        return replace(own, manual=True, idle_timeout_ms=None)
    if isinstance(detection, SemanticVad):
        endpointing = _eager(own.endpointing, detection.eagerness)
        idle_timeout_ms = None
    else:
        endpointing = _literal(own.endpointing, detection.silence_duration_ms)
        idle_timeout_ms = detection.idle_timeout_ms
    return TurnPolicy(
        endpointing=endpointing,
        manual=False,
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
        idle_timeout_ms=idle_timeout_ms,
    )


def _literal(own: Endpointing, silence_ms: int) -> Endpointing:
    """Words that clearly go on are never cut shorter than the agent itself would."""
    if silence_ms == PROTOCOL_SILENCE_MS:
        return own
    return Endpointing(
        complete_ms=silence_ms,
        likely_ms=silence_ms,
        unsure_ms=silence_ms,
        dangling_ms=max(silence_ms, own.dangling_ms),
        hard_ms=max(silence_ms, own.hard_ms),
    )


def _eager(own: Endpointing, eagerness: str) -> Endpointing:
    if eagerness not in _PATIENCE:
        return own
    patience = _PATIENCE[eagerness]
    return Endpointing(
        complete_ms=int(own.complete_ms * patience),
        likely_ms=int(own.likely_ms * patience),
        unsure_ms=int(own.unsure_ms * patience),
        dangling_ms=int(own.dangling_ms * patience),
        hard_ms=_HARD_MS[eagerness],
    )
