"""Live events become server events in the protocol's order, each one the SDK knows."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conversation import Floor
from knowledge.passages import FunctionCall, Passage, TokenUsage
from live import events as told
from live.config import SessionConfig
from live.history import Item, function_call_item
from server.realtime.errors import ClientError
from server.realtime.outgoing import Encoder
from server.realtime.session_config import wire_session
from server.realtime.telling import Teller
from server.realtime.wire_session import changed
from tests.support.wire_client import check

FRAME = np.arange(960, dtype=np.int16)
BEGUN = Item("item_a", "assistant", spoken=True, status="in_progress")
SAID = Item("item_a", "assistant", "We close at five.", spoken=True, audio_ms=900)
ASKED = Item("item_u", "user", "", spoken=True)
CALL = function_call_item(FunctionCall("call_1", "order", '{"drink":"latte"}'))
SILENT = told.IdleTimedOut(Item("item_s", spoken=True), "item_a")

EVERY_EVENT: tuple[told.LiveEvent, ...] = (
    told.SpeechStarted("item_u", 1000),
    told.SpeechStopped("item_u", 2400),
    told.TurnCommitted(ASKED, None),
    told.Transcribed("item_u", "when do you close", 1.4),
    told.TranscriptionFailed("item_u", "the recognizer hangs"),
    told.ResponseBegun("resp_1", audio=True, metadata={"outreach_id": "o1"}),
    told.AgentItemBegun("resp_1", BEGUN, "item_u"),
    told.TextSent("resp_1", "item_a", "We close at five."),
    told.AudioSent("resp_1", "item_a", FRAME),
    told.FunctionCalled("resp_1", CALL, "item_a"),
    told.ItemTruncated("item_a", 40, "We"),
    told.ResponseEnded("resp_1", SAID, "completed"),
    SILENT,
    told.ToolCalled("order_status", 0.2),
    told.InterimWords("item_u", "when do"),
    told.SourcesFound("resp_1", "item_a", (Passage("hours.md", "Hours", "...", 3),)),
    told.PlayoutPaused("item_a"),
    told.PlayoutResumed("item_a"),
    told.TurnMeasured("item_u", {"end_of_turn": 250.0}),
    told.FloorChanged(Floor.SPEAKING),
    told.Warned("be careful"),
    told.CardShown(
        "out_1", "Your latte is ready.", "You ordered it.", "order_ready", "orders", True
    ),
    told.CardGone("out_1"),
    told.Replied("out_1", "not_now", 600.0),
)


def teller(extras: bool = False, **session: Any) -> Teller:
    """One connection's, its session changed."""
    wire = changed(wire_session("sess_1", "cafe", SessionConfig()), session)
    return Teller(Encoder(), wire, extras=extras)


def told_to(teller: Teller, *events: told.LiveEvent) -> list[dict[str, Any]]:
    """What the client gets."""
    return [json.loads(text) for event in events for text in teller.tell(event)]


def idle_after(ms: int) -> dict[str, Any]:
    """A session that wants to know of silence."""
    return {"audio": {"input": {"turn_detection": {"idle_timeout_ms": ms}}}}


def test_every_event_is_one_that_the_sdk_knows() -> None:
    events = told_to(teller(**idle_after(5000)), *EVERY_EVENT)
    for event in events:
        check(event)
    assert {e["type"] for e in events} >= {
        "input_audio_buffer.timeout_triggered",
        "conversation.item.truncated",
    }


def test_no_two_events_share_an_id() -> None:
    ids = [event["event_id"] for event in told_to(teller(extras=True), *EVERY_EVENT)]
    assert len(ids) == len(set(ids))


def test_our_own_events_come_only_when_asked_for() -> None:
    plain = told_to(teller(), *EVERY_EVENT)
    extras = told_to(teller(extras=True), *EVERY_EVENT)
    own = [e["type"] for e in extras if e["type"].startswith("overture.")]
    assert not [e for e in plain if e["type"].startswith("overture.")]
    assert own == [
        "overture.heard",
        "overture.words",
        "overture.sources",
        "overture.playout.paused",
        "overture.playout.resumed",
        "overture.turn",
        "overture.floor",
        "overture.warning",
        "overture.outreach.card",
        "overture.outreach.gone",
    ]


def test_a_spoken_response_comes_in_the_protocols_order() -> None:
    events = told_to(teller(), *EVERY_EVENT[5:9], EVERY_EVENT[11])
    assert [event["type"] for event in events] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    created, done = events[0]["response"], events[-1]["response"]
    assert created["status"] == "in_progress"
    assert created["metadata"] == done["metadata"] == {"outreach_id": "o1"}
    assert done["output"][0]["content"][0]["transcript"] == "We close at five."


def test_a_response_without_words_is_done_all_the_same() -> None:
    events = told_to(
        teller(), told.ResponseBegun("r", audio=True), told.ResponseEnded("r", None, "completed")
    )
    assert [event["type"] for event in events] == ["response.created", "response.done"]
    assert events[-1]["response"]["output"] == []


def test_an_item_of_which_nothing_was_heard_is_closed_as_incomplete() -> None:
    events = told_to(
        teller(),
        *EVERY_EVENT[5:7],
        told.ResponseEnded("resp_1", None, "cancelled", "turn_detected"),
    )
    for event in events:
        check(event)
    done = next(e for e in events if e["type"] == "conversation.item.done")
    assert done["item"]["status"] == "incomplete"
    assert done["item"]["content"] == [{"type": "output_audio", "transcript": ""}]


