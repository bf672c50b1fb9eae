"""Which statistics of a bucket are asked for: only those are computed, each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from node.store.arguments import Builder
from node.store.parameters import Path
from node.store.sql import LARGEST, json_object, literal
from node.store.statistics.frame import Period
from schema.errors import BadInput
from schema.histogram import BEFORE, BINS, WIDTH
from schema.selection import TYPENAME, Field


def _bin(value: str) -> str:
    """The number of a value's bin; as `schema.histogram.bin_of`."""
    number = f"ceil(ln(abs({value})) / {WIDTH!r})::int - ({BEFORE})"
    return f"case when {value} = 0 then 0 else sign({value})::int * least(greatest({number}, 1), {BINS}) end"


Selected = tuple[Field, Path]  # a selected bucket and where it lies

# PostgreSQL refuses a quotient that is too small for a float: such a mean is 0
AVG = "case when abs({c}.sum) < 1e-290 and {c}.count > 1 then 0 else {c}.sum / {c}.count end"
_AGGREGATES = {
    "sum": {"sum": "sum(x.result)"},
    "avg": {"sum": "sum(x.result)"},
    "min": {"min": "min(x.result)"},
    "max": {"max": "max(x.result)"},
    "stddev": {"stddev": "stddev_samp(x.result)"},
    "squaredDeviations": {"squares": "regr_sxx(x.result, x.result)"},
    "histogram": {"bins": f"array_agg({_bin('x.result')})"},
}
_VALUES = {
    "sum": "{c}.sum",
    "avg": AVG,
    "min": "{c}.min",
    "max": "{c}.max",
    "stddev": "{c}.stddev",
    "squaredDeviations": "{c}.squares",
}
_EXPECTED = ("expected", "missing")


def number_json(expression: str) -> str:
    """A floating point number as JSON text; what JSON has no number for is null."""
    return f"case when {expression} between -{LARGEST} and {LARGEST} then ({expression})::text else 'null' end"


@dataclass(frozen=True, slots=True)
class Measures:
    """The statistics of the buckets of one period. `quantiles`: placeholder by where the field lies."""

    period: Period
    names: frozenset[str]
    quantiles: dict[Path, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """Aggregates over observations `x`, by name."""
        found: dict[str, str] = {}
        for name in sorted(self.names & _AGGREGATES.keys()):
            found |= _AGGREGATES[name]
        if self.quantiles:
            asked = ", ".join(self.quantiles.values())
            found["quantiles"] = f"percentile_cont(array[{asked}]) within group (order by x.result)"
        return found

    @property
    def covered(self) -> bool:
        """Whether the time that observations cover is asked for."""
        return "coverage" in self.names

    @property
    def expected(self) -> bool:
        """Whether the number of expected observations is asked for."""
        return not self.names.isdisjoint(_EXPECTED)

    def value(self, child: Field, path: Path) -> str:
        """A child of a bucket as JSON text; not `previous`."""
        x = self.period.suffix
        cell, frame = f"cells{x}", f"frame{x}"
        match child.name:
            case "start":
                return f"{frame}.start_json"
            case "end":
                return f"{frame}.finish_json"
            case "count":
                return f"coalesce({cell}.count, 0)::text"
            case "quantile":
                at = list(self.quantiles).index(path) + 1
                return number_json(f"{cell}.quantiles[{at}]")
            case "quantileError":
                return literal("0.0")
            case "histogram":
                return _histogram(child, f"{cell}.bins")
            case "coverage":
                return _coverage(frame, f"covered{x}")
            case "expected":
                return f"coalesce({frame}.expected::text, 'null')"
            case "missing":
                missing = f"greatest({frame}.expected - coalesce({cell}.count, 0), 0)"  # which passes over null
                return f"case when {frame}.expected is not null then {missing}::text else 'null' end"
            case name if name == TYPENAME:
                return literal(f'"{child.type_name}"')
            case name:
                return number_json(_VALUES[name].format(c=cell))


def _histogram(selected: Field, bins: str) -> str:
    """Counts by bin as two columns; null for a gap."""
    columns = {
        "bins": "'[' || string_agg(bin::text, ',' order by bin) || ']'",
        "counts": "'[' || string_agg(count::text, ',' order by bin) || ']'",
        TYPENAME: f"case when count(*) > 0 then {literal(chr(34) + selected.type_name + chr(34))} end",
    }
    json = json_object((child.key, columns[child.name]) for child in selected.children)
    return f"coalesce((select {json} from (select bin, count(*) from unnest({bins}) bin group by bin) counted), 'null')"


def _coverage(frame: str, covered: str) -> str:
    """Share of the time of all datastreams of the group; null if one of them has instants."""
    share = f"coalesce({covered}.seconds, 0) / ({frame}.seconds * {frame}.members)"
    possible = f"{frame}.members > 0 and {frame}.measured = {frame}.members and {frame}.seconds > 0"
    return f"case when {possible} then ({share})::text else 'null' end"


def measures_of(period: Period, buckets: Iterable[Selected], build: Builder) -> Measures:
    """What is asked of the buckets of one period."""
    selected = [part for bucket, path in buckets for part in children_of(bucket, path)]
    quantiles = {
        path: Builder(build.city, build.parameters, path).value("at", "float8", _share)
        for child, path in selected
        if child.name == "quantile"
    }
    return Measures(period, frozenset(child.name for child, _ in selected), quantiles)


def children_of(node: Field, path: Path) -> Iterator[Selected]:
    """The children of a field with their paths."""
    return ((child, (*path, index)) for index, child in enumerate(node.children))


def bucket_json(bucket: Field, path: Path, now: Measures, before: Measures | None) -> str:
    """A bucket as JSON text, from the tables of its period; `frame` tells the number `j` of the earlier one."""

    def value(child: Field, at: Path) -> str:
        if child.name != "previous":
            return now.value(child, at)
        if before is None:
            return literal("null")
        return f"case when frame.j > 0 then {bucket_json(child, at, before, None)} else 'null' end"

    return json_object((child.key, value(child, at)) for child, at in children_of(bucket, path))


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise BadInput(f"quantile: at {value:g} is not between 0 and 1", hint="write e.g. at: 0.85")
    return value
