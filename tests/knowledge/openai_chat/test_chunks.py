"""Streamed completions: whole, half, and such as no server should send."""

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.openai_chat.chunks import (
    MAX_ARGUMENTS_CHARS,
    MAX_CALLS,
    MAX_GARBAGE,
    MAX_LINE_BYTES,
    MAX_RESPONSE_BYTES,
    CallBuilder,
    CallPiece,
    Chunk,
    ChunkReader,
)
from knowledge.openai_chat.errors import ChatError, Failure
from knowledge.passages import FunctionCall, TokenUsage
from tests.support.chat_server import DONE, delta, ending, event, words
from tests.support.hypothesis_profiles import examples


def read(*pieces: bytes) -> list[Chunk]:
    reader = ChunkReader()
    return [chunk for piece in pieces for chunk in reader.feed(piece)]


def said(*pieces: bytes) -> str:
    return "".join(chunk.words for chunk in read(*pieces))


WHOLE = b"".join([*words("We ", "open", " at néuf."), *ending(usage=(7, 3))])


@examples(100)
@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=8))
def test_however_the_bytes_are_cut_the_words_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[a:b] for a, b in pairwise(places)]
    assert said(*pieces) == "We open at néuf."


def test_comments_other_fields_and_carriage_returns_are_no_words() -> None:
    stream = b": ping\r\n\r\nevent: x\r\nid: 4\r\nretry: 10\r\n" + WHOLE.replace(b"\n", b"\r\n")
    assert said(stream) == "We open at néuf."


def test_what_comes_after_the_end_is_not_read() -> None:
    reader = ChunkReader()
    assert [c.words for c in reader.feed(words("a")[0] + DONE + words("b")[0])] == ["a"]
    assert reader.done


def test_usage_is_what_the_server_says() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4}
    usage |= {"prompt_tokens_details": {"cached_tokens": 5}}  # type: ignore[dict-item]
    assert [chunk.tokens for chunk in read(event({"choices": [], "usage": usage}))] == [
        TokenUsage(9, 4, 5)
    ]
    assert read(delta(content="x"))[0].tokens is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {\n",
        b"data: 7\n",
        b'data: {"choices": 7}\n',
        b"data: \xff\xfe\n",
        b"\x00\n",
        b"{}\n",
    ],
)
def test_a_few_events_that_make_no_sense_are_passed_over(garbage: bytes) -> None:
    assert said(words("a")[0], garbage, words("b")[0]) == "ab"


def test_many_make_the_server_count_as_broken() -> None:
    with pytest.raises(ChatError) as failed:
        read(b"data: {\n" * (MAX_GARBAGE + 1))
    assert failed.value.failure is Failure.GARBAGE


def test_a_broken_character_costs_only_itself() -> None:
    assert said(words("caf@s")[0].replace(b"@", b"\xe9")) == "caf\ufffds"


def test_a_line_without_an_end_is_given_up() -> None:
    with pytest.raises(ChatError, match="sent a line of over"):
        read(b"data: " + b"x" * MAX_LINE_BYTES)


def test_an_endless_answer_is_given_up() -> None:
    piece = b": " + b"x" * 60_000 + b"\n"
    with pytest.raises(ChatError, match="sent more than"):
        read(*[piece] * (MAX_RESPONSE_BYTES // len(piece) + 1))


def test_an_error_in_the_stream_is_a_failure_whose_words_stay_out_of_the_message() -> None:
    with pytest.raises(ChatError) as failed:
        read(event({"error": {"message": "overloaded by 'secret words'"}}))
    assert failed.value.failure is Failure.SERVER_ERROR
    assert "secret" not in str(failed.value)
    assert failed.value.detail == "overloaded by 'secret words'"


def test_fields_of_a_server_s_own_make_do() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    usage = {"prompt_tokens": None, "completion_tokens": 4, "prompt_tokens_details": None}
    chunks = read(
        delta(content=thought, reasoning_content="Hm."),
        delta(content=None, refusal="I can't say."),
        event({"choices": [], "usage": usage, "x_groq": {"id": 7}}),
    )
    assert [chunk.words for chunk in chunks] == ["", "I can't say.", ""]
    assert chunks[2].tokens == TokenUsage(0, 4)


@examples(100)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_whatever_do_more_than_fail_the_answer(pieces: list[bytes]) -> None:
    reader = ChunkReader()
    with suppress(ChatError):
        for sent in pieces:
            for chunk in reader.feed(b"data: " + sent + b"\n"):
                assert isinstance(chunk.words, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "tool_calls", "function", "index", "usage", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@examples(100)
@given(JSON, JSON)
def test_no_json_whatever_does_more_than_fail_the_answer(choices: object, usage: object) -> None:
    builder = CallBuilder()
    with suppress(ChatError):
        for chunk in read(event({"choices": choices, "usage": usage})):
            assert isinstance(chunk.words, str)
            for each in chunk.calls:
                builder.feed(each)
        builder.calls({"status"})


# Calls


def built(
    *pieces: dict[str, object], offered: tuple[str, ...] = ("status", "queue")
) -> list[FunctionCall]:
    builder = CallBuilder()
    for piece in pieces:
        builder.feed(CallPiece.model_validate(piece))
    return builder.calls(offered)


def piece(arguments: str = "", **fields: object) -> dict[str, object]:
    name = fields.pop("name", None)
    return {**fields, "function": {"name": name, "arguments": arguments}}


def test_pieces_become_calls() -> None:
    assert built(
        piece('{"n"', index=0, id="a", name="status"),
        piece(": 5}", index=0),
        piece("{}", index=1, id="b", name="queue"),
    ) == [FunctionCall("a", "status", '{"n": 5}'), FunctionCall("b", "queue", "{}")]


def test_pieces_of_several_calls_may_mix() -> None:
    assert built(
        piece(index=0, id="a", name="status"),
        piece(index=1, id="b", name="queue"),
        piece("{}", index=1),
        piece('{"n": 1}', index=0),
    ) == [FunctionCall("a", "status", '{"n": 1}'), FunctionCall("b", "queue", "{}")]


def test_servers_that_number_no_call_or_every_call_alike_are_understood() -> None:
    without = [piece("{", id="a", name="status"), piece("}"), piece("{}", id="b", name="queue")]
    alike = [{**each, "index": 0} for each in without]
    expected = [FunctionCall("a", "status", "{}"), FunctionCall("b", "queue", "{}")]
    assert built(*without) == built(*alike) == expected


def test_a_call_without_an_id_gets_one_and_without_arguments_none() -> None:
    (call,) = built(piece(index=0, name="status"))
    assert call.call_id.startswith("call_")
    assert json.loads(call.arguments) == {}


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"x"', "null", "[" * 30_000])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(ChatError, match="are no JSON object"):
        built(piece(arguments, index=0, id="a", name="status"))


def test_a_function_that_was_not_offered_is_refused() -> None:
    with pytest.raises(ChatError, match="not offered"):
        built(piece("{}", index=0, id="a", name="shutdown"))


def test_too_many_calls_and_too_long_ones_are_refused() -> None:
    with pytest.raises(ChatError, match="more than 8 calls"):
        built(*[piece("{}", index=at, id=str(at), name="status") for at in range(MAX_CALLS + 1)])
    with pytest.raises(ChatError, match="a call of over"):
        built(piece("x" * (MAX_ARGUMENTS_CHARS + 1), index=0, id="a", name="status"))
