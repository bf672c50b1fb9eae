"""One query to any node is answered from all cities, in one order, with a report."""

from __future__ import annotations

import re

import pytest

from tests.federation.cities import AUDITOR, NAMES

REPORT = "federation { complete cities { city state rows reason policyVersion asOf obligations } }"
CITIES = sorted(NAMES)


async def all_pages(town, document, token=None, **variables):
    nodes, after, more = [], None, True
    while more:
        answer = await town.ask(document, token, {**variables, "after": after})
        (page,) = answer.data.values()
        assert page["federation"]["complete"], page["federation"]
        nodes += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return nodes


@pytest.mark.parametrize("entry", CITIES)
async def test_an_anonymous_query_is_answered_from_all_cities(federation, entry):
    answer = await federation[entry].ask("{ datasets(first: 100) { nodes { id tier city } %s } }" % REPORT)
    page = answer.data["datasets"]
    assert page["federation"]["complete"] is True
    assert [row["city"] for row in page["federation"]["cities"]] == CITIES
    assert {row["state"] for row in page["federation"]["cities"]} == {"OK"}
    assert [row["rows"] for row in page["federation"]["cities"]] == [16] * 4
    assert all(row["policyVersion"] and row["asOf"] for row in page["federation"]["cities"])
    assert {node["tier"] for node in page["nodes"]} == {"OPEN"}
    assert len(page["nodes"]) == 64


async def test_any_entry_node_gives_the_same_rows_in_the_same_order(federation):
    document = "{ datasets(first: 100, orderBy: TITLE_DESC) { edges { cursor node { id title } } } }"
    answers = [(await federation[entry].ask(document)).data for entry in CITIES]
    assert all(answer == answers[0] for answer in answers)
    titles = [edge["node"]["title"] for edge in answers[0]["datasets"]["edges"]]
    assert titles == sorted(titles, reverse=True)
    assert titles[-1] == "Liste 01"


@pytest.mark.parametrize("first", [1, 7, 16, 63])
async def test_concatenated_pages_are_the_whole(federation, first):
    document = """query ($after: String, $first: Int!) {
        datasets(first: $first, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } federation { complete } } }"""
    whole = (await federation["fulda"].ask("{ datasets(first: 100) { nodes { id } } }")).data["datasets"]["nodes"]
    if first == 1:
        whole_page = (await federation["fulda"].ask(document, None, {"first": 1})).data["datasets"]
        assert whole_page["nodes"] == whole[:1]
        return
    assert await all_pages(federation["fulda"], document, first=first) == whole


async def test_a_cursor_from_one_node_is_good_at_another(federation):
    document = "query ($after: String) { datasets(first: 10, after: $after) { nodes { id } pageInfo { endCursor } } }"
    whole = (await federation["fulda"].ask("{ datasets(first: 20) { nodes { id } } }")).data["datasets"]["nodes"]
    first = (await federation["offenbach"].ask(document)).data["datasets"]
    second = (await federation["wetzlar"].ask(document, None, {"after": first["pageInfo"]["endCursor"]})).data[
        "datasets"
    ]
    assert first["nodes"] + second["nodes"] == whole


async def test_observations_of_all_cities_in_time_order(federation):
    document = """query ($after: String) { observations(filter: {vehicleClasses: ["BICYCLE"]}, first: 13, after: $after,
        during: {start: "2026-01-01T01:00:00Z", end: "2026-01-01T03:00:00Z"}) {
        nodes { phenomenonTime result datastream { id dataset { title } } }
        pageInfo { endCursor hasNextPage } federation { complete } } }"""
    nodes = await all_pages(federation["giessen"], document)
    assert len(nodes) == 4 * 8
    keys = [(node["phenomenonTime"], node["datastream"]["id"]) for node in nodes]
    assert keys == sorted(keys)
    assert {node["result"] for node in nodes} == {len(city) * 1000 + 1 for city in CITIES}


async def test_shapes_of_a_merged_answer_are_as_asked(federation):
    answer = await federation[
        "offenbach"
    ].ask("""{ t: __typename d: datasets(first: 2) { __typename
        e: edges { k: cursor __typename n: node { i: id } m: node { title } } a: nodes { id } b: nodes { __typename city }
        p: pageInfo { more: hasNextPage __typename startCursor } f: federation { __typename c: cities { s: state } } } }""")
    page = answer.data["d"]
    assert answer.data["t"] == "Query"
    assert list(page) == ["__typename", "e", "a", "b", "p", "f"]
    assert page["__typename"] == "DatasetConnection"
    assert page["e"][0]["__typename"] == "DatasetEdge"
    assert page["e"][0]["n"] == {"i": page["a"][0]["id"]}
    assert page["p"] == {"more": True, "__typename": "PageInfo", "startCursor": page["e"][0]["k"]}
    assert page["b"][0] == {"__typename": "Dataset", "city": "fulda"}
    assert page["f"]["c"] == [{"s": "OK"}] * 4


async def test_only_the_cities_that_are_named_are_asked(federation):
    answer = await federation["offenbach"].ask('{ datasets(cities: ["giessen", "fulda"], first: 5) { %s } }' % REPORT)
    assert [row["city"] for row in answer.data["datasets"]["federation"]["cities"]] == ["fulda", "giessen"]
    answer = await federation["offenbach"].ask(
        '{ datasets(cities: ["offenbach"], first: 99) { nodes { city } %s } }' % REPORT
    )
    assert {node["city"] for node in answer.data["datasets"]["nodes"]} == {"offenbach"}
    answer = await federation["offenbach"].ask('{ datasets(cities: ["atlantis"]) { nodes { id } } }')
    assert answer.code == "BAD_INPUT"
    assert "members are fulda, giessen" in answer.body["errors"][0]["extensions"]["hint"]


