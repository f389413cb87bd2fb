"""Functions that an answer calls: the client's, and the agent's own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from knowledge.passages import AnswerCut, FunctionCall, FunctionOutput, Message, TokenUsage, Tool
from live import calls as calls_module
from live import events as told
from live.config import ResponseRequest, SessionConfig
from live.history import Item
from live.session import SessionError
from live.tools import ToolContext, ToolError
from tests.support.planned import OWN, NotedTools, PlannedAnswerer, calls, model_parts
from tests.support.talking import KeptInMind, Talk, scripted_parts, talking

QUESTION = "when do you close on sunday"
ORDER = "i'd like a large latte with soy milk"
WEATHER = Tool("weather", "The weather now.", {"type": "object", "properties": {}})
ORDERING = Tool("orderDrink", "Places an order.")
CLIENT = SessionConfig(tools=(WEATHER, ORDERING))


def output(call_id: str, text: str, item_id: str = "out") -> Item:
    """What a client sends when its function has run."""
    raw = {"type": "function_call_output", "call_id": call_id, "output": text, "id": item_id}
    return Item(item_id, kind="function_call_output", raw=raw)


def asks(talk: Talk, text: str) -> None:
    """A typed question."""
    talk.session.add_item(Item(f"typed{len(talk.session.history)}", "user", text), None)
    talk.session.respond(ResponseRequest())


# The client's functions


async def test_a_call_of_the_clients_is_told_once_the_turn_has_ended_and_its_message_begun() -> (
    None
):
    answerer = PlannedAnswerer(["Let me see.", calls("weather")])
    async with talking(model_parts(answerer), CLIENT) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        order = [told.TurnCommitted, told.ResponseBegun, told.AgentItemBegun, told.FunctionCalled]
        places = [next(i for i, e in enumerate(talk.events) if type(e) is kind) for kind in order]
        assert places == sorted(places)
        (called,) = talk.all(told.FunctionCalled)
        (ended,) = talk.all(told.ResponseEnded)
        assert ended.item is not None
        assert called.previous_item_id == ended.item.id
        assert [item.kind for item in talk.session.history][-2:] == ["message", "function_call"]


async def test_the_answer_goes_on_with_the_functions_output() -> None:
    answerer = PlannedAnswerer([calls("weather", '{"day": 1}')], ["It is sunny."])
    async with talking(model_parts(answerer), CLIENT) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        talk.session.add_item(output("call_1", "sunny"), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers == ["It is sunny."]
        first, second = answerer.questions
        assert first.text == QUESTION
        assert first.history == ()
        assert first.tools == (WEATHER, ORDERING)
        assert second.text == ""
        assert second.history == (
            Message("user", QUESTION),
            FunctionCall("call_1", "weather", '{"day": 1}'),
            FunctionOutput("call_1", "sunny"),
        )


async def test_what_follows_a_call_may_be_asked_for_while_its_words_are_spoken() -> None:
    long = "Let me have a look at the weather for you, it will only take a moment or two."
    answerer = PlannedAnswerer([long, calls("weather")], ["It is sunny."])
    async with talking(model_parts(answerer), CLIENT) as talk:
        await talk.says(QUESTION)
        await talk.silence(1.0)
        assert talk.all(told.FunctionCalled)
        assert not talk.all(told.ResponseEnded)
        talk.session.add_item(output("call_1", "sunny"), None)
        talk.session.respond(ResponseRequest())
        with pytest.raises(SessionError):
            talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers == [long, "It is sunny."]


async def test_a_call_of_an_interrupted_answer_that_was_not_told_is_never_made() -> None:
    answerer = PlannedAnswerer(["Let me see.", calls("weather")])
    async with talking(model_parts(answerer), CLIENT) as talk:
        asks(talk, QUESTION)
        talk.session.cancel()
        await talk.silence(1.0)
        assert not talk.all(told.FunctionCalled)


async def test_calls_that_a_model_names_alike_are_told_apart() -> None:
    answerer = PlannedAnswerer([calls("weather"), calls("weather", '{"day": 2}')], ["Sunny."])
    async with talking(model_parts(answerer), CLIENT) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        first, second = (called.item.raw["call_id"] for called in talk.all(told.FunctionCalled))
        assert first != second
        talk.session.add_item(output(first, "rain", "one"), None)
        talk.session.add_item(output(second, "sun", "two"), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        outputs = [p for p in answerer.questions[1].history if isinstance(p, FunctionOutput)]
        assert [part.output for part in outputs] == ["rain", "sun"]


async def test_a_function_that_nobody_offered_is_not_called() -> None:
    answerer = PlannedAnswerer([calls("launch"), "Hello."])
    async with talking(model_parts(answerer), CLIENT) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        assert not talk.all(told.FunctionCalled)
        assert talk.answers == ["Hello."]


async def test_a_response_may_have_functions_and_a_choice_of_its_own() -> None:
    answerer = PlannedAnswerer(["Hello."])
    async with talking(model_parts(answerer), CLIENT) as talk:
        talk.session.add_item(Item("typed", "user", QUESTION), None)
        request = ResponseRequest(
            tools=(WEATHER,), tool_choice="weather", instructions="Be brief.", max_output_tokens=9
        )
        talk.session.respond(request)
        await talk.until_quiet()
        (question,) = answerer.questions
        assert question.tools == (WEATHER,)
        assert question.tool_choice == "weather"
        assert question.instructions == "Be brief."
        assert question.max_output_tokens == 9


async def test_tokens_and_a_cut_are_told_with_the_responses_end() -> None:
    answerer = PlannedAnswerer(["Once upon a", AnswerCut("max_output_tokens"), TokenUsage(9, 3, 4)])
    async with talking(model_parts(answerer), CLIENT) as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        (ended,) = talk.all(told.ResponseEnded)
        assert (ended.status, ended.reason) == ("incomplete", "max_output_tokens")
        assert ended.usage == TokenUsage(9, 3, 4)


# Without a language model


async def test_an_order_that_was_confirmed_calls_the_function_of_its_name() -> None:
    async with talking(config=CLIENT) as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
        assert not talk.all(told.FunctionCalled)
        await talk.says("yes")
        await talk.until_quiet()
        (called,) = talk.all(told.FunctionCalled)
        assert called.item.raw["name"] == "orderDrink"
        slots = json.loads(called.item.raw["arguments"])
        assert slots == {"coffeeDrink": "latte", "size": "large", "milkAmount": "soy milk"}
        assert len(talk.answers) == 1
        assert talk.session.mind.form is None


@pytest.mark.parametrize(
    ("came", "said"),
    [
        ("Your number is seven.", "Your number is seven."),
        ('{"say": "Your number is seven."}', "Your number is seven."),
        ('{"error": "sold out"}', "I'm sorry, that didn't work."),
        ('{"number": 7}', None),
    ],
)
async def test_what_came_of_a_confirmed_order_is_said(came: str, said: str | None) -> None:
    async with talking(config=SessionConfig()) as plain:
        for words in (ORDER, "yes"):
            await plain.says(words)
            await plain.until_quiet()
    async with talking(config=CLIENT) as talk:
        for words in (ORDER, "yes"):
            await talk.says(words)
            await talk.until_quiet()
        call_id = talk.all(told.FunctionCalled)[0].item.raw["call_id"]
        talk.session.add_item(output(call_id, came), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers[-1] == (said or plain.answers[-1])


async def test_a_forced_function_needs_no_yes() -> None:
    config = replace(CLIENT, tool_choice="orderDrink")
    async with talking(config=config) as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
        assert len(talk.all(told.FunctionCalled)) == 1
        assert talk.answers == []


async def test_with_no_function_wanted_the_intents_own_words_are_said() -> None:
    async with talking(config=replace(CLIENT, tool_choice="none")) as talk:
        for words in (ORDER, "yes"):
            await talk.says(words)
            await talk.until_quiet()
        assert not talk.all(told.FunctionCalled)
        assert len(talk.answers) == 2


async def test_a_function_that_nothing_can_call_is_warned_of_once() -> None:
    async with talking() as talk:
        for _ in range(2):
            talk.session.update(replace(talk.session.config, tools=(WEATHER, ORDERING)))
        (warned,) = talk.all(told.Warned)
        assert "'weather'" in warned.message


# The agent's own


async def test_the_agents_own_function_is_run_and_its_output_answered() -> None:
    tools = NotedTools()
    answerer = PlannedAnswerer(
        ["One moment.", calls("order_status", '{"number": 7}'), TokenUsage(5, 1)],
        ["It is ready.", TokenUsage(8, 2)],
    )
    async with talking(model_parts(answerer, tools), user="ann") as talk:
        await talk.says(QUESTION)
        await talk.until_quiet()
        assert talk.answers == ["One moment. It is ready."]
        ((arguments, context),) = tools.called
        assert arguments == {"number": 7}
        assert (context.user, context.session_id) == ("ann", "test")
        assert answerer.questions[0].tools == (OWN,)
        assert answerer.questions[1].history == (
            Message("user", QUESTION),
            Message("assistant", "One moment."),
            calls("order_status", '{"number": 7}'),
            FunctionOutput("call_1", '{"ready": true}'),
        )
        assert not talk.all(told.FunctionCalled)
        (called,) = talk.all(told.ToolCalled)
        assert (called.name, called.failed) == ("order_status", "")
        assert talk.all(told.ResponseEnded)[0].usage == TokenUsage(13, 3)


class OrderTools(NotedTools):
    """An agent that can place its orders itself."""

    tools = (ORDERING,)

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> str:
        self.called.append((arguments, context))
        return "Your number is seven."


async def test_without_a_model_the_agents_own_function_is_called_by_its_intent_too() -> None:
    tools = OrderTools()
    async with talking(replace(scripted_parts(), toolbox=tools)) as talk:
        await talk.says(ORDER)
        await talk.until_quiet()
        assert tools.called == []
        await talk.says("yes")
        await talk.until_quiet()
        ((arguments, _),) = tools.called
        assert arguments["coffeeDrink"] == "latte"
        assert talk.answers[1] == "Your number is seven."


async def test_nothing_is_run_while_the_user_may_go_on() -> None:
    tools = NotedTools()
    answerer = PlannedAnswerer([calls("order_status")], [calls("order_status")], ["Ready."])
    async with talking(model_parts(answerer, tools)) as talk:
        await talk.says("what about my order and")
        await talk.silence(0.3)
        assert len(answerer.questions) == 1
        assert tools.called == []
        await talk.says("the other one")
        await talk.until_quiet()
        assert len(tools.called) == 1
        assert talk.answers == ["Ready."]


async def test_later_questions_know_of_earlier_calls_and_the_client_does_not() -> None:
    tools = NotedTools()
    answerer = PlannedAnswerer([calls("order_status")], ["Ready."], ["As I said."])
    async with talking(model_parts(answerer, tools)) as talk:
        for _ in range(2):
            await talk.says(QUESTION)
            await talk.until_quiet()
        assert answerer.questions[2].history == (
            Message("user", QUESTION),
            calls("order_status"),
            FunctionOutput("call_1", '{"ready": true}'),
            Message("assistant", "Ready."),
        )
        assert {item.kind for item in talk.session.history} == {"message"}


@pytest.mark.parametrize("arguments", ["{", "[1]", "7"])
async def test_arguments_that_are_no_object_are_told_to_the_answerer(arguments: str) -> None:
    tools = NotedTools()
    answerer = PlannedAnswerer([calls("order_status", arguments)], ["Sorry."])
    async with talking(model_parts(answerer, tools)) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        assert tools.called == []
        last = answerer.questions[1].history[-1]
        assert isinstance(last, FunctionOutput)
        assert "JSON" in json.loads(last.output)["error"]


async def test_a_function_that_fails_is_told_to_the_answerer_and_counted() -> None:
    tools = NotedTools(ToolError("there is no order 7; ask for the number on the receipt"))
    answerer = PlannedAnswerer([calls("order_status")], ["Which number?"])
    async with talking(model_parts(answerer, tools)) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        last = answerer.questions[1].history[-1]
        assert isinstance(last, FunctionOutput)
        assert "receipt" in json.loads(last.output)["error"]
        assert "receipt" in talk.all(told.ToolCalled)[0].failed
        assert talk.answers == ["Which number?"]


async def test_a_function_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "TOOL_TIMEOUT", 0.01)
    tools = NotedTools(hold=True)
    answerer = PlannedAnswerer([calls("order_status")], ["I can't tell."])
    async with talking(model_parts(answerer, tools)) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        assert talk.answers == ["I can't tell."]
        assert "did not answer" in talk.all(told.ToolCalled)[0].failed


async def test_a_model_that_only_ever_calls_is_stopped_after_four_rounds() -> None:
    tools = NotedTools()
    answerer = PlannedAnswerer([calls("order_status")])
    async with talking(model_parts(answerer, tools)) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        assert len(tools.called) == 4
        assert answerer.questions[-1].tool_choice == "none"
        assert "can't look that up" in talk.answers[0]


async def test_a_call_that_has_begun_is_finished_when_its_answer_is_cancelled() -> None:
    tools = NotedTools(hold=True)
    answerer = PlannedAnswerer([calls("order_status")], ["Never said."])
    async with talking(model_parts(answerer, tools)) as talk:
        asks(talk, QUESTION)
        await tools.begun.wait()
        talk.session.cancel()
        tools.go.set()
        await talk.session.settled()
        assert talk.session.history.items[0].worked == (
            calls("order_status"),
            FunctionOutput("call_1", '{"ready": true}'),
        )
        assert len(answerer.questions) == 1


async def test_a_clients_function_takes_the_place_of_the_agents_own() -> None:
    tools = NotedTools()
    config = SessionConfig(tools=(Tool("order_status", "Mine."),))
    answerer = PlannedAnswerer([calls("order_status")])
    async with talking(model_parts(answerer, tools), config) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        assert [tool.description for tool in answerer.questions[0].tools] == ["Mine."]
        assert len(talk.all(told.FunctionCalled)) == 1
        assert tools.called == []


async def test_calls_of_both_wait_for_the_clients_output() -> None:
    tools = NotedTools()
    both = [calls("order_status", call_id="own"), calls("weather", call_id="theirs")]
    answerer = PlannedAnswerer(both, ["Ready, and sunny."])
    async with talking(model_parts(answerer, tools), CLIENT) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        talk.session.add_item(output("theirs", "sunny"), None)
        talk.session.respond(ResponseRequest())
        await talk.until_quiet()
        assert talk.answers == ["Ready, and sunny."]
        outputs = [p for p in answerer.questions[1].history if isinstance(p, FunctionOutput)]
        assert {part.call_id for part in outputs} == {"own", "theirs"}


async def test_calls_are_known_in_the_session_that_goes_on_with_the_conversation() -> None:
    memory = KeptInMind()
    tools = NotedTools()
    answerer = PlannedAnswerer([calls("order_status")], ["Ready.", calls("weather", call_id="b")])
    async with talking(replace(model_parts(answerer, tools), memory=memory), CLIENT) as talk:
        asks(talk, QUESTION)
        await talk.until_quiet()
        talk.session.add_item(output("b", "sunny"), None)
    later = PlannedAnswerer(["As I said."])
    async with talking(replace(model_parts(later), memory=memory), CLIENT) as talk:
        asks(talk, "and now")
        await talk.until_quiet()
        assert later.questions[0].history == (
            Message("user", QUESTION),
            calls("order_status"),
            FunctionOutput("call_1", '{"ready": true}'),
            Message("assistant", "Ready."),
            calls("weather", call_id="b"),
            FunctionOutput("b", "sunny"),
        )
