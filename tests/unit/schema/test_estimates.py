"""Series and aggregates are reckoned by how long, how fine, and of how many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.cost import cost_of
from schema.estimates import LONGEST_SERIES, MOST_TOO_COARSE, NOTHING, USUAL_DATASTREAMS, estimate_of
from schema.selection import Field
from schema.weights import LEAF, READ
from tests.unit.schema.test_selection import tree

YEAR = {"start": "2026-01-01T00:00:00+00:00", "end": "2027-01-01T00:00:00+00:00"}
DAY = {"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-02T00:00:00+00:00"}
QUARTERS = 96
EVERY = ("PT15M", "PT30M", "PT1H", "PT2H", "PT3H", "PT4H", "PT6H", "PT12H", "P1D", "P1W", "P1M", "P3M", "P1Y")


def ids(count: int) -> list[str]:
    return [f"giessen:datastream:{number}" for number in range(count)]


def test_fields_with_first_are_not_estimated():
    assert estimate_of("observations", {"during": YEAR}) is NOTHING


def test_a_series_has_a_point_for_every_step_and_reads_every_observation():
    found = estimate_of("series", {"datastreams": ids(3), "during": DAY, "every": "PT1H"})
    assert found.sizes["Series.values"] == 25, "24 hours, and one more if they are cut at both ends"
    assert found.sizes["SeriesResult.series"] == 3
    assert found.rows == 75
    assert found.read == 3 * QUARTERS


def test_a_series_without_steps_has_every_observation_up_to_what_is_cut_off():
    assert estimate_of("series", {"datastreams": ids(2), "during": DAY}).rows == 2 * QUARTERS
    long = estimate_of("series", {"datastreams": ids(50), "during": YEAR})
    assert long.rows == long.read == LONGEST_SERIES


def test_an_aggregate_has_a_bucket_for_every_step_of_every_group():
    arguments = {"filter": {"datastreams": ids(4)}, "during": DAY, "every": "PT1H"}
    whole = estimate_of("aggregate", arguments)
    grouped = estimate_of("aggregate", arguments | {"groupBy": ["DATASTREAM"]})
    compared = estimate_of("aggregate", arguments | {"compareWith": "P1Y"})
    assert (whole.rows, whole.read) == (25, 4 * QUARTERS)
    assert (grouped.rows, grouped.read) == (100, 4 * QUARTERS)
    assert (compared.rows, compared.read) == (25, 8 * QUARTERS)


def test_a_filter_that_names_no_datastreams_is_taken_to_leave_the_usual_number():
    found = estimate_of("aggregate", {"filter": {"observedProperties": ["traffic-count"]}, "during": DAY})
    assert (found.rows, found.read) == (1, USUAL_DATASTREAMS * QUARTERS)
    assert estimate_of("aggregate", {"filter": {"datastreams": []}, "during": DAY}).read == 0


async def test_what_is_selected_of_datastreams_that_are_too_coarse_counts_for_each_of_them():
    document = """query ($filter: ObservationFilter!, $during: TimeInterval!, $every: Duration, $by: [GroupBy!]!) {
        aggregate(filter: $filter, during: $during, every: $every, groupBy: $by) {
            groups { tooCoarse { observations(first: 1000) { nodes { result } } } } } }"""

    async def rows(filter_, every="PT15M", *by) -> int:
        return cost_of(await tree(document, filter=filter_, during=DAY, every=every, by=by)).rows

    named = {"datastreams": ids(30)}
    assert await rows({}) > MOST_TOO_COARSE * 1_000
    assert 30_000 < await rows(named) < 31_000 + QUARTERS * 30
    assert 30_000 < await rows(named, "PT15M", "DATASTREAM") < 31_000 + QUARTERS * 30, "all groups have 30 together"
    assert await rows({"datastreams": ids(300)}) < (MOST_TOO_COARSE + 1) * 1_000
    assert await rows({}, None) < 1_000, "all of the time is one bucket"


@pytest.mark.parametrize("every", EVERY)
def test_a_longer_step_has_fewer_points(every):
    finer = EVERY[max(0, EVERY.index(every) - 1)]
    sizes = [estimate_of("series", {"datastreams": ids(1), "during": YEAR, "every": e}).rows for e in (finer, every)]
    assert sizes[0] >= sizes[1] >= 2


@given(st.text(max_size=20), st.datetimes(), st.datetimes())
def test_what_is_no_duration_or_no_interval_is_left_to_its_own_check(every, start, end):
    during = {"start": f"{start.isoformat()}+00:00", "end": f"{end.isoformat()}+00:00"}
    found = estimate_of("series", {"datastreams": ids(1), "during": during, "every": every})
    assert found.rows >= 0
    assert found.read >= 0


def test_the_cost_is_that_of_what_is_read_and_of_what_is_given():
    values = Field("values", "values", "Float", {}, {})
    series = Field("series", "series", "Series", {}, {}, (values,))
    arguments = {"datastreams": ids(2), "during": DAY, "every": "PT1H"}
    one = cost_of(Field("series", "a", "SeriesResult", arguments, {}, (series,)))
    two = cost_of(Field("series", "a", "SeriesResult", arguments, {}, (series, series)))
    empty = cost_of(Field("series", "a", "SeriesResult", arguments, {}))
    assert two.cost - one.cost == pytest.approx(one.cost - empty.cost)
    assert one.cost - empty.cost >= 2 * 25 * LEAF / 4
    assert empty.cost >= READ * 2 * QUARTERS
    assert one.rows == 50


async def test_what_is_put_together_costs_for_each_city():
    """Buckets that cities have in common are merged at the home node; those side by side are not."""
    document = (
        '{ aggregate(%s filter: {}, every: "P1D", during: {start: "2026-01-01T00:00:00Z", end: "2026-01-10T00:00:00Z"})'
        " { groups { buckets { %s } } } }"
    )
    common = await tree(document % ("", "count"))
    alone = cost_of(common, members=1).cost
    assert cost_of(common, members=4).cost - alone == pytest.approx(4 * 10)
    assert cost_of(common, members=400).cost - alone == pytest.approx(400 * 10)
    binned = await tree(document % ("", "q: quantile(at: 0.5) count"))
    assert cost_of(binned, members=4).cost - cost_of(binned, members=1).cost == pytest.approx(4 * 10 * 4)
    named = await tree(document % ('cities: ["fulda", "giessen", "fulda"],', "count"))
    assert cost_of(named, members=400).cost - cost_of(named, members=1).cost == pytest.approx(0)
    assert cost_of(named).cost == pytest.approx(alone + 2 * 10)
    compared = await tree(document % ('compareWith: "P7D",', "previous { count }"))
    assert cost_of(compared, members=2).cost - cost_of(compared, members=1).cost == pytest.approx(2 * 2 * 10)
    divided = await tree(document % ("groupBy: [CITY],", "count"))
    assert cost_of(divided, members=400) == cost_of(divided, members=1)
