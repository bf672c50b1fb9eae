"""Whose catalog is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Publishing:
    """The city's id and name, and its node's URL."""

    city: str
    name: str
    issuer: str
