"""Real files go into one node and are asked for through another; the numbers are counted from the files apart."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node.ingest.counts.importer import ingest_counts
from node.ingest.dcat.importer import ingest_dcat
from policy.model import Tier
from tests.assessed import set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

MAPPING = Path(__file__).parent.parent / "integration" / "ingest" / "muenster.toml"
BERLIN = ZoneInfo("Europe/Berlin")
STATION = "100034978"
MONTH = "2025-11"


@pytest.fixture(scope="module")
def pair(postgres_url, shared_data, tmp_path_factory):
    """Wetzlar holds the real data, Fulda asks. What is new is INTERNAL until a steward opens it."""
    formed = Federation(tmp_path_factory.mktemp("real"))
    for city in ("fulda", "wetzlar"):
        formed.add(city, postgres_url, TEMPLATE, seed=False)
    owner = formed["wetzlar"]
    ingest_dcat(owner.database_url, shared_data / "dcat-ap-de-catalog" / "rostock.rdf")
    ingest_counts(owner.database_url, shared_data / "muenster-cycle-counters", MAPPING)
    formed.sign()
    formed.start()
    yield formed
    formed.stop()


def open_all(town) -> None:
    for (key,) in town.sql("select key from dataset"):
        set_tier(town.database_url, key, Tier.OPEN)


async def pages(town, document, **variables):
    nodes, after, more = [], None, True
    while more:
        answer = await town.ask(document, None, {**variables, "after": after})
        (page,) = answer.data.values()
        assert page["federation"]["complete"], page["federation"]
        nodes += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return nodes


PAGE = "pageInfo { endCursor hasNextPage } federation { complete cities { city state reason } }"


async def test_new_data_is_nobodys_until_a_steward_gives_a_tier(pair):
    asked = pair["fulda"]
    document = "query ($after: String) { datasets(first: 100, after: $after) { nodes { id } %s } }" % PAGE
    assert await pages(asked, document) == []
    open_all(pair["wetzlar"])
    assert len(await pages(asked, document)) == 101


async def test_the_catalog(pair, shared_data):
    open_all(pair["wetzlar"])
    text = (shared_data / "dcat-ap-de-catalog" / "rostock.rdf").read_text(encoding="utf-8")
    document = (
        """query ($after: String) { datasets(first: 40, after: $after) {
        nodes { id title publisher { name } themes distributions { accessURL licence { code } } } %s } }"""
        % PAGE
    )
    seen = [
        node for node in await pages(pair["fulda"], document) if not node["id"].endswith(":radverkehr-zaehlstellen")
    ]
    distributions = [one for node in seen for one in node["distributions"]]
    assert len(seen) == len(re.findall(r'rdf:resource="http://www.w3.org/ns/dcat#Dataset"', text)) == 100
    assert len(distributions) == len(re.findall(r'rdf:resource="http://www.w3.org/ns/dcat#Distribution"', text)) == 773
    codes = [one["licence"]["code"] for one in distributions]
    assert {code: codes.count(code) for code in set(codes)} == {"cc-zero": 765, "odbl": 8}
    found = await pair["fulda"].ask('{ datasets(filter: {text: "Abfallbehälter"}, first: 50) { nodes { title } } }')
    assert "Abfallbehälter" in [node["title"] for node in found.data["datasets"]["nodes"]]


async def test_the_counts_of_a_month(pair, shared_data):
    open_all(pair["wetzlar"])
    expected: dict[str, dict[str, float | None]] = defaultdict(dict)
    with (shared_data / "muenster-cycle-counters" / STATION / f"{MONTH}.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        header, *lines = csv.reader(file)
    for index in (2, 3):
        channel = header[index].split(" ")[0]
        for line in lines:
            local = datetime.strptime(line[0], "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN)
            expected[f"wetzlar:datastream:rad-{channel}"][local.timestamp()] = (
                float(line[index]) if line[index] else None
            )
    document = """query ($after: String) {
        observations(filter: {things: ["wetzlar:thing:zaehlstelle-%s"]}, first: 2000, after: $after,
                     during: {start: "2025-11-01T00:00:00+01:00", end: "2025-12-01T00:00:00+01:00"}) {
            nodes { phenomenonTime phenomenonEnd result quality datastream { id } } %s } }""" % (STATION, PAGE)
    seen: dict[str, dict[str, float | None]] = defaultdict(dict)
    for node in await pages(pair["fulda"], document):
        start = datetime.fromisoformat(node["phenomenonTime"])
        assert (datetime.fromisoformat(node["phenomenonEnd"]) - start).total_seconds() == 900
        assert (node["result"] is None) == (node["quality"] == "MISSING")
        seen[node["datastream"]["id"]][start.timestamp()] = node["result"]
    assert seen == expected
    assert sum(len(values) for values in expected.values()) > 5000


async def test_things_stand_where_the_mapping_says(pair):
    open_all(pair["wetzlar"])
    answer = await pair["fulda"].ask(
        "{ things(filter: {bbox: {west: 7.6, south: 51.96, east: 7.62, north: 51.97}}) { nodes { name datastreams { nodes { unit interval: intervalSeconds vehicleClass } } } } }"
    )
    (thing,) = answer.data["things"]["nodes"]
    assert thing["name"] == "Neutor"
    assert thing["datastreams"]["nodes"][0] == {"unit": "1", "interval": 900, "vehicleClass": "BICYCLE"}
