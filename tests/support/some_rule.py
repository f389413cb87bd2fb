"""Rules for tests, made from the least that one needs."""

from typing import Any

from scheduler.rules import Rule


def rule(**changes: Any) -> Rule:
    """A live rule started by order.ready, with some keys set otherwise."""
    given: dict[str, Any] = {
        "name": "order_ready",
        "status": "live",
        "trigger": {"event": "order.ready"},
        "say": "Your order is ready.",
    }
    return Rule.model_validate(given | changes)
