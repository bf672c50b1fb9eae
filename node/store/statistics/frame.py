"""From the arguments `during`, `every`, `timeZone` and `compareWith` to the buckets of a statement.

The borders are made here, not in the database: PostgreSQL takes the second pass of a local time that comes twice, and
the calendar of an answer must not depend on which database stands behind a node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from federation.buckets import Slot
from node.store.arguments import Builder, Values
from node.store.parameters import Inputs
from node.store.statistics.buckets import borders, every_of
from node.store.statistics.comparison import back_of, earlier
from node.store.statistics.zones import zone_of

REMEMBERED = 16  # at most 10,000 buckets each


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets as PostgreSQL's array literals. `numbers`: of each one's earlier bucket, from 1; 0 for none."""

    count: int
    borders: bytes
    start: datetime
    end: datetime
    longest: int
    slots: Sequence[Slot]
    earlier: Buckets | None = None
    numbers: bytes = b"{}"


def buckets_of(arguments: Values) -> Buckets:
    """The buckets that a field's arguments ask for.

    Raises:
        BadInput: an argument can't be used.
        TooCostly: there are too many.
    """
    during = arguments["during"]
    return _buckets(
        during["start"], during["end"], arguments.get("every"), arguments["timeZone"], arguments.get("compareWith")
    )


def slots_of(arguments: Values) -> Sequence[Slot]:
    """The buckets in order, with what they are compared with; raises as `buckets_of`."""
    return buckets_of(arguments).slots


@lru_cache(maxsize=REMEMBERED)
def _buckets(start: str, end: str, every: str | None, zone_name: str, compare_with: str | None) -> Buckets:
    zone = zone_of(zone_name)
    length = every_of(every) if every is not None else None
    longest = length.longest if length is not None else 0
    found = borders(datetime.fromisoformat(start), datetime.fromisoformat(end), length, zone)
    if compare_with is None:
        return _literals(found, longest)
    before = earlier(found, length, zone, back_of(compare_with, length))
    numbers = b"{" + ",".join(map(str, before.numbers)).encode() + b"}"
    one, other = _literals(found, longest), _literals(before.borders, longest)
    slots = [
        replace(slot, previous=other.slots[number - 1] if number else None)
        for slot, number in zip(one.slots, before.numbers, strict=True)
    ]
    return replace(one, slots=slots, earlier=other, numbers=numbers)


def _literals(found: Sequence[datetime], longest: int) -> Buckets:
    text = b"{" + ",".join(border.isoformat() for border in found).encode() + b"}"
    slots = [Slot(start, end) for start, end in pairwise(found)]
    return Buckets(len(slots), text, found[0], found[-1], longest, slots)


@dataclass(frozen=True, slots=True)
class Period:
    """The buckets of one period in a statement: placeholders, and the suffix of the names of its tables."""

    suffix: str
    borders: str
    start: str
    end: str

    @property
    def within(self) -> str:
        """The condition that observation `o` starts within the period."""
        return f"o.phenomenon_time >= {self.start} and o.phenomenon_time < {self.end}"


@dataclass(frozen=True, slots=True)
class Frame:
    """The period that is asked for, and the one it is compared with. `longest`: of a bucket in seconds, 0 if whole."""

    now: Period
    before: Period | None
    numbers: str
    longest: str
    count: str


def frame_of(build: Builder, arguments: Values) -> Frame:
    """The frame of a root field; its values are checked when they are bound."""

    def add(read: Callable[[Buckets], bytes | datetime | int], cast: str) -> str:
        return build.parameters.add(lambda inputs: read(buckets_of(inputs.root.arguments)), cast)

    def array(read: Callable[[Buckets], bytes], cast: str) -> str:
        def text(inputs: Inputs) -> bytes:
            return read(buckets_of(inputs.root.arguments))

        return build.parameters.add_text(text, cast)

    start, end = build.interval("during")
    now = Period("", array(lambda found: found.borders, "timestamptz[]"), start, end)
    count, longest = add(lambda found: found.count, "bigint"), add(lambda found: found.longest, "int")
    if arguments.get("compareWith") is None:
        return Frame(now, None, "null::int[]", longest, count)
    before = Period(
        "_before",
        array(lambda found: _earlier(found).borders, "timestamptz[]"),
        add(lambda found: _earlier(found).start, "timestamptz"),
        add(lambda found: _earlier(found).end, "timestamptz"),
    )
    return Frame(now, before, array(lambda found: found.numbers, "int[]"), longest, count)


def _earlier(found: Buckets) -> Buckets:
    assert found.earlier is not None
    return found.earlier


def frame_table(period: Period, numbers: str) -> str:
    """The buckets as a table: number, borders, number of the earlier one, borders as JSON text."""
    at = f"({period.borders})"
    return (
        f"frame{period.suffix} as materialized (select i, start, finish, j, to_json(start)::text as start_json,"
        " to_json(finish)::text as finish_json, extract(epoch from finish - start)::float8 as seconds"
        f" from (select i, {at}[i] as start, {at}[i + 1] as finish, ({numbers})[i] as j"
        f" from generate_series(1, cardinality({at}) - 1) i) one)"
    )
