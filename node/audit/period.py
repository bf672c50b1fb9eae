"""What a complete proof bundle does not show of its period: whether its first and its last record are the period's.

They are if the records beside the period are there, too. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from node.audit.bundle_lines import Head
from node.audit.canonical import time_text
from node.audit.grammar import Filter


class End(NamedTuple):
    """A record at an end of a bundle. `at`: as entries have it. `is_other`: it does not match."""

    position: int
    at: str
    is_other: bool


_NOWHERE = End(-1, "", is_other=False)


def unproven(head: Head, wanted: Filter, ends: Sequence[End], size: int, cosigned_at: datetime | None) -> Iterator[str]:
    """What is not shown. `ends`: the first record that is there and the last one; `size`: of the tree."""
    first, last = (ends[0], ends[-1]) if ends else (_NOWHERE, _NOWHERE)
    begins = wanted.after is not None and _is_other(first, head.first) and first.at < time_text(wanted.after)
    if head.first != 0 and not begins:
        yield f"nothing shows what is before position {head.first}: no older record is in the bundle"
    if wanted.before is not None and _is_other(last, head.last) and last.at >= time_text(wanted.before):
        return
    if head.last != size - 1:
        yield f"nothing shows what is behind position {head.last}: no newer record is in the bundle"
    elif wanted.before is None or cosigned_at is None or cosigned_at <= wanted.before:
        yield "it ends with the tree as it was when its head was cosigned: what came later is not in it"


def _is_other(end: End, position: int) -> bool:
    return end.is_other and end.position == position
