"""What a peer says of where its rows stand: it ends in cursors, and from there in statements. Pure.

Made for thousands of rows: what is usual is found to be right by loops of the interpreter.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence

from federation.rows import CityPage, is_before
from schema.cursor import Position

MAX_KEY = 200
MAX_SORT = 500
_TEXT = re.compile(rf"[^\x00]{{0,{MAX_SORT}}}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00", re.ASCII)
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
    """Whether all of them have the form that sort keys of an order have."""
    form = _FORMS.get(order, _TEXT)
    return (form is _TIME and _are_full_seconds(sorts)) or all(map(form.fullmatch, sorts))


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


def _are_full_seconds(sorts: Sequence[str]) -> bool:
    """Nearly all times are."""
    text = "".join(sorts)
    return (
        {*map(len, sorts)} <= {len(_SECOND)}
        and text.translate(_NOUGHTS) == _SECOND * len(sorts)
        and text.count(_ZONE) == len(sorts)
    )
