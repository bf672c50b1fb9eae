"""What the oracle found, as small as it gets. See `test_oracle` for how it is looked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policy.model import Caller
from tests.oracle.documents import Case
from tests.oracle.world import (
    CITY,
    Dataset,
    Datastream,
    Observation,
    ObservedProperty,
    Sensor,
    Thing,
    World,
)

OWN = Caller(CITY, "portal", "research", frozenset({"data:read"}))
DATASET, THING, SENSOR, PROPERTY = Dataset("d"), Thing("t"), Sensor("s"), ObservedProperty("p")
STREAM = Datastream(
    "r", DATASET, THING, SENSOR, PROPERTY, observations=(Observation(datetime(2026, 1, 1, tzinfo=UTC)),)
)
CITY_WORLD = World(
    datasets=(DATASET,), things=(THING,), sensors=(SENSOR,), observed_properties=(PROPERTY,), datastreams=(STREAM,)
)
ALWAYS = '{start: "2000-01-01T00:00:00Z", end: "2100-01-01T00:00:00Z"}'


async def test_statements_with_one_text_may_have_different_parameters(agree):
    """The nested list selects no rows, so its filter is in the parameters only."""
    for arguments in ("", '(filter: {units: ["1"]})', ""):
        document = "{ things { nodes { datastreams%s { __typename } } } }" % arguments
        await agree(CITY_WORLD, Case(document, {}, None, ()), OWN)


async def test_observations_without_their_dataset_are_not_shown(agree):
    """A city's own rule takes datasets out of the catalog, not their observations: null must not stand for a datastream."""
    world = replace(CITY_WORLD, forbidden=("readCatalog", "OPEN"))
    document = "{ observations(filter: {}, during: %s) { nodes { datastream { name } } } }" % ALWAYS
    await agree(world, Case(document, {}, None, ()), OWN)


@pytest.mark.parametrize("length", [499, 501, 5_000])
async def test_long_names_do_not_keep_a_city_from_merging(agree, length):
    thing = replace(THING, name="x" * length)
    world = replace(CITY_WORLD, things=(thing,), datastreams=(replace(STREAM, thing=thing),), has_suspended=True)
    await agree(world, Case("{ things { nodes { id } federation { complete } } }", {}, None, ()), OWN)
