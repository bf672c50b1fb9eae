"""Forms that pages send: bounded, read once, and what is made of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from litestar import Request

from node.web.pages import Page, Visit

MAX_FORM_BYTES = 131_072
MAX_VALUES = 2_000


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody filled in: all values of each field. Also what is to be shown again."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        """The first value without space around it; empty if there is none."""
        return (self.values.get(name) or [""])[0].strip()

    def all(self, name: str) -> list[str]:
        """All values that are not empty."""
        return [value.strip() for value in self.values.get(name, []) if value.strip()]

    def lines(self, name: str) -> list[str]:
        """The lines of a text that are not empty."""
        return [line.strip() for line in self.first(name).splitlines() if line.strip()]

    def day(self, name: str) -> str | None:
        """The start of a day (UTC), as the API takes it; None if there is none. Raises ValueError: it is no day."""
        text = self.first(name)
        return f"{date.fromisoformat(text).isoformat()}T00:00:00Z" if text else None


@dataclass(frozen=True, slots=True)
class GoTo:
    """Where to go after something was done: a path without its language."""

    path: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is sent in pieces and then forgotten."""

    name: str
    media_type: str
    content: Iterable[bytes]


Done = Page | GoTo | Download
Action = Callable[[Visit, Form], Awaitable[Done]]


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form of a request; files and what is beyond the bounds are left out."""
    values: dict[str, list[str]] = {}
    for name, value in list((await request.form()).multi_items())[:MAX_VALUES]:
        if isinstance(value, str):
            values.setdefault(name, []).append(value)
    return Form(values)
