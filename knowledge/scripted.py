"""An answerer that says what it was told to, at no cost: for demos, benchmarks and tests."""

from collections.abc import AsyncIterator, Mapping, Sequence

from knowledge.passages import AnswerSentence, Question

DEFAULT_SENTENCES = ("This is a scripted answer.", "It costs nothing to find.")


class ScriptedAnswerer:
    """`answers` maps a question, whatever its case and marks, to sentences.

    sentences: said to every other question; none of them: "I don't know that".
    """

    name = "scripted"

    def __init__(
        self,
        sentences: Sequence[str] = DEFAULT_SENTENCES,
        answers: Mapping[str, Sequence[str]] | None = None,
        unknown: str = "Sorry, I don't know that.",
    ) -> None:
        self._answers = {_key(question): said for question, said in (answers or {}).items()}
        self._sentences = sentences
        self._unknown = unknown

    async def answer(self, question: Question) -> AsyncIterator[AnswerSentence]:
        """The sentences for this question, at once."""
        said = self._answers.get(_key(question.text), self._sentences)
        for text in said:
            yield AnswerSentence(text)
        if not said:
            yield AnswerSentence(self._unknown, known=False)

    async def aclose(self) -> None:
        """Nothing to free."""


def _key(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
