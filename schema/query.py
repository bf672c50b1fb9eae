"""Root fields. Each resolver is one call to the gate."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from schema.errors import Unavailable
from schema.ports import Context, Stewardship
from schema.selection import select
from schema.types.audit import AccessRecordConnection
from schema.types.audit_totals import AccessGroup, AccessTotal
from schema.types.catalog import Dataset, DatasetConnection
from schema.types.city import City
from schema.types.directory import Node
from schema.types.enums import (
    Completeness,
    DatasetOrder,
    DatastreamOrder,
    GroupBy,
    Quality,
    Statistic,
    ThingOrder,
    TimeOrder,
)
from schema.types.explain import Explanation, HypotheticalCaller
from schema.types.facets import DatasetFacetsResult
from schema.types.governance import Agreement, AssessmentVersion, WorklistItem
from schema.types.inputs import (
    AccessFilter,
    DatasetFilter,
    DatastreamFilter,
    ObservationFilter,
    ThingFilter,
    TimeInterval,
)
from schema.types.live import After, Datastreams, ObservationBatch
from schema.types.scalars import Duration
from schema.types.sensors import Datastream, DatastreamConnection, ObservationConnection, Thing, ThingConnection
from schema.types.statistics import AggregateResult, SeriesResult

CONTEXT = Info[Context, None]
Quorum = Annotated[
    int | None,
    strawberry.argument(description="With `require: QUORUM`, how many cities must answer; SKIPPED ones count."),
]
DeadlineMs = Annotated[
    int | None,
    strawberry.argument(
        description="How many milliseconds cities have for their answer; what comes later is TIMEOUT in the report."
        " At most the node's own limit, which is also the default."
    ),
]
Matching = Annotated[
    str,
    strawberry.argument(
        description="As for `verbund audit list`: `city:giessen decision:deny -purpose:research after:2026-11-01`."
        " Terms of different names must all match, of several with one name one, of those with a minus none. Times"
        " are UTC."
    ),
]
# without data of cities; every other root field is the gate's
LOCAL = frozenset({"node", "cities", "explain", "worklist", "assessments", "agreements", "accessTotals"})
ACROSS = (
    " `cities` left out means all members; `require` says whether a missing city is an error. `first` at most {limit}."
    " Access: rows of datasets that the caller may see."
)


BUCKETS = (
    " Buckets (`every`: PT15M, PT30M, PT1H, PT2H, PT3H, PT4H, PT6H, PT12H, P1D, P1W, P1M, P3M or P1Y) follow the"
    " calendar of `timeZone`: a day has 23 or 25 hours when the clocks change, a week starts on Monday. Up to PT1H they"
    " follow UTC, so the hour that comes twice is two buckets; from PT2H they start at local midnight. At most"
    " 10000 buckets and 100000 values."
)


def stewardship(context: Context) -> Stewardship:
    """What the node fills in for stewards. Raises Unavailable if it does not."""
    if context.stewardship is None:
        raise Unavailable("this node has no stewardship")
    return context.stewardship


async def _read(info: CONTEXT) -> Any:
    context = info.context
    return await context.gate.read(context.request, select(info._raw_info))  # noqa: SLF001 - Strawberry has no other way to the nodes


@strawberry.type(description="Everything that can be asked. Any node is an entry point to all cities.")
class Query:
    """The query type."""

    @strawberry.field(description="This node: city, version, clock, limits. Access: anyone.")
    def node(self, info: CONTEXT) -> Node:
        """From the node's settings."""
        return info.context.directory.node()

    @strawberry.field(description="Members of the federation, from the membership list. Access: anyone.")
    def cities(self, info: CONTEXT) -> list[City]:
        """From the membership list."""
        return info.context.directory.cities()

    @strawberry.field(description="Datasets of all cities." + ACROSS.format(limit=1000))
    async def datasets(
        self,
        info: CONTEXT,
        cities: list[strawberry.ID] | None = None,
        filter: DatasetFilter | None = None,  # noqa: A002 - the argument's name in the API
        order_by: DatasetOrder = DatasetOrder.TITLE_ASC,
        first: int = 20,
        after: str | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> DatasetConnection:
        """Federated."""
        return await _read(info)

    @strawberry.field(
        description="Counts for the side bar of a catalog page, of all cities. `cities` left out means all members;"
        " `require` says whether a missing city is an error. Access: counts of datasets that the caller may see."
    )
    async def dataset_facets(
        self,
        info: CONTEXT,
        cities: list[strawberry.ID] | None = None,
        filter: DatasetFilter | None = None,  # noqa: A002
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> DatasetFacetsResult:
        """Federated."""
        return await _read(info)

    @strawberry.field(description="One dataset; its owner is asked. Access: as the dataset's tier says.")
    async def dataset(self, info: CONTEXT, id: strawberry.ID) -> Dataset | None:  # noqa: A002
        """Goes to the owner."""
        return await _read(info)

    @strawberry.field(description="Things of all cities." + ACROSS.format(limit=1000))
    async def things(
        self,
        info: CONTEXT,
        cities: list[strawberry.ID] | None = None,
        filter: ThingFilter | None = None,  # noqa: A002
        order_by: ThingOrder = ThingOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> ThingConnection:
        """Federated."""
        return await _read(info)

    @strawberry.field(description="One thing; its owner is asked. Access: if one of its datastreams is visible.")
    async def thing(self, info: CONTEXT, id: strawberry.ID) -> Thing | None:  # noqa: A002
        """Goes to the owner."""
        return await _read(info)

    @strawberry.field(description="Datastreams of all cities." + ACROSS.format(limit=1000))
    async def datastreams(
        self,
        info: CONTEXT,
        cities: list[strawberry.ID] | None = None,
        filter: DatastreamFilter | None = None,  # noqa: A002
        order_by: DatastreamOrder = DatastreamOrder.NAME_ASC,
        first: int = 20,
        after: str | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> DatastreamConnection:
        """Federated."""
        return await _read(info)

    @strawberry.field(description="One datastream; its owner is asked. Access: as its dataset's tier says.")
    async def datastream(self, info: CONTEXT, id: strawberry.ID) -> Datastream | None:  # noqa: A002
        """Goes to the owner."""
        return await _read(info)

    @strawberry.field(
        description="Observations of all cities whose phenomenonTime starts within `during`."
        + ACROSS.format(limit=10000)
    )
    async def observations(
        self,
        info: CONTEXT,
        filter: ObservationFilter,  # noqa: A002
        during: TimeInterval,
        cities: list[strawberry.ID] | None = None,
        order_by: TimeOrder = TimeOrder.TIME_ASC,
        first: int = 20,
        after: str | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> ObservationConnection:
        """Federated."""
        return await _read(info)

    @strawberry.field(
        description="Datastreams of all cities in columns, for charts: observations that start within `during` as they"
        " are, or with `every` one value for each bucket: `statistic`, which is SUM for counts"
        " (OM_CountObservation) and AVG for all others unless it is given. `qualities` leaves out observations of other"
        " qualities." + BUCKETS + " Access: datastreams whose observations the caller may see; others are absent."
    )
    async def series(
        self,
        info: CONTEXT,
        datastreams: list[strawberry.ID],
        during: TimeInterval,
        every: Duration | None = None,
        time_zone: str = "Europe/Berlin",
        statistic: Statistic | None = None,
        qualities: list[Quality] | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> SeriesResult:
        """Federated."""
        return await _read(info)

    @strawberry.field(
        description="Statistics of the observations that start within `during`, in buckets; without `every` all of"
        " `during` is one bucket. `cities` left out means all members. `compareWith` (P1D, P7D, P52W, P1M, P1Y …) also"
        " gives the same bucket so much earlier by the local calendar: 29 February is compared with 28 February, and"
        " weeks only with weeks." + BUCKETS + " Access: observations of datasets that the caller may see."
    )
    async def aggregate(
        self,
        info: CONTEXT,
        filter: ObservationFilter,  # noqa: A002
        during: TimeInterval,
        cities: list[strawberry.ID] | None = None,
        every: Duration | None = None,
        time_zone: str = "Europe/Berlin",
        group_by: list[GroupBy] = [],  # noqa: B006 - Strawberry wants the default as GraphQL has it, and only reads it
        compare_with: Duration | None = None,
        require: Completeness = Completeness.BEST_EFFORT,
        quorum: Quorum = None,
        deadline_ms: DeadlineMs = None,
    ) -> AggregateResult:
        """Federated."""
        return await _read(info)

    @strawberry.field(
        description="One batch of what the subscription `observations` gives, of the datastreams of one city; for"
        " those who can't keep a connection, and for nodes among themselves. Without `after` it has no observations,"
        " and the cursor to begin with. If there is nothing yet, it waits up to `waitMs` milliseconds, at most 0.8 of"
        " the node's `requestMs`. Access: as the query `observations`."
    )
    async def new_observations(
        self, info: CONTEXT, datastreams: Datastreams, after: After = None, wait_ms: int = 0
    ) -> ObservationBatch:
        """The owner's."""
        return await _read(info)

    @strawberry.field(
        description="This node's access records, newest first, by `filter` or by the same as a text, `matching`."
        " `first` at most 1000. Looking is itself recorded. Access: own applications with the scope audit:read."
    )
    async def access_log(
        self,
        info: CONTEXT,
        filter: AccessFilter | None = None,  # noqa: A002
        matching: Matching | None = None,
        first: int = 20,
        after: str | None = None,
    ) -> AccessRecordConnection:
        """Local."""
        return await _read(info)

    @strawberry.field(
        description="Access records of this node summed up: who, what, how much, over time; the largest groups first,"
        " `first` at most 1000. By whole days, UTC; records count about a second after they were written. By DAY, a"
        " period of at most 100 days is needed. Looking is itself recorded. Access: own applications with the scope"
        " audit:read."
    )
    async def access_totals(
        self,
        info: CONTEXT,
        by: list[AccessGroup],
        matching: Matching = "",
        first: int = 100,
    ) -> list[AccessTotal]:
        """Local."""
        return await stewardship(info.context).auditing.totals(info.context.request, matching, by, first)

    @strawberry.field(
        description="What a document would do: whom it would ask, what it would cost, and for the datasets of each"
        " owner which rules decide and what they oblige to. The owners are asked for that like for data, as the caller"
        " itself; nothing else is read. `purpose` and `as`: for stewards only, who also see what is denied here."
        " Access: anyone, of own rights; own applications with the scope governance:read."
    )
    async def explain(
        self,
        info: CONTEXT,
        document: str,
        variables: JSON | None = None,
        operation_name: str | None = None,
        purpose: strawberry.ID | None = None,
        as_: Annotated[HypotheticalCaller | None, strawberry.argument(name="as")] = None,
    ) -> Explanation:
        """Local."""
        context = info.context
        assert context.planner is not None
        planned = context.planner(document, _members(variables), operation_name)
        return await stewardship(context).explainer.explain(context.request, planned, purpose, as_)

    @strawberry.field(
        description="Datasets about which something is to be done: unassessed, unsigned, overdue, changed since."
        " `all`: the others, too. `dataset`: that one alone, whether something is to be done or not."
        " Access: own applications with the scope governance:read."
    )
    async def worklist(
        self,
        info: CONTEXT,
        all: bool = False,  # noqa: A002, FBT001, FBT002
        dataset: strawberry.ID | None = None,
    ) -> list[WorklistItem]:
        """Local."""
        return await stewardship(info.context).governance.worklist(info.context.request, dataset, everything=all)

    @strawberry.field(
        description="All assessments of a dataset, newest first."
        " Access: own applications with the scope governance:read."
    )
    async def assessments(self, info: CONTEXT, dataset: strawberry.ID) -> list[AssessmentVersion]:
        """Local."""
        return await stewardship(info.context).governance.assessments(info.context.request, dataset)

    @strawberry.field(
        description="All agreements of this city, newest first, in German, in English and as ODRL."
        " Access: own applications with the scope governance:read."
    )
    async def agreements(self, info: CONTEXT) -> list[Agreement]:
        """Local."""
        return await stewardship(info.context).governance.agreements(info.context.request)


def _members(variables: object) -> dict[str, Any] | None:
    return variables if isinstance(variables, dict) else None
