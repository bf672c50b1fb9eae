"""Normalise two answers and compare them byte for byte.

What nobody can foretell (when a city read its data, how long it took, the version of its rules, the words of a reason)
is marked in the plain answer; the real one must have something of that kind there.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

# what the plain answer has in such a place
TIME = datetime(1, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
NUMBER = -12345.25
TEXT = "whatever the reason"
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00")
_CURSOR = re.compile(r"WzEs[A-Za-z0-9_-]{8,}")  # base64 of `[1,`
_EXACT = 2**53


@dataclass
class Answer:
    """What a request brought: data, and path and code of each error. `messages` are for people.

    `possible` are the errors of which one is enough, where one makes all of `data` null.
    """

    data: Any
    errors: list[tuple[tuple[str | int, ...], str]]
    messages: list[str] = field(default_factory=list)
    possible: list[tuple[tuple[str | int, ...], str]] = field(default_factory=list)


def differences(plain: Answer, real: Answer) -> str | None:
    """What is different, in a line; None if they agree."""
    expected, got = normal(plain.data), normal(real.data)
    got = _without_unforetold(expected, got)
    if orjson.dumps(expected) != orjson.dumps(got):
        return f"data differs at {_place(expected, got)}"
    if plain.data is None and plain.possible:
        if not real.errors or not set(real.errors) <= set(plain.possible):
            return f"errors differ: none of {plain.possible}"
    elif sorted(plain.errors, key=str) != sorted(real.errors, key=str):
        return "errors differ"
    return None


def normal(value: Any) -> Any:
    """Numbers, times and cursors in one form; everything else, and the order of keys, as it is."""
    match value:
        case dict():
            return {key: normal(one) for key, one in value.items()}
        case list():
            return [normal(one) for one in value]
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case str() if _ISO_TIME.fullmatch(value):
            return datetime.fromisoformat(value).isoformat(timespec="microseconds")
        case str() if _CURSOR.fullmatch(value):
            return _decoded(value)
    return value


def _decoded(text: str) -> Any:
    try:
        return ["cursor", orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))]
    except ValueError:
        return text


def _without_unforetold(expected: Any, got: Any) -> Any:
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        return {key: _without_unforetold(expected[key], one) for key, one in got.items()}
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [_without_unforetold(one, other) for one, other in zip(expected, got, strict=True)]
    return expected if _fits(expected, got) else got


def _fits(expected: Any, got: Any) -> bool:
    """True if nobody can foretell what stands here, and something of the kind does."""
    if expected == NUMBER:
        return isinstance(got, int | float) and got >= 0
    if expected == TIME.isoformat():
        return isinstance(got, str) and _ISO_TIME.fullmatch(got) is not None
    return expected == TEXT and isinstance(got, str) and got != ""


def _place(expected: Any, got: Any, path: str = "data") -> str:
    """The first place where they differ."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if list(expected) != list(got):
            return f"{path}: keys {list(expected)} and {list(got)}"
        return next(
            _place(expected[key], got[key], f"{path}.{key}")
            for key in expected
            if _bytes(expected[key]) != _bytes(got[key])
        )
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return next(
            _place(one, other, f"{path}[{index}]")
            for index, (one, other) in enumerate(zip(expected, got, strict=True))
            if _bytes(one) != _bytes(other)
        )
    return f"{path}: {expected!r} and {got!r}"


def _bytes(value: Any) -> bytes:
    return orjson.dumps(value)
