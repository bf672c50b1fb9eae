"""What a peer says of where its rows stand: it ends in cursors, and from there in statements. Pure.

Made for thousands of rows: what is usual is found to be right by loops of the interpreter.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from datetime import datetime

from federation.rows import CityPage, is_before
from schema.cursor import Position

MAX_KEY = 200
MAX_SORT = 500
_TEXT = re.compile(rf"[^\x00]{{0,{MAX_SORT}}}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{0,5}[1-9])?\+00", re.ASCII)
_SECOND = "0000-00-00 00:00:00+00"  # a time without a fraction, once its digits are noughts
_ZONE = "+00"
_NOUGHTS = str.maketrans("123456789", "000000000")
_FORMS = {  # by the first word of the order; names and titles are any text
    "DISTANCE": re.compile(r"\d{8}\.\d", re.ASCII),
    "ISSUED": _TIME,
    "MODIFIED": _TIME,
    "PHENOMENON": _TIME,
    "RELEVANCE": re.compile(r"\d\.\d{4}", re.ASCII),
    "TIME": _TIME,
}


def are_sort_keys(sorts: Sequence[str], order: str) -> bool:
    """Whether all of them have the form that sort keys of an order have. `order`: the value of `orderBy`."""
    form = _FORMS.get(order.partition("_")[0], _TEXT)
    if form is _TIME:
        return (_are_full_seconds(sorts) or all(map(form.fullmatch, sorts))) and _are_times(sorts)
    return all(map(form.fullmatch, sorts))


def are_positions(positions: Sequence[Position], order: str) -> bool:
    """Whether rows in this order could stand there. A caller's cursor is no more to be relied on than a peer."""
    return are_sort_keys([one.sort for one in positions], order) and are_local_keys([one.key for one in positions])


def are_local_keys(keys: Sequence[str]) -> bool:
    """Whether all of them could be keys of rows."""
    return all(len(key) <= MAX_KEY and "\x00" not in key for key in set(keys))


def ascends(page: CityPage, start: Position | None, *, descending: bool) -> bool:
    """Whether rows are in the total order, and after the start."""
    if start is not None and len(page) and not is_before(start, page.position(0), descending=descending):
        return False
    follows = operator.lt if descending else operator.gt
    following = page.sorts[1:]
    if all(map(follows, following, page.sorts)):
        return True
    return all(
        follows(other, one) or (other == one and key > last)
        for one, other, last, key in zip(page.sorts, following, page.keys, page.keys[1:], strict=False)
    )


def _are_times(sorts: Sequence[str]) -> bool:
    """Whether they are of the calendar, if they have the form."""
    try:
        return all(map(datetime.fromisoformat, sorts))
    except ValueError:
        return False


def _are_full_seconds(sorts: Sequence[str]) -> bool:
    """Nearly all times are."""
    text = "".join(sorts)
    return (
        {*map(len, sorts)} <= {len(_SECOND)}
        and text.translate(_NOUGHTS) == _SECOND * len(sorts)
        and text.count(_ZONE) == len(sorts)
    )
