"""What stands between a language model's words and the voice: milliseconds that we add.

    bench/language_model.py                   (half a minute)
    bench/language_model.py --tokens-per-s 20 --answers 20

A model of known speed answers on loopback, so everything beyond its speed is ours:
- asked: from the question to the model's server having read the request, documents searched.
- handed over: from the sending of the token that ends the first sentence to that sentence.
- first sentence: from the model's first token to the first sentence; mostly the model's own time.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter

from bench.figures import Figures, summary
from bench.options import parser, report, run
from knowledge.counts import ModelCounts
from knowledge.documents import read_documents, read_questions
from knowledge.index import KnowledgeIndex
from knowledge.openai_chat import ChatClient, OpenAIChatAnswerer, Persona
from knowledge.passages import AnswerSentence, Question

CAFE = Path(__file__).resolve().parent.parent / "agents/cafe/knowledge"
ANSWER = "On Sunday we open at nine and close at five. Do come by early, the cakes go fast."


@dataclass(slots=True)
class Model:
    """A server that answers ANSWER, a token a word; seconds by perf_counter."""

    pause_s: float
    url: str = ""
    asked_at: float = 0.0
    sent_at: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = head.partition("content-length: ")[2].partition("\r\n")[0]
                await reader.readexactly(int(length))
                self.asked_at, self.sent_at = perf_counter(), []
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                    b"transfer-encoding: chunked\r\n\r\n"
                )
                for at, word in enumerate(ANSWER.split(" ")):
                    await asyncio.sleep(self.pause_s)
                    self.sent_at.append(perf_counter())
                    _send(writer, {"content": " " + word if at else word})
                _send(writer, {}, "stop")
                writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()


def _send(writer: asyncio.StreamWriter, delta: dict[str, str], finish: str | None = None) -> None:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    event = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(event), event))


@asynccontextmanager
async def model(tokens_per_s: float) -> AsyncIterator[Model]:
    """A model that writes this fast, on a free loopback port."""
    serving = Model(1 / tokens_per_s)
    server = await asyncio.start_server(serving.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    serving.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield serving
    finally:
        server.close()


async def measure(tokens_per_s: float, answers: int) -> Figures:
    """Asks the café's own questions, one after the other."""
    ending = ANSWER.split(" ").index("Do")  # only with it the sentence before has surely ended
    questions = read_questions(CAFE)
    asked: list[float] = []
    handed_over: list[float] = []
    first_sentence: list[float] = []
    async with model(tokens_per_s) as server:
        answerer = OpenAIChatAnswerer(
            ChatClient(server.url),
            "metronome",
            KnowledgeIndex(read_documents(CAFE)),
            Persona("Lighthouse Coffee"),
            now=datetime.now,
            counts=ModelCounts(),
        )
        await answerer.open()
        for number in range(answers):
            began, first = perf_counter(), 0.0
            async for part in answerer.answer(Question(questions[number % len(questions)])):
                if isinstance(part, AnswerSentence) and not first:
                    first = perf_counter()
            asked.append(1000 * (server.asked_at - began))
            handed_over.append(1000 * (first - server.sent_at[ending]))
            first_sentence.append(1000 * (first - server.sent_at[0]))
        await answerer.aclose()
    return {
        "tokens_per_s": tokens_per_s,
        "asked_ms": summary(asked),
        "handed_over_ms": summary(handed_over),
        "first_sentence_ms": summary(first_sentence),
    }


def decimals(summarized: Figures) -> str:
    """A summary in one line, to a tenth of a millisecond: what is measured here is that small."""
    return " · ".join(f"{name} {summarized[name]:.1f}" for name in ("p50", "p95", "max"))


async def main(arguments: argparse.Namespace) -> None:
    """Prints and writes the figures."""
    figures = await measure(arguments.tokens_per_s, arguments.answers)
    for name in ("asked_ms", "handed_over_ms", "first_sentence_ms"):
        print(f"{name:<18} {decimals(figures[name])}")
    report(figures, arguments.json, arguments.compare)


if __name__ == "__main__":
    options = parser(__doc__, chooses_server=False)
    options.add_argument("--tokens-per-s", type=float, default=50.0, help="the model's speed (50)")
    options.add_argument("--answers", type=int, default=50, help="how many to ask for (50)")
    run(main, options.parse_args())
