"""What a model is told."""

from datetime import datetime
from typing import Any

from knowledge.openai_chat.messages import MAX_MESSAGE_CHARS, Persona, messages_of, tools_of
from knowledge.passages import (
    Exchange,
    FunctionCall,
    FunctionOutput,
    Message,
    Passage,
    Question,
    Tool,
)

CAFE = Persona("Lighthouse Coffee", "en-GB", "No idea.", "Be a pirate.")
NOW = datetime(2026, 11, 21, 13, 5)
HOURS = Passage("hours.md", "Opening hours", "On Sunday we open at 9 am.", 3)


def system(question: Question, *passages: Passage) -> str:
    return str(messages_of(CAFE, question, passages, NOW)[0]["content"])


def after_system(*history: Exchange, text: str = "") -> list[dict[str, Any]]:
    return messages_of(CAFE, Question(text, history), [], NOW)[1:]


def test_the_system_holds_rules_instructions_the_time_and_the_passages_in_this_order() -> None:
    told = system(Question("when", instructions="Answer in rhymes."), HOURS)
    parts = [
        "You are the voice of Lighthouse Coffee.",
        '"en-GB"',
        "say exactly: No idea.",
        "Be a pirate.",
        "Answer in rhymes.",
        "It is Saturday, 21 November 2026, 13:05.",
        "[hours.md: Opening hours]\nOn Sunday we open at 9 am.",
    ]
    places = [told.index(part) for part in parts]
    assert places == sorted(places)


def test_without_passages_it_says_so() -> None:
    assert "No passage of the documents fits" in system(Question("when"))


def test_passages_beyond_what_there_is_room_for_are_left_out() -> None:
    long = Passage("long.md", "", "word " * 1_000, 1)
    told = system(Question("when"), HOURS, long, long, HOURS)
    assert told.count("[long.md]") == 1
    assert told.count("[hours.md: Opening hours]") == 1


def test_braces_in_a_name_or_instructions_are_only_text() -> None:
    persona = Persona("{Café}", instructions="Say {hello}.")
    told = messages_of(persona, Question("{x}"), [], NOW)[0]["content"]
    assert "You are the voice of {Café}." in told
    assert "Say {hello}." in told


def test_the_question_comes_last_and_once() -> None:
    asked = {"role": "user", "content": "when?"}
    assert after_system(Message("assistant", "Hello."), text="when?") == [
        {"role": "assistant", "content": "Hello."},
        asked,
    ]
    assert after_system(Message("user", "when?"), text="when?") == [asked]


def test_a_call_is_followed_by_its_output() -> None:
    messages = after_system(
        Message("user", "where is my order"),
        FunctionCall("c1", "status", '{"number": 5}'),
        FunctionCall("c2", "queue", ""),
        FunctionOutput("c2", "long"),
        FunctionOutput("c1", "ready"),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["c1", "c2"]
    assert messages[1]["tool_calls"][0]["function"] == {
        "name": "status",
        "arguments": '{"number": 5}',
    }
    assert messages[1]["tool_calls"][1]["function"]["arguments"] == "{}"
    assert [(m["tool_call_id"], m["content"]) for m in messages[2:]] == [
        ("c1", "ready"),
        ("c2", "long"),
    ]


def test_half_a_call_is_left_out_since_servers_refuse_it() -> None:
    assert after_system(
        FunctionOutput("lost", "x"),
        Message("user", "and?"),
        FunctionCall("open", "status", "{}"),
    ) == [{"role": "user", "content": "and?"}]


def test_words_between_a_call_and_its_output_come_after_both() -> None:
    messages = after_system(
        FunctionCall("c1", "status", "{}"), Message("user", "hm"), FunctionOutput("c1", "ready")
    )
    assert [message["role"] for message in messages] == ["assistant", "tool", "user"]


def test_long_messages_are_cut() -> None:
    (message,) = after_system(Message("user", "x" * 10_000))
    assert len(message["content"]) == MAX_MESSAGE_CHARS


def test_tools_are_offered_as_the_protocol_has_them() -> None:
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}}
    tools = [Tool("status", "How far it is.", schema), Tool("queue")]
    fields = tools_of(tools, "auto")
    assert fields["tool_choice"] == "auto"
    assert fields["tools"][0] == {
        "type": "function",
        "function": {"name": "status", "description": "How far it is.", "parameters": schema},
    }
    assert fields["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_named_tool_is_forced_and_without_tools_nothing_is_said_of_them() -> None:
    forced = tools_of([Tool("status")], "status")["tool_choice"]
    assert forced == {"type": "function", "function": {"name": "status"}}
    assert tools_of([], "required") == {}