def test_a_failed_response_says_why() -> None:
    events = told_to(
        teller(),
        told.ResponseBegun("r", audio=True),
        told.ResponseEnded("r", None, "failed", "the synthesizer hangs"),
    )
    check(events[-1])
    details = events[-1]["response"]["status_details"]
    assert details["error"]["message"] == "the synthesizer hangs"


def test_audio_on_the_wire_is_the_audio_that_was_said() -> None:
    from base64 import b64decode

    events = told_to(teller(), *EVERY_EVENT[5:7], EVERY_EVENT[8])
    assert np.array_equal(np.frombuffer(b64decode(events[-1]["delta"]), "<i2"), FRAME)


def test_who_owns_the_turns_is_not_told_of_speech() -> None:
    manual = teller(audio={"input": {"turn_detection": None}})
    assert told_to(manual, *EVERY_EVENT[:2]) == []


def test_who_wants_no_transcription_gets_none() -> None:
    silent = teller(audio={"input": {"transcription": None}})
    assert told_to(silent, EVERY_EVENT[3]) == []


def test_speech_starts_where_its_padding_does() -> None:
    (event,) = told_to(teller(), EVERY_EVENT[0])
    assert event["audio_start_ms"] == 700


def test_silence_is_told_only_to_who_asked() -> None:
    assert told_to(teller(), SILENT) == []
    asked = teller(**idle_after(5000))
    asked.heard_ms = 20_000.4
    event, *committed = told_to(asked, SILENT)
    assert (event["audio_start_ms"], event["audio_end_ms"]) == (15_000, 20_000)
    assert event["item_id"] == "item_s"
    assert [each["type"] for each in committed] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert committed[0]["previous_item_id"] == "item_a"
    assert committed[3]["transcript"] == ""


def test_a_call_follows_the_message_as_an_item_of_its_own() -> None:
    begun = told.ResponseBegun("resp_1", audio=True)
    events = told_to(
        teller(),
        begun,
        told.AgentItemBegun("resp_1", BEGUN, "item_u"),
        told.TextSent("resp_1", "item_a", "One moment."),
        told.FunctionCalled("resp_1", CALL, "item_a"),
        told.ResponseEnded("resp_1", SAID, "completed"),
    )
    for event in events:
        check(event)
    of_call = [e for e in events if e.get("output_index") == 1]
    assert [event["type"] for event in of_call] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    assert of_call[0]["item"]["arguments"] == ""
    assert of_call[1]["delta"] == of_call[2]["arguments"] == '{"drink":"latte"}'
    assert of_call[2]["name"] == "order"
    assert [item["type"] for item in events[-1]["response"]["output"]] == [
        "message",
        "function_call",
    ]


def test_a_call_alone_is_the_responses_first_item() -> None:
    events = told_to(
        teller(),
        told.ResponseBegun("resp_1", audio=True),
        told.FunctionCalled("resp_1", CALL, "item_u"),
        told.ResponseEnded("resp_1", None, "completed"),
    )
    assert [e["type"] for e in events][1:4] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
    ]
    assert events[1]["output_index"] == 0
    assert [item["call_id"] for item in events[-1]["response"]["output"]] == ["call_1"]


def test_out_of_the_conversation_nothing_is_told_of_its_items() -> None:
    events = told_to(
        teller(),
        told.ResponseBegun("r", audio=False, in_conversation=False, max_output_tokens=50),
        told.AgentItemBegun("r", replace(BEGUN, spoken=False), None),
        told.TextSent("r", "item_a", "We close at five."),
        told.FunctionCalled("r", CALL, None),
        told.ResponseEnded("r", replace(SAID, spoken=False), "completed"),
    )
    for event in events:
        check(event)
    assert not [e for e in events if e["type"].startswith("conversation.")]
    done = events[-1]["response"]
    assert (done["conversation_id"], done["max_output_tokens"]) == (None, 50)
    assert len(done["output"]) == 2


def test_tokens_are_told_in_every_field_that_clients_add_up() -> None:
    used = TokenUsage(input_tokens=120, output_tokens=30, cached_tokens=100)
    events = told_to(
        teller(),
        told.ResponseBegun("r", audio=True),
        told.ResponseEnded("r", None, "incomplete", "max_output_tokens", used),
    )
    check(events[-1])
    response = events[-1]["response"]
    usage = response["usage"]
    assert (usage["total_tokens"], usage["input_tokens"], usage["output_tokens"]) == (150, 120, 30)
    assert usage["input_token_details"]["cached_tokens"] == 100
    assert usage["input_token_details"]["cached_tokens_details"]["text_tokens"] == 100
    assert usage["output_token_details"] == {"text_tokens": 30, "audio_tokens": 0}
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


def test_a_voice_for_one_response_is_named_in_it() -> None:
    for voice, named in (("rms", "rms"), ("", "default")):
        (created,) = told_to(teller(), told.ResponseBegun("r", audio=True, voice=voice))
        check(created)
        assert created["response"]["audio"]["output"]["voice"] == named


def test_words_that_will_never_be_known_are_told_to_have_failed() -> None:
    (event,) = told_to(teller(), told.TranscriptionFailed("item_u", "the recognizer hangs"))
    check(event)
    assert event["type"] == "conversation.item.input_audio_transcription.failed"
    assert event["error"]["message"] == "the recognizer hangs"


@pytest.mark.parametrize("event_id", [None, "evt_7"])
def test_an_error_names_the_clients_event(event_id: str | None) -> None:
    event = json.loads(Encoder().error(ClientError("invalid_value", "no", "a.b"), event_id))
    check(event)
    assert event["error"] == {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "no",
        "param": "a.b",
        "event_id": event_id,
    }
