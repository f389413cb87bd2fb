from knowledge.passages import AnswerSentence, Question
from knowledge.scripted import ScriptedAnswerer


async def _said(answerer: ScriptedAnswerer, text: str) -> list[AnswerSentence]:
    return [sentence async for sentence in answerer.answer(Question(text))]


async def test_every_question_gets_the_given_sentences() -> None:
    answerer = ScriptedAnswerer(["One.", "Two."])
    assert [s.text for s in await _said(answerer, "anything")] == ["One.", "Two."]


async def test_a_scripted_question_gets_its_own() -> None:
    answerer = ScriptedAnswerer([], {"When do you close?": ["At five."]})
    assert await _said(answerer, "when do you close") == [AnswerSentence("At five.")]


async def test_without_sentences_it_does_not_know() -> None:
    (sentence,) = await _said(ScriptedAnswerer([], unknown="No idea."), "why")
    assert (sentence.text, sentence.known) == ("No idea.", False)