async def test_cities_that_can_not_have_a_match_are_skipped(federation):
    answer = await federation["offenbach"].ask(
        '{ datasets(filter: {ids: ["giessen:dataset:rad"]}) { nodes { id } %s } }' % REPORT
    )
    page = answer.data["datasets"]
    assert [node["id"] for node in page["nodes"]] == ["giessen:dataset:rad"]
    assert {row["city"]: row["state"] for row in page["federation"]["cities"]} == {
        "fulda": "SKIPPED",
        "giessen": "OK",
        "offenbach": "SKIPPED",
        "wetzlar": "SKIPPED",
    }
    assert page["federation"]["complete"] is True


async def test_single_objects_come_from_their_owner(federation):
    answer = await federation["fulda"].ask("""{
        dataset(id: "giessen:dataset:rad") { title datastreams { nodes { name observations(first: 1) { nodes { result } } } } }
        thing(id: "wetzlar:thing:bruecke") { name location { longitude } }
        datastream(id: "fulda:datastream:rad-ein") { name } }""")
    assert answer.data == {
        "dataset": {
            "title": "Radverkehr giessen",
            "datastreams": {"nodes": [{"name": "rad-ein", "observations": {"nodes": [{"result": 7001}]}}]},
        },
        "thing": {"name": "Brücke wetzlar", "location": {"longitude": 8.7}},
        "datastream": {"name": "rad-ein"},
    }


async def test_the_directory_names_all_members(federation):
    answer = await federation["wetzlar"].ask(
        "{ node { city { id } limits { peerMs } purposes { id } } cities { id name status } }"
    )
    assert answer.data["node"]["city"]["id"] == "wetzlar"
    assert answer.data["node"]["limits"]["peerMs"] == 1500
    assert {city["name"] for city in answer.data["cities"]} == set(NAMES.values())


async def test_an_id_of_a_city_that_is_no_member_is_told_as_that(federation):
    answer = await federation["wetzlar"].ask('{ dataset(id: "kassel:dataset:rad") { id } }')
    assert answer.code == "NOT_FOUND"
    assert "kassel is not a member" in answer.body["errors"][0]["extensions"]["hint"]


async def test_the_access_log_is_for_auditors(federation):
    town = federation["giessen"]
    await town.ask("{ datasets(first: 1) { nodes { id } } }")
    document = (
        '{ accessLog(first: 3, filter: {decisions: ["PERMIT"]}) { nodes { action decision datasets document rules } } }'
    )
    assert (await town.ask(document)).code == "FORBIDDEN"
    assert (await town.ask(document, await town.token())).code == "FORBIDDEN"
    nodes = (await town.ask(document, await town.token(AUDITOR, "operations"))).data["accessLog"]["nodes"]
    assert len(nodes) == 3
    assert "giessen:dataset:" in str(nodes)
    looked = (await town.ask(document, await town.token(AUDITOR, "operations"))).data["accessLog"]["nodes"][0]
    assert looked["action"] == "application:log:read", "looking at the log is itself recorded"


async def test_auditors_ask_the_api_in_the_words_of_the_command_line(federation):
    town = federation["giessen"]
    trace = (await town.ask("{ datasets(first: 1) { nodes { id } } }")).trace

    async def asked(document: str, **variables):
        return await town.ask(document, await town.token(AUDITOR, "operations"), variables)

    records = "query($text: String) { accessLog(matching: $text) { nodes { traceId decision } } }"
    found = await asked(records, text=f"trace:{trace} decision:permit")
    assert found.data["accessLog"]["nodes"] == [{"traceId": trace, "decision": "PERMIT"}]
    others = (await asked(records, text=f"trace:{trace} -decision:permit")).data["accessLog"]["nodes"]
    assert [one["decision"] for one in others] == ["NONE"] * 3, "the other cities decided for themselves"
    wrong = await asked(records, text="colour:red")
    assert (wrong.code, "colour: is not something to filter by" in str(wrong.body)) == ("BAD_INPUT", True)
    misspelt = await asked('{ accessLog(filter: {decisions: ["DENIED"]}) { nodes { id } } }')
    assert misspelt.body["errors"][0]["message"].startswith("filter.decisions: 'DENIED' is none; there are PERMIT")
    both = await asked('{ accessLog(matching: "role:owner", filter: {roles: ["OWNER"]}) { nodes { id } } }')
    assert both.code == "BAD_INPUT"

    totals = (
        "query($text: String!, $by: [AccessGroup!]!) { accessTotals(matching: $text, by: $by)"
        " { decision month city requests rows } }"
    )
    assert (await town.ask(totals, variables={"text": "", "by": []})).code == "FORBIDDEN"
    [all_] = (await asked(totals, text="role:owner", by=[])).data["accessTotals"]
    groups = (await asked(totals, text="role:owner", by=["DECISION", "MONTH"])).data["accessTotals"]
    assert all_["requests"] <= sum(group["requests"] for group in groups), "what is grouped later has grown meanwhile"
    assert {group["decision"] for group in groups} <= {"PERMIT", "DENY", "NONE"}
    assert all(re.fullmatch(r"\d{4}-\d\d", group["month"]) and group["city"] is None for group in groups)
    assert "at most 100 days" in str((await asked(totals, text="", by=["DAY"])).body)
    looked = await asked(records, text="action:application:log:read field:accessTotals")
    assert len(looked.data["accessLog"]["nodes"]) >= 2, "summing up is recorded, too"


async def test_developers_explore_the_schema(federation):
    from graphql import build_client_schema, get_introspection_query, print_schema

    answer = await federation["fulda"].ask(get_introspection_query())
    assert "type ObservationConnection" in print_schema(build_client_schema(answer.data))
