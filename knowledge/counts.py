"""What became of questions to a language model, since the process began."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ModelCounts:
    """Read by metrics; written on the event loop only.

    failed: by the kind of failure (knowledge/openai_chat/errors.py), retries that helped left out.
    fell_back: questions that another answerer took over.
    """

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    fell_back: int = 0
