"""Statistics over observations: series for charts, aggregates in buckets of the calendar."""

from __future__ import annotations

from typing import Annotated

import strawberry

from schema.histogram import ACCURACY, BEFORE, BINS, LARGEST, SMALLEST, WIDTH
from schema.types.enums import Quality, Statistic
from schema.types.paging import FederationReport
from schema.types.scalars import DateTime
from schema.types.sensors import Datastream, ObservedProperty, Thing

At = Annotated[float, strawberry.argument(description="From 0 to 1; 0.5 is the median.")]


@strawberry.type(
    description="One datastream in columns: the n-th elements of all lists belong together, in order of time."
    " Without `every` they are observations, with it buckets."
)
class Series:
    """The columns of a chart."""

    datastream: Datastream
    statistic: Statistic | None = strawberry.field(
        description="What the values are; null without `every`: results as they were observed."
    )
    times: list[DateTime] = strawberry.field(description="Starts, UTC.")
    ends: list[DateTime | None] = strawberry.field(description="Ends, exclusive, UTC; null for an instant.")
    values: list[float | None] = strawberry.field(
        description="In the datastream's unit; null where there is no result: a gap, which is not zero."
    )
    qualities: list[Quality | None] = strawberry.field(
        description="Of a bucket: the least trusted of what counted in it, from CHECKED over RAW and ESTIMATED to"
        " SUSPECT; MISSING for a gap."
    )
    truncated: bool = strawberry.field(
        description="There are more observations than an answer may have (100000 values over all series): these are"
        " the first ones. Ask for a shorter `during`, or with `every`, which is never cut off."
    )
    too_coarse: bool = strawberry.field(
        description="The datastream's observations are longer than `every` and can't be divided, so all values are"
        " gaps. Ask for a longer `every`; see `datastream { intervalSeconds }`."
    )


@strawberry.type(description="Series of datastreams, in the order in which they were named.")
class SeriesResult:
    """What `series` answers."""

    series: list[Series] = strawberry.field(
        description="Datastreams that do not exist, or that the caller may not see, have none."
    )
    federation: FederationReport | None = strawberry.field(description="Who answered.")


@strawberry.type(
    description="How many results lie in which bin, in order; bins without any are left out. Bin 0 has the zeros. Bin n"
    f" has the numbers up to exp((n {BEFORE:+}) * {WIDTH:.10f}) and beyond that of the bin before, bin -n their"
    f" negatives; smaller and larger ones count in the bins 1 and {BINS}. All cities have the same bins, so histograms"
    " can be added up."
)
class Histogram:
    """Two columns."""

    bins: list[int]
    counts: list[int]


@strawberry.type(
    description="What was observed from `start` to `end`. An observation belongs to the bucket in which it starts."
    " Observations that overlap are not counted twice: in order of their starts, one that starts before the end of the"
    " last one that counted, of the same datastream, is passed over. MISSING ones have no result and never count,"
    " nor do results beyond 1e140, which no sensor measures."
    " A gap has count 0 and null statistics; a count above 0 with sum 0 is a true zero."
)
class AggregateBucket:
    """One bucket of one group."""

    start: DateTime = strawberry.field(description="Inclusive, UTC. The first bucket is cut to `during`.")
    end: DateTime = strawberry.field(description="Exclusive, UTC. The last bucket is cut to `during`.")
    count: int = strawberry.field(description="Observations with a result that counted.")
    sum: float | None = strawberry.field(description="In the group's unit; null for a gap.")
    avg: float | None = strawberry.field(
        description="`sum` over `count`: each observation weighs the same, however long it is."
    )
    min: float | None
    max: float | None
    stddev: float | None = strawberry.field(
        description="Standard deviation of a sample (n - 1); null for fewer than two observations."
    )
    squared_deviations: float | None = strawberry.field(
        description="Sum of the squared deviations from `avg`; null for a gap. With `count` and `sum` of two groups,"
        " that of both together follows, and `stddev` with it."
    )

    @strawberry.field(
        description="A quantile of the results, interpolated between neighbours as SQL's percentile_cont; see"
        " `quantileError`."
    )
    def quantile(self, at: At) -> float | None:
        """Prepared."""
        raise NotImplementedError

    quantile_error: float = strawberry.field(
        description="By how much `quantile` may be wrong at most, as a share of the larger of the results that it lies"
        " between: 0, which is exact, where all results of the bucket are of one city; else"
        f" {ACCURACY}, since it is told from `histogram`. Of magnitudes below {SMALLEST:g} and above {LARGEST:g} only"
        " minimum and maximum are known."
    )
    histogram: Histogram | None = strawberry.field(description="Null for a gap.")
    coverage: float | None = strawberry.field(
        description="Share of the bucket's time that observations with a result cover, 0 to 1, over all datastreams of"
        " the group: by their intervals, each moment once. Null if they are instants."
    )
    expected: int | None = strawberry.field(
        description="How many observations the bucket has room for, by the intervals of the group's datastreams; null"
        " if one of them has none."
    )
    missing: int | None = strawberry.field(description="How many of the expected observations did not count.")
    previous: AggregateBucket | None = strawberry.field(
        description="The same bucket, `compareWith` earlier by the local calendar. Null without `compareWith`, and"
        " where that local time did not exist. It has no `previous` itself."
    )


@strawberry.type(
    description="Datastreams with the same observed property and the same unit, and with what `groupBy` names in"
    " common, of all cities unless it names CITY, THING or DATASTREAM. Different units are never mixed. What belongs"
    " to several cities is computed from parts that they send: their observations stay where they are."
)
class AggregateGroup:
    """One line of a chart."""

    city: str | None = strawberry.field(description="City id of the owner, if the group has only one.")
    cities: list[str] = strawberry.field(description="City ids of the owners.")
    observed_property: ObservedProperty
    unit: str = strawberry.field(description="UCUM code; counts have 1.")
    thing: Thing | None = strawberry.field(description="If all datastreams of the group have it in common.")
    datastream: Datastream | None = strawberry.field(description="If the group has only this one.")
    vehicle_class: str | None = strawberry.field(description="If all datastreams of the group have it in common.")
    direction: str | None = strawberry.field(description="If all datastreams of the group have it in common.")
    datastream_count: int = strawberry.field(description="Datastreams whose observations count here.")
    too_coarse: list[Datastream] = strawberry.field(
        description="Datastreams of the group whose observations are longer than `every`: they can't be divided and"
        " count nowhere. Ask for a longer `every`; at most 100 are named."
    )
    buckets: list[AggregateBucket] = strawberry.field(
        description="All buckets of `during` in order, those without observations included."
    )


@strawberry.type(description="Statistics of all cities.")
class AggregateResult:
    """What `aggregate` answers."""

    groups: list[AggregateGroup] = strawberry.field(
        description="By observed property, unit, and what `groupBy` names; where that divides by city, a city's groups"
        " one after the other. A group without observations in `during` is there, with gaps."
    )
    federation: FederationReport | None = strawberry.field(description="Who answered.")
