"""An event to try a rule with, made of what the rule asks for."""

from pydantic import JsonValue

from outreach.inbox import Event
from scheduler.rules import Rule


def sample_event(rule: Rule, user: str, now: float) -> Event:
    """An event that the rule's words and conditions can be tried with: values are their names."""
    data: dict[str, JsonValue] = {}
    texts = [*(variant.say for variant in rule.say), rule.goal, rule.missed, rule.reason, rule.when]
    for path in _event_paths(texts):
        place = data
        for step in path[:-1]:
            deeper = place.setdefault(step, {})
            if not isinstance(deeper, dict):
                break
            place = deeper
        else:
            place.setdefault(path[-1], path[-1].replace("_", " "))
    kind = rule.trigger.kind
    type = getattr(rule.trigger, "event", kind)
    return Event(id="sample", type=type, user=user, time=now, data=data)


def _event_paths(texts: list[str]) -> list[list[str]]:
    paths = []
    for text in texts:
        for after in text.split("event.data.")[1:]:
            path = ""
            for char in after:
                if not (char.isalnum() or char in "_.-"):
                    break
                path += char
            if path := path.strip("."):
                paths.append(path.split("."))
    return paths
