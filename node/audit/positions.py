"""Positions of leaves as ranges: how acts of erasing and forgetting name them. `0-4,7-7`, ascending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = tuple[int, int]  # first and last


def ranges_text(positions: Iterable[int]) -> str:
    """Ascending positions as ranges."""
    parts: list[list[int]] = []
    for position in positions:
        if parts and parts[-1][1] == position - 1:
            parts[-1][1] = position
        else:
            parts.append([position, position])
    return ",".join(f"{first}-{last}" for first, last in parts)


def read_ranges(text: str) -> list[Range]:
    """Read what `ranges_text` wrote. Raises ValueError."""
    pairs = (part.split("-") for part in text.split(","))
    return [(int(first), int(last)) for first, last in pairs]


def first_unnamed(positions: Sequence[int], named: Iterable[Range]) -> int | None:
    """The first of these ascending positions that no range has; None if all are named."""
    ranges, at = sorted(named), 0
    for position in positions:
        while at < len(ranges) and ranges[at][1] < position:
            at += 1
        if at == len(ranges) or not ranges[at][0] <= position:
            return position
    return None
