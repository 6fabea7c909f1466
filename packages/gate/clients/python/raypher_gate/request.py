"""Turns Python values into the JSON that the gate takes, without changing what they mean."""

import json
import math
from typing import Any

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 64


class NotCanonical(ValueError):
    """A value that has no canonical form. The action must not happen."""


def prepare(value: Any, depth: int = 0) -> Any:
    """Copies a value; integers that a double cannot hold become {"$int": "..."}."""
    if depth > DEEPEST:
        raise NotCanonical("nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        number = int(value)
        return number if abs(number) <= LARGEST_INTEGER else {"$int": str(number)}
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return [prepare(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_name(name): prepare(item, depth + 1) for name, item in value.items()}
    raise NotCanonical(f"{type(value).__name__} is not part of JSON")


def to_json(value: Any) -> str:
    """One line of ASCII: json escapes line ends and everything beyond."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("half of a surrogate pair in a text") from error
    return str(text)


def _name(name: Any) -> str:
    # json.dumps would turn 1 and "1" into the same name.
    if not isinstance(name, str):
        raise NotCanonical("a name that is not a text")
    return _text(name)


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise NotCanonical("NaN and Infinity have no JSON form")
    if value == 0 and math.copysign(1.0, value) < 0:
        raise NotCanonical("minus zero")
    if abs(value) > LARGEST_INTEGER:
        raise NotCanonical("a float beyond 2**53 - 1; use an int")
    return float(value)
