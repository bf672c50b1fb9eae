"""What fields weigh: the only place of weights. `schema.cost` adds them up, `schema.cost_directives` publishes them.

By schema coordinate: `Type.field`, `Input.field`, or `Type` for every field that gives one. 1 is looking up one object
by its key, about 5 µs of one core of the database on the reference machine; the others were measured beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

LEAF = 0.05  # a value
OBJECT = 1.0
READ = 0.06  # an observation that is read for a series or an aggregate
MERGED = 1.0  # a city's share of a bucket that several cities have in common, put together at the home node
MERGED_BINS = 3.0  # if it has counts by bin, so much more

WEIGHTS: Mapping[str, float] = {
    # a decision, a statement, an access record; in `cities` for each of the members
    "City.aggregate": 100,
    "City.datasetFacets": 1000,
    "City.datasets": 100,
    "City.datastreams": 100,
    "City.observations": 100,
    "City.things": 100,
    "Query.accessLog": 100,
    "Query.accessTotals": 1000,
    "Query.dataset": 100,
    "Query.datasetFacets": 1000,
    "Query.datasets": 100,
    "Query.datastream": 100,
    "Query.datastreams": 100,
    "Query.newObservations": 100,
    "Query.observations": 100,
    "Query.aggregate": 100,
    "Query.series": 100,
    "Query.thing": 100,
    "Query.things": 100,
    "Subscription.observations": 100,
    # a list in each object of another list
    "DatastreamConnection": 5,
    "ObservationConnection": 5,
    # read one after the other where they lie
    "AggregateBucket": 0.1,
    "Histogram": 0.1,
    "Observation": 0.1,
    # columns of the object that they belong to
    "BoundingBox": 0.1,
    "Contact": 0.1,
    "Location": 0.1,
    "TemporalExtent": 0.1,
    "Distribution": 0.5,
    "Datastream.dataset": 5,
    "Datastream.latest": 1,
    # made up, not read
    "AccessRecordEdge": 0,
    "CityReport": 0,
    "DatasetEdge": 0,
    "DatastreamEdge": 0,
    "FederationReport": 0,
    "ObservationBatch": 0,
    "ObservationEdge": 0,
    "AggregateResult": 0,
    "PageInfo": 0,
    "SeriesResult": 0,
    "ThingEdge": 0,
    # the whole filter once more, without the page
    "DatasetConnection.suggestions": 1000,
    "DatasetConnection.totalCount": 20,
    "DatastreamConnection.totalCount": 20,
    "ThingConnection.totalCount": 20,
    # written for each row
    "AccessRecordEdge.cursor": 1,
    "DatasetEdge.cursor": 1,
    "DatastreamEdge.cursor": 1,
    "ObservationEdge.cursor": 1,
    "ThingEdge.cursor": 1,
    # of a root field: every row that the caller may see is looked at
    "DatasetFilter.bbox": 200,
    "DatasetFilter.near": 200,
    "DatasetFilter.text": 1000,
    "DatasetFilter.textPrefix": 1000,
    "DatastreamFilter.bbox": 200,
    "DatastreamFilter.near": 200,
    "DatastreamFilter.text": 1000,
    "DatastreamFilter.textPrefix": 1000,
    "ObservationFilter.bbox": 200,
    "ThingFilter.bbox": 200,
    "ThingFilter.near": 200,
    "ThingFilter.text": 1000,
    "ThingFilter.textPrefix": 1000,
}

BATCH = 1_000  # observations in a batch

# How long lists without `first` are taken to be.
ASSUMED_SIZES: Mapping[str, int] = {
    "Query.accessTotals": 100,
    "Query.cities": 10,  # counted as many as there are
    "Dataset.distributions": 5,
    "DatasetFacetsResult.accrualPeriodicities": 10,
    "DatasetFacetsResult.cities": 10,
    "DatasetFacetsResult.formats": 20,
    "DatasetFacetsResult.languages": 10,
    "DatasetFacetsResult.licences": 10,
    "DatasetFacetsResult.publishers": 100,
    "DatasetFacetsResult.themes": 13,  # the EU's table has thirteen
    "DatasetFacetsResult.tiers": 4,
    "ObservationBatch.nodes": BATCH,
    "RecordedObservations.refused": 100,
}

PAGE_PARTS = frozenset({"edges", "nodes", "sortKeys", "localKeys"})  # of a connection: as long as its `first`
DEFAULT_FIRST = 20


def is_page(type_name: str) -> bool:
    """Whether a type is a Relay connection, whose length is its field's `first`."""
    return type_name.endswith("Connection")
