"""Groups of an aggregate that several cities have in common: what each tells of its own is put together. Pure.

An owner is asked for each group's marks, its objects as the caller selected them, and of each bucket the parts from
which the caller's statistics follow (`federation.algebra`). Observations stay with their owners.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import orjson

from federation.algebra import common
from federation.buckets import MAX_INT, PARTS, Histogram, MergedBucket, Slot, check_bucket
from federation.elements import MAX_GROUPS, columns_of
from federation.errors import PeerIncompatible
from federation.parts import CityPart, ask_owner, cities_in_order, json_object
from federation.question import plain
from schema.selection import Field

NAMED = 100  # datastreams that are too coarse
_OBJECTS = ("observedProperty", "thing", "datastream", "tooCoarse")
_OF_ONE = ("thing", "datastream")  # no two cities have one in common
_MARKS = (
    plain("observedProperty", "p", "ObservedProperty", (plain("key", "key", "String"),)),
    plain("unit", "u", "String"),
    plain("vehicleClass", "v", "String"),
    plain("direction", "d", "String"),
    plain("datastreamCount", "n", "Int"),
)


@dataclass(frozen=True, slots=True)
class _Share:
    """What one city tells of a group: marks and buckets by the names of `_MARKS` and `PARTS`."""

    city: str
    group: Any


class MergedGroupsPlan:
    """The groups of an aggregate that does not divide by city. `slots`: the buckets that there must be, in order."""

    def __init__(self, root: Field, slots: Sequence[Slot]) -> None:
        self.root = root
        self._slots = slots
        selections = list(root.children_named("groups"))
        self._columns = columns_of(
            replace(one, children=tuple(child for child in one.children if child.name in _OBJECTS))
            for one in selections
        )
        buckets = [bucket for one in selections for bucket in one.children_named("buckets")]
        self._quantiles: dict[int, str] = {}  # key of an owner's own quantile, by the identity of the caller's field
        self._now = self._parts_of(buckets)
        self._before = self._parts_of([one for bucket in buckets for one in bucket.children_named("previous")])

    def owner_field(self, city: str) -> Field:
        """See `PartsPlan`."""
        asked = [*_MARKS, *self._columns.asked]
        if self._now:
            earlier = (plain("previous", "previous", "AggregateBucket", self._before),) if self._before else ()
            asked.append(plain("buckets", "b", "AggregateBucket", (*self._now, *earlier)))
        groups = plain("groups", "groups", "AggregateGroup", tuple(asked))
        return ask_owner(self, (groups,), self._columns.layout, cities=[city])

    def read(self, city: str, members: Mapping[str, bytes | msgspec.Raw]) -> CityPart:
        """See `PartsPlan`."""
        decoder = _decoder(tuple(self._quantiles.values()), tuple(one.key for one in self._columns.asked))
        try:
            groups = decoder.decode(members["groups"])
        except msgspec.DecodeError as error:
            raise PeerIncompatible("its part is not in the form that was asked for") from error
        if len(groups) > MAX_GROUPS:
            raise PeerIncompatible(f"its part has {len(groups)} elements where {MAX_GROUPS} are possible")
        if self._now:
            for group in groups:
                self._check(group)
        shares = {self._key(group): _Share(city, group) for group in groups}
        if len(shares) < len(groups):
            raise PeerIncompatible("it sent a group twice")
        return CityPart(len(groups), shares)

    def assemble(self, parts: Mapping[str, CityPart]) -> dict[str, bytes]:
        """See `PartsPlan`."""
        found: dict[tuple[Any, ...], list[_Share]] = {}
        for city in cities_in_order(self.root, parts):
            for key, share in parts[city].value.items():
                found.setdefault(key, []).append(share)
        groups = [found[key] for key in sorted(found)]
        return {
            selected.key: b"[" + b",".join(self._group(selected, number, shares) for shares in groups) + b"]"
            for number, selected in enumerate(self.root.children_named("groups"))
        }

    def _parts_of(self, buckets: Sequence[Field]) -> tuple[Field, ...]:
        """What an owner is asked of buckets from which all that these select follows."""
        if not buckets:
            return ()
        children = [child for bucket in buckets for child in bucket.children]
        wanted = dict.fromkeys(part for child in children for part in PARTS.get(child.name, ()))
        own = []
        for child in (child for child in children if child.name == "quantile"):
            key = self._quantiles[id(child)] = f"q{len(self._quantiles)}"
            own.append(replace(child, key=key))
        columns = tuple(plain(name, name, "Int") for name in ("bins", "counts"))
        asked = (plain(name, name, "Float", columns if name == "histogram" else ()) for name in wanted)
        return plain("start", "start", "DateTime"), plain("count", "count", "Int"), *asked, *own

    def _key(self, group: Any) -> tuple[Any, ...]:
        """What cities have in common of a group; sorted as an owner sorts its own."""
        by = {"VEHICLE_CLASS": group.v, "DIRECTION": group.d}
        names = dict.fromkeys(self.root.arguments["groupBy"])
        return group.p.key, group.u, *((by[name] is None, by[name] or "") for name in names)

    def _check(self, group: Any) -> None:
        if len(group.b) != len(self._slots):
            raise PeerIncompatible(f"a group has {len(group.b)} buckets where there are {len(self._slots)}")
        for bucket, slot in zip(group.b, self._slots, strict=True):
            check_bucket(bucket, slot)
            if self._before:
                if (bucket.previous is None) != (slot.previous is None):
                    raise PeerIncompatible("a bucket is compared with another one than it should be")
                if slot.previous is not None:
                    check_bucket(bucket.previous, slot.previous)

    def _group(self, selected: Field, number: int, shares: Sequence[_Share]) -> bytes:
        columns = self._columns.keys[number]
        values = {}
        for child in selected.children:
            if child.name in _OBJECTS:
                column = columns[child.key]
                assert column is not None
                values[child.key] = _object(child.name, [getattr(share.group, column) for share in shares])
            elif child.name == "buckets":
                values[child.key] = orjson.dumps(list(self._buckets(child, shares)))
            else:
                values[child.key] = orjson.dumps(_mark(child.name, selected.type_name, shares))
        return json_object(values)

    def _buckets(self, selected: Field, shares: Sequence[_Share]) -> Iterator[dict[str, Any]]:
        counted = [share for share in shares if share.group.n]  # the others' datastreams are too coarse
        for index, slot in enumerate(self._slots):
            shared = [(one.group.n, one.group.b[index]) for one in counted]
            yield MergedBucket(slot, shared, self._quantiles).selected(selected)


@lru_cache(maxsize=64)
def _decoder(quantiles: tuple[str, ...], objects: tuple[str, ...]) -> msgspec.json.Decoder[list[Any]]:
    number = float | None
    bucket: list[Any] = [
        ("start", datetime),
        ("count", Annotated[int, msgspec.Meta(ge=0)]),
        *((name, number, None) for name in ("sum", "min", "max", "squaredDeviations", "coverage")),
        ("expected", Annotated[int, msgspec.Meta(ge=0)] | None, None),
        ("histogram", Histogram | None, None),
        *((name, number, None) for name in quantiles),
    ]
    earlier = msgspec.defstruct("Earlier", [*bucket, ("previous", None, None)])
    now = msgspec.defstruct("Bucket", [*bucket, ("previous", earlier | None, None)])
    marks = [
        ("p", _Property),
        ("u", str),
        ("v", str | None),
        ("d", str | None),
        ("n", Annotated[int, msgspec.Meta(ge=0)]),
    ]
    raws = [(name, msgspec.Raw) for name in objects]
    group = msgspec.defstruct("Group", [*marks, *raws, ("b", list[now], msgspec.field(default_factory=list))])  # type: ignore[valid-type]
    return msgspec.json.Decoder(list[group])  # type: ignore[valid-type]


class _Property(msgspec.Struct):
    key: str


_Objects = msgspec.json.Decoder(list[msgspec.Raw])


def _object(name: str, values: Sequence[msgspec.Raw]) -> bytes:
    if name == "tooCoarse":
        return b"[" + b",".join([one for value in values for one in _Objects.decode(value)][:NAMED]) + b"]"
    return bytes(values[0]) if len(values) == 1 or name not in _OF_ONE else b"null"


def _mark(name: str, type_name: str, shares: Sequence[_Share]) -> Any:
    match name:
        case "city":
            return shares[0].city if len(shares) == 1 else None
        case "cities":
            return [share.city for share in shares]
        case "unit":
            return shares[0].group.u
        case "vehicleClass":
            return common(share.group.v for share in shares)
        case "direction":
            return common(share.group.d for share in shares)
        case "datastreamCount":
            return min(sum(share.group.n for share in shares), MAX_INT)
        case _:
            return type_name
