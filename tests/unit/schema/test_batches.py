"""A batch that is decoded at once is what GraphQL would have made of it; anything else goes GraphQL's way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.batches import batch_of
from schema.budget import Bounds
from schema.build import build_schema
from schema.types.intake import RecordedObservations

SCHEMA = build_schema(Bounds())
RECORD = "mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"
TIMES = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    st.sampled_from(
        ["2026-01-31T00:00:00Z", "2026-01-31T00:00:00+01:00", "20260131T000000Z", "2026-01-31", "x", 5, None]
    ),
)
SERIES = st.fixed_dictionaries(
    {
        "datastream": st.one_of(st.text(max_size=5), st.integers(0, 9)),
        "times": st.one_of(st.lists(TIMES, max_size=3), TIMES),
        "results": st.lists(
            st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.just("1")), max_size=3
        ),
    },
    optional={"quality": st.sampled_from(["RAW", "SUSPECT", "raw", None]), "colour": st.none()},
)


class Intake:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.arrived: list[Any] = []

    async def record(self, request, series) -> RecordedObservations:
        self.arrived += [(one.datastream, one.times, one.results, one.quality) for one in series]
        return RecordedObservations(accepted=0, refused=[], refused_count=0)


def operation(document: str):
    plan = SCHEMA.documents.check(document).plan(None)
    assert plan is not None
    return plan.operation


async def run(variables: Any, series: Any = None) -> tuple[list[Any], bool]:
    intake = Intake()
    request = SimpleNamespace(caller=SimpleNamespace(peer=None), trace_id="0")
    context: Any = SimpleNamespace(intake=intake, request=request, in_parts=False, series=series)
    result = await SCHEMA.execute(RECORD, variable_values=variables, context_value=context)
    return intake.arrived, bool(result.errors)


@given(st.lists(SERIES, max_size=2))
async def test_it_means_the_same(series):
    variables = {"series": series}
    batch = batch_of(operation(RECORD), variables)
    if batch is not None:
        assert batch.variables == {"series": []}
        arrived, failed = await run(batch.variables, batch.series)
        assert (arrived, failed) == await run(variables)


def test_a_plain_batch_is_decoded_at_once():
    one = {"datastream": "a:datastream:b", "times": ["2026-01-01T00:00:00Z"], "results": [1], "quality": "SUSPECT"}
    batch = batch_of(operation(RECORD), {"series": [one, one]})
    assert batch is not None
    assert [series.quality.name for series in batch.series] == ["SUSPECT", "SUSPECT"]


@pytest.mark.parametrize(
    "document",
    [
        'mutation { recordObservations(series: [{datastream: "a", times: [], results: []}]) { accepted } }',
        (
            "mutation ($series: [ObservationSeriesInput!]!) { a: recordObservations(series: $series) { accepted }"
            " b: recordObservations(series: $series) { accepted } }"
        ),
        (
            "mutation ($series: [ObservationSeriesInput!]!, $no: Boolean = false)"
            " { recordObservations(series: $series) @include(if: $no) { accepted } }"
        ),
        'mutation { withdrawDataset(dataset: "a", reason: "b") }',
    ],
)
def test_other_mutations_go_the_ordinary_way(document):
    assert batch_of(operation(document), {"series": []}) is None


@pytest.mark.parametrize("variables", [None, {}, {"series": None}, {"series": [{"datastream": "a"}]}, {"series": 5}])
def test_what_is_not_as_it_should_be_goes_the_ordinary_way(variables):
    assert batch_of(operation(RECORD), variables) is None
