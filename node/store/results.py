"""Which compiler makes the statement of which result.

A result's statement returns one row: JSON, number of rows read, ids of the datasets that they belong to (an array),
keys of datasets that are named but denied (a JSON array; both null for none), policy epoch; and if there is a sixth
column that is not null, it tells why nothing was read: too much would have come. The JSON is the array of the one list
that is selected, or an object of all that is selected by response key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from node.store.draft import Draft
from node.store.facets import compile_facets
from node.store.parameters import Statement
from node.store.statistics.aggregate import compile_aggregate
from node.store.statistics.series import compile_series

RESULTS: Mapping[str, Callable[[Draft], Statement]] = {
    "AggregateResult": compile_aggregate,
    "DatasetFacetsResult": compile_facets,
    "SeriesResult": compile_series,
}
