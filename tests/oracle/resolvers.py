"""A resolver for every field: source, view and arguments in, a plain value out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schema.errors import BadInput, CityUnavailable, Forbidden, NotFound
from schema.ids import parse_id
from tests.oracle.directory import NUMBER, FixedDirectory
from tests.oracle.facets import FACETS, Facets
from tests.oracle.filters import predicates
from tests.oracle.lists import Call, Observed, Page
from tests.oracle.report import reach
from tests.oracle.view import View
from tests.oracle.world import CITY, SUSPENDED, Datastream

Resolver = Callable[..., Any]


def _root_list(name: str, type_name: str, rows_of: Callable[[View], list[Any]]) -> Resolver:
    def resolve(_source: Any, view: View, key: str, **arguments: Any) -> Page:
        _may_read(view)
        _no_contradiction(arguments)
        asked = reach(view, name, arguments)
        call = Call(name, type_name, arguments)
        call.check()
        wanted = predicates(view, type_name, arguments)
        _no_mistake(view, key)
        rows = [row for row in rows_of(view) if all(fits(row) for fits in wanted)] if asked.asks_own else []
        page = call.page(rows, asked.away, asked.report)
        asked.require(arguments)
        return page

    return resolve


def _root_facets(_source: Any, view: View, key: str, **arguments: Any) -> Facets:
    _may_read(view)
    _no_contradiction(arguments)
    asked = reach(view, "datasetFacets", arguments)
    facets = Facets(view, view.datasets() if asked.asks_own else [], arguments["filter"] or {}, asked)
    _ = facets.total
    _no_mistake(view, key)
    asked.require(arguments)
    return facets


def _root_object(kind: str, rows_of: Callable[[View], list[Any]]) -> Resolver:
    def resolve(_source: Any, view: View, key: str, id: str) -> Any:  # noqa: A002 - the argument's name in the API
        _may_read(view)
        target = parse_id(id, kind=kind, argument="id")
        if target.city == SUSPENDED and view.world.has_suspended and view.caller.peer is None:
            raise CityUnavailable(SUSPENDED, "DENIED", "suspended")
        if target.city == CITY:
            _no_mistake(view, key)
            for row in rows_of(view):
                if row.key == target.key:
                    return row
        raise NotFound(id)

    return resolve


def _no_contradiction(arguments: Mapping[str, Any]) -> None:
    quorum = arguments["quorum"]
    if (arguments["require"] == "QUORUM") != (quorum is not None) or (quorum is not None and quorum < 1):
        raise BadInput("quorum")


def _may_read(view: View) -> None:
    if view.caller.application is not None and "data:read" not in view.caller.scopes:
        raise Forbidden("scope")


def _no_mistake(view: View, key: str) -> None:
    """What is wrong with an argument anywhere below is told for the root field, whether or not rows reach it."""
    if key in view.mistakes:
        raise view.mistakes[key]


def nested_list(name: str, type_name: str, arguments: Mapping[str, Any], view: View, rows: list[Any]) -> Page:
    """A list below an object."""
    call = Call(name, type_name, arguments)
    call.check()
    wanted = predicates(view, type_name, arguments)
    return call.page([row for row in rows if all(fits(row) for fits in wanted)], {}, None)


def _attributes(**names: str) -> dict[str, Resolver]:
    return {field: lambda source, _view, name=name: getattr(source, name) for field, name in names.items()}


def _same(*names: str) -> dict[str, Resolver]:
    return _attributes(**{name: name for name in names})


def _items(*names: str) -> dict[str, Resolver]:
    return {name: lambda source, _view, name=name: source[name] for name in names}


def _identity(kind: str) -> dict[str, Resolver]:
    return {"id": lambda source, _view: f"{CITY}:{kind}:{source.key}", "city": lambda *_: CITY}


def _latest(stream: Datastream, view: View) -> Observed | None:
    return max(view.observations_of(stream), key=lambda one: one.observation.time, default=None)


def _streams(name: str) -> Resolver:
    return lambda source, view, **arguments: nested_list(
        "datastreams", "Datastream", arguments, view, getattr(view, name)(source)
    )


_CONNECTION: dict[str, Resolver] = {
    "edges": lambda page, _view: page.rows,
    "nodes": lambda page, _view: [row.node for row in page.rows],
    "pageInfo": lambda page, _view: page,
    "federation": lambda page, _view: page.report,
    "totalCount": lambda page, _view: page.total,
    "sortKeys": lambda page, _view: [row.position.sort for row in page.rows],
    "localKeys": lambda page, _view: [row.position.key for row in page.rows],
}
_NO_TEXT = {"suggestions": lambda *_: []}  # without a text there is nothing to suggest
_EDGE: dict[str, Resolver] = _same("node", "cursor")

RESOLVERS: Mapping[str, Mapping[str, Resolver]] = {
    "Query": {
        "node": lambda *_: FixedDirectory().node(),
        "cities": lambda *_: FixedDirectory().cities(),
        "datasetFacets": _root_facets,
        "datasets": _root_list("datasets", "Dataset", View.datasets),
        "dataset": _root_object("dataset", View.datasets),
        "things": _root_list("things", "Thing", View.things),
        "thing": _root_object("thing", View.things),
        "datastreams": _root_list("datastreams", "Datastream", View.datastreams),
        "datastream": _root_object("datastream", View.datastreams),
        "observations": _root_list("observations", "Observation", View.observations),
    },
    "Node": _same("city", "version", "time", "limits", "purposes"),
    "NodeLimits": {"*": lambda *_: NUMBER},
    "City": _same("id", "name", "ags", "issuer", "status", "log"),
    "CityLog": {"state": lambda log, _view: log.state.name, **_same("size", "reason"), **_attributes(seenAt="seen_at")},
    "Purpose": _same("id", "description"),
    "DatasetConnection": _CONNECTION | _NO_TEXT,
    "ThingConnection": _CONNECTION,
    "DatastreamConnection": _CONNECTION,
    "ObservationConnection": {name: resolver for name, resolver in _CONNECTION.items() if name != "totalCount"},
    "DatasetEdge": _EDGE,
    "ThingEdge": _EDGE,
    "DatastreamEdge": _EDGE,
    "ObservationEdge": _EDGE,
    "PageInfo": {
        "hasNextPage": lambda page, _view: page.has_next,
        "hasPreviousPage": lambda page, _view: page.has_previous,
        "startCursor": lambda page, _view: page.rows[0].cursor if page.rows else None,
        "endCursor": lambda page, _view: page.end,
    },
    "FederationReport": _items("complete", "cities"),
    "CityReport": _items(
        "city", "state", "asOf", "rows", "late", "tookMs", "policyVersion", "obligations", "log", "reason"
    ),
    "DatasetFacetsResult": {
        "total": lambda facets, _view: facets.total,
        "federation": lambda facets, _view: facets.report.report(facets.total),
        **{
            name: lambda facets, _view, name=name, **arguments: facets.counts(name, **arguments) for name in FACETS
        },
    },
    "FacetCount": _items("value", "label", "count"),
    "Publisher": _same("name", "kind", "homepage"),
    "Contact": _same("name", "email", "telephone", "url"),
    "Licence": _same("uri", "title") | _attributes(code="key"),
    "Distribution": _same("title", "description", "format", "licence", "availability", "issued", "modified")
    | _attributes(
        accessURL="access_url",
        downloadURL="download_url",
        mediaType="media_type",
        byteSize="byte_size",
        licenceAttribution="licence_attribution",
    ),
    "BoundingBox": {
        side: lambda box, _view, index=index: box[index] for index, side in enumerate(("west", "south", "east", "north"))
    },
    "TemporalExtent": _attributes(start="temporal_start", end="temporal_end"),
    "DatasetUse": _same("purposes", "licence", "obligations")
    | _attributes(withoutAgreement="open_obligations")
    | {
        "aiTraining": lambda dataset, _view: "ai-training" in (dataset.purposes or ()),
        "aiAssistance": lambda dataset, _view: "ai-assistance" in (dataset.purposes or ()),
    },
    "Dataset": _identity("dataset")
    | _same(
        "identifier", "title", "description", "tier", "publisher", "themes", "keywords", "languages", "issued",
        "modified", "spatial", "bbox", "distributions",
    )
    | _attributes(
        contactPoint="contact",
        landingPage="landing_page",
        accrualPeriodicity="accrual_periodicity",
        legalBasis="legal_basis",
        hvdCategory="hvd_category",
    )
    | {
        "use": lambda dataset, _view: dataset,
        "temporal": lambda dataset, _view: dataset if dataset.temporal_start or dataset.temporal_end else None,
        "datastreams": _streams("streams_of"),
    },
    "Location": {
        "longitude": lambda thing, _view: thing.location[0],
        "latitude": lambda thing, _view: thing.location[1],
        "place": lambda thing, _view: thing.place,
    },
    "Thing": _identity("thing")
    | _same("name", "description")
    | {"location": lambda thing, _view: thing if thing.location else None, "datastreams": _streams("streams_at")},
    "Sensor": {"id": _identity("sensor")["id"]}
    | _same("name", "description", "metadata")
    | _attributes(encodingType="encoding_type"),
    "ObservedProperty": {"id": _identity("observed-property")["id"]}
    | _same("key", "name", "definition", "description"),
    "Datastream": _identity("datastream")
    | _same("name", "description", "unit", "direction", "thing", "sensor", "dataset")
    | _attributes(
        observationType="observation_type",
        vehicleClass="vehicle_class",
        intervalSeconds="interval_seconds",
        phenomenonStart="phenomenon_start",
        phenomenonEnd="phenomenon_end",
        observedProperty="observed_property",
    )
    | {
        "latest": _latest,
        "observations": lambda stream, view, **arguments: nested_list(
            "observations", "Observation", arguments, view, view.observations_of(stream)
        ),
    },
    "Observation": {
        "phenomenonTime": lambda one, _view: one.observation.time,
        "phenomenonEnd": lambda one, _view: one.observation.end,
        "result": lambda one, _view: one.observation.result,
        "quality": lambda one, _view: one.observation.quality,
        "datastream": lambda one, _view: one.datastream,
    },
}  # fmt: skip

# Fields that no document of the oracle asks for, and why.
LEFT_OUT: Mapping[tuple[str, str], str] = {
    **{
        ("Query", name): "no data of datasets; it has tests of its own"
        for name in ("explain", "worklist", "assessments", "agreements", "accessTotals")
    },
    ("Query", "newObservations"): "what arrives depends on when; tests/federation/test_live.py compares it",
    ("Query", "accessLog"): "what it shows comes from the questions before; it has tests of its own",
    ("Query", "series"): "buckets have a plain implementation and tests of their own",
    ("Query", "aggregate"): "buckets have a plain implementation and tests of their own",
    **{
        ("City", name): "the same as the root field for one city: tests/federation/test_cities.py compares them"
        for name in ("aggregate", "datasetFacets", "datasets", "datastreams", "observations", "things")
    },
}
# Arguments and input fields that no document uses, and why.
_TEXT = "full text (stems, ranks, prefixes) can't be told in plain Python; it has tests of its own"
UNUSED_INPUT: Mapping[tuple[str, str], str] = {
    **{
        (f"{type_}Filter", name): _TEXT
        for type_ in ("Dataset", "Thing", "Datastream")
        for name in ("text", "textPrefix")
    },
    ("DatasetFilter", "near"): "the distance to a box has an oracle of its own",
}
