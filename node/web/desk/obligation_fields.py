"""Obligations as fields of a form, one for each part, and back. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from node.web.forms import Form

PARTS = ("minimum-count", "time", "delay", "place", "round", "rows")
WITHOUT = "without"


def read_fields(form: Form, name: str) -> list[str]:
    """The obligations that the fields `NAME.PART` say, as the API takes them."""
    found = [f"{part}={form.first(f'{name}.{part}')}" for part in PARTS if form.first(f"{name}.{part}")]
    return found + [f"{WITHOUT}={value}" for value in form.all(f"{name}.{WITHOUT}")]


def fields_of(name: str, texts: Iterable[str]) -> dict[str, list[str]]:
    """The fields that say these obligations."""
    found: dict[str, list[str]] = {}
    for text in texts:
        part, _, value = text.partition("=")
        found.setdefault(f"{name}.{part}", []).append(value)
    return found
