"""How well are questions answered from documents, and how honestly refused?

    bench/answers.py                       (a second, on XQuAD's English half)
    bench/answers.py --data FILE --wrong 5 (also prints five answers that miss)

The file has `documents` (id, title, text) and `questions` (question, document, answers), where
document null means that no document holds the answer.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figures, summary
from bench.options import parser, report
from bench.recordings import default_folder
from knowledge.documents import Chunk
from knowledge.extractive import ExtractiveAnswerer
from knowledge.index import KnowledgeIndex
from knowledge.passages import Question


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question, what was said, and how long that took."""

    question: str
    document: str | None
    answers: tuple[str, ...]
    said: str
    source: str | None
    known: bool
    ms: float

    @property
    def from_right_document(self) -> bool:
        """Was the first source the document that holds the answer?"""
        return self.document is not None and self.source == self.document

    @property
    def contains_answer(self) -> bool:
        """Is an accepted answer in what was said?"""
        said = self.said.casefold()
        return any(answer.casefold() in said for answer in self.answers)


def ask_all(data: Mapping[str, Any]) -> list[Outcome]:
    """Every question, answered by an index over all the documents."""
    chunks = [
        Chunk(d["id"], (d["title"].replace("_", " "),), d["text"], line=1)
        for d in data["documents"]
    ]
    answerer = ExtractiveAnswerer(KnowledgeIndex(chunks))
    return [_asked(answerer, question) for question in data["questions"]]


def _asked(answerer: ExtractiveAnswerer, asked: Mapping[str, Any]) -> Outcome:
    start = time.process_time()
    sentences = answerer.answers(Question(asked["question"]))
    ms = (time.process_time() - start) * 1e3
    first = sentences[0]
    return Outcome(
        asked["question"],
        asked["document"],
        tuple(asked["answers"]),
        " ".join(sentence.text for sentence in sentences),
        first.sources[0].document if first.sources else None,
        first.known,
        ms,
    )


def figures_of(outcomes: Sequence[Outcome]) -> Figures:
    """Shares of the questions with an answer, and of those without."""
    answerable = [o for o in outcomes if o.document is not None]
    unanswerable = [o for o in outcomes if o.document is None]
    known = [o for o in answerable if o.known]
    return {
        "answerable": len(answerable),
        "answered": _share(answerable, [o.known for o in answerable]),
        "right_document": _share(answerable, [o.from_right_document for o in answerable]),
        "contains_answer": _share(answerable, [o.contains_answer for o in answerable]),
        "contains_answer_if_answered": _share(known, [o.contains_answer for o in known]),
        "unanswerable": len(unanswerable),
        "rightly_refused": _share(unanswerable, [not o.known for o in unanswerable]),
        "cpu_ms": summary([o.ms for o in outcomes]),
    }


def _share(of: Sequence[Outcome], hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(of), 3) if of else 0.0


def main() -> int:
    """Prints the figures, and what --wrong asks for."""
    options = parser(__doc__, chooses_server=False)
    options.set_defaults(data=default_folder().parent / "questions" / "xquad.en.json")
    options.add_argument("--wrong", type=int, default=0, metavar="N", help="print N misses")
    chosen = options.parse_args()
    path: Path = chosen.data
    if not path.is_file():
        print(f"{path} is not there; name a file with --data", file=sys.stderr)
        return 2
    outcomes = ask_all(json.loads(path.read_text("utf-8")))
    figures = figures_of(outcomes)
    for name, value in figures.items():
        print(f"{name:28} {value}")
    misses = [o for o in outcomes if o.known and not o.contains_answer]
    for outcome in misses[: chosen.wrong]:
        print(f"\n{outcome.question}\n  wanted {outcome.answers}\n  said   {outcome.said}")
    report(figures, chosen.json, chosen.compare)
    return 0


if __name__ == "__main__":
    sys.exit(main())
