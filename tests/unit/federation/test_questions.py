"""What owners are asked is a valid document of the common schema, and within what a peer may ask."""

from __future__ import annotations

import pytest

from federation.plan import plan_page
from federation.results import plan_result
from schema.cost import CostLimits, check_cost
from schema.document import print_document
from tests.unit.schema.test_selection import SCHEMA, tree

DURING = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-02-01T00:00:00Z"}'
IDS = '["fulda:datastream:a", "giessen:datastream:b"]'
DATASTREAM = "datastream { id n: name thing { location { place } } latest { result } observations(first: 2) { nodes { result } } }"


@pytest.mark.parametrize("cities", [1, 4])
@pytest.mark.parametrize(
    "document",
    [
        "{ datasets { totalCount suggestions nodes { id } edges { cursor node { title } } } }",
        '{ things(filter: {text: "a"}, orderBy: RELEVANCE, first: 3) { t: totalCount } }',
        "{ datasetFacets { total a: keywords(first: 3) { value } keywords { count } themes { label } federation { complete } } }",
        '{ datasetFacets(filter: {text: "rad", tiers: [OPEN]}, require: ALL) { __typename } }',
        "{ series(datastreams: %s, %s) { series { times values %s } } }" % (IDS, DURING, DATASTREAM),
        '{ series(datastreams: %s, %s, every: "P1D", statistic: SUM, qualities: [RAW], require: ALL) { a: series { %s k: times }'
        " b: series { datastream { name } values __typename } federation { complete } } }" % (IDS, DURING, DATASTREAM),
        "{ series(datastreams: %s, %s) { federation { complete } } }" % (IDS, DURING),
        '{ aggregate(filter: {vehicleClasses: ["CAR"]}, %s, every: "PT15M", groupBy: [THING], compareWith: "P7D") { groups {'
        " city thing { name } buckets { a: quantile(at: 0.5) b: quantile(at: 0.9) previous { sum } } } } }" % DURING,
        '{ aggregate(filter: {}, %s, every: "PT15M", groupBy: [VEHICLE_CLASS], compareWith: "P7D") { groups { buckets {'
        " stddev missing coverage q: quantile(at: 0.5) previous { end avg quantile(at: 0.5) histogram { bins } } } }"
        " again: groups { city cities tooCoarse { id } buckets { quantile(at: 0.5) previous { quantileError } } } } }"
        % DURING,
        '{ aggregate(cities: ["fulda"], filter: {}, %s) { __typename g: groups { __typename } } }' % DURING,
        "{ aggregate(filter: {}, %s) { federation { complete } } }" % DURING,
    ],
)
async def test_an_owner_can_be_asked(document, cities):
    root = await tree(document)
    plan = plan_page(root) if root.type_name.endswith("Connection") else plan_result(root, cities, list)
    asked = plan.owner_field("fulda", None) if root.type_name.endswith("Connection") else plan.owner_field("fulda")
    question = print_document([asked])
    checked = SCHEMA.documents.check(question.text, from_peer=True)
    assert checked.errors == ()
    operation = checked.plan(None)
    values = operation.variables(question.variables)
    assert not isinstance(values, list), values
    check_cost([asked], CostLimits().for_peers())
    assert "giessen" not in str(question.variables)
