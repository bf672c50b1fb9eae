"""What owners are asked is a valid document of the common schema, and within what a peer may ask."""

from __future__ import annotations

from itertools import product

import pytest

from federation.plan import plan_page
from federation.results import plan_result
from schema.cost import CostLimits, check_cost
from schema.document import print_document, variables_of
from schema.selection import Field
from tests.unit.schema.test_plans import roots
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


_SHAPED = {
    "quantiles": """query ($a: Float!, $b: Float!, $c: Float!) { aggregate(cities: ["fulda"], filter: {}, %s) {
        x: groups { a: buckets { quantile(at: $a) } b: buckets { quantile(at: $b) }
          c: buckets { sum quantile(at: $b) } d: buckets { sum quantile(at: $c) } }
        y: groups { buckets { quantile(at: $c) } } } }""",
    "nested": """query ($a: Int!, $b: Int!, $c: Int!) { aggregate(filter: {}, %s, groupBy: [VEHICLE_CLASS]) {
        groups { a: tooCoarse { observations(first: $a) { nodes { result } } }
          b: tooCoarse { observations(first: $b) { nodes { result } } } }
        more: groups { tooCoarse { observations(first: $c) { nodes { result } } } } } }""",
    "series": """query ($a: Int!, $b: Int!, $c: Int!) { series(datastreams: ["fulda:datastream:a"], %s) {
        series { a: datastream { observations(first: $a) { nodes { result } } }
          b: datastream { observations(first: $b) { nodes { result } } } }
        more: series { datastream { observations(first: $c) { nodes { result } } } } } }""",
    "facets": """query ($a: Int!, $b: Int!, $c: Int!) { datasetFacets {
        a: keywords(first: $a) { value } b: keywords(first: $b) { value } c: keywords(first: $c) { value } } }""",
    "rows": """query ($a: Int!, $b: Int!, $c: Int!) { datasets(first: $a) {
        edges { node { datastreams(first: $b) { nodes { id } } } }
        nodes { datastreams(first: $c) { nodes { id } } } more: nodes { datastreams(first: $b) { nodes { id } } } } }""",
}


@pytest.mark.parametrize("cities", [1, 2])
@pytest.mark.parametrize("name", _SHAPED)
def test_questions_of_one_shape_differ_in_values_only(name, cities):
    """What is printed or compiled for one must serve the other, whichever of the caller's values are equal."""
    document = _SHAPED[name].replace("%s", DURING)
    seen: dict[object, tuple[str, object]] = {}
    for numbers in product((1, 2, 3), repeat=3):
        variables = {
            one: number / 4 if "Float" in document else number for one, number in zip("abc", numbers, strict=True)
        }
        (root,) = roots(document, **variables)
        plan = plan_page(root) if root.type_name.endswith("Connection") else plan_result(root, cities, list)
        asked = plan.owner_field("fulda", None) if root.type_name.endswith("Connection") else plan.owner_field("fulda")
        question = print_document([asked])
        assert question.variables == variables_of(asked)
        assert asked.shape is not None
        form = question.text, skeleton(asked)
        assert seen.setdefault(asked.shape, form) == form


def skeleton(field: Field) -> object:
    """The tree without values."""
    return field.name, field.key, tuple(field.arguments), tuple(map(skeleton, field.children))
