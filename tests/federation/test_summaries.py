"""Cities that can't have a match are not asked, and what they add is found soon."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from federation.summary import LIFETIME, PATH
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

OTHERS = ("fulda", "giessen")
REPORT = "federation { complete cities { city state reason rows } }"
THEMED = "{ datasets(filter: {themes: [%s]}%s) { totalCount nodes { id } " + REPORT + " } }"
SOON_S = 30


def rows_of(answer, field: str = "datasets") -> dict[str, dict]:
    return {row["city"]: row for row in answer.data[field]["federation"]["cities"]}


async def until(condition) -> None:
    async with asyncio.timeout(SOON_S):
        while not await condition():  # noqa: ASYNC110 - asked as a caller would
            await asyncio.sleep(0.2)


async def states(town, document: str, field: str = "datasets") -> dict[str, str]:
    return {city: row["state"] for city, row in rows_of(await town.ask(document), field).items()}


@pytest.fixture(scope="module")
async def summarised(postgres_url, tmp_path_factory):
    """Three cities that fetch each other's summaries every second; Offenbach has all of them."""
    formed = Federation(tmp_path_factory.mktemp("summaries"))
    for city in (*OTHERS, "offenbach"):
        formed.add(city, postgres_url, TEMPLATE, summaries_every_s=1)
    formed.sign()
    formed.start()

    async def skips_both() -> bool:
        found = await states(formed["offenbach"], THEMED % ('"NONE"', ""))
        return found == {"fulda": "SKIPPED", "giessen": "SKIPPED", "offenbach": "OK"}

    await until(skips_both)
    yield formed
    formed.stop()


async def test_who_has_nothing_under_a_theme_is_not_asked(summarised):
    answer = await summarised["offenbach"].ask(THEMED % ('"ENER"', ", require: ALL"))
    assert answer.data["datasets"]["federation"]["complete"] is True
    assert answer.data["datasets"]["totalCount"] == 0
    rows = rows_of(answer)
    assert {city: (rows[city]["state"], rows[city]["reason"]) for city in OTHERS} == dict.fromkeys(
        OTHERS, ("SKIPPED", "it has nothing under ENER")
    )
    assert rows["offenbach"]["state"] == "OK"
    assert all(summarised[city].records(answer.trace) == [] for city in OTHERS)


async def test_who_may_have_something_is_asked(summarised):
    answer = await summarised["offenbach"].ask(THEMED % ('"TRAN", "ENER"', ", first: 100"))
    assert {row["state"] for row in rows_of(answer).values()} == {"OK"}
    assert all(rows_of(answer)[city]["rows"] for city in OTHERS)
    assert all(summarised[city].records(answer.trace) for city in OTHERS)


async def test_series_and_aggregates_skip_as_well(summarised):
    document = '{ aggregate(filter: {observedProperties: ["ozone"]}, during: {start: "2026-01-01T00:00:00Z",'
    document += ' end: "2026-01-02T00:00:00Z"}) { groups { unit } %s } }' % REPORT
    assert await states(summarised["offenbach"], document, "aggregate") == {
        "fulda": "SKIPPED",
        "giessen": "SKIPPED",
        "offenbach": "OK",
    }


async def test_the_summary_is_for_nodes_of_the_federation(summarised):
    town = summarised["giessen"]
    assert (await town.get(PATH)).status == 401
    token, url = await town.token(), f"{town.settings.issuer}{PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=token.headers("GET", url)) as response,
    ):
        assert response.status == 401


async def test_what_a_city_adds_is_found_soon_unless_it_never_leaves(summarised):
    home, owner = summarised["offenbach"], summarised["giessen"]
    document = THEMED % ('"AGRI"', "")
    assert (await states(home, document))["giessen"] == "SKIPPED"
    for key, tier, theme in (("akte", "INTERNAL", "JUST"), ("felder", "OPEN", "AGRI")):
        owner.sql(
            "insert into dataset (key, title, title_sort, tier, digest, themes) values (%s, 'X', 'x', %s, '', %s)",
            (key, tier, [theme]),
        )

    async def is_found() -> bool:
        nodes = (await home.ask(document)).data["datasets"]["nodes"]
        return nodes == [{"id": "giessen:dataset:felder"}]

    await until(is_found)
    assert (await states(home, document))["fulda"] == "SKIPPED"
    assert (await states(home, THEMED % ('"JUST"', "")))["giessen"] == "SKIPPED", "not summed up"


async def test_the_report_says_as_of_when_a_city_is_known_to_have_nothing(summarised):
    document = '{ datasets(filter: {themes: ["ENER"]}) { federation { cities { city state asOf } } } }'
    for city in rows_of(await summarised["offenbach"].ask(document)).values():
        age = datetime.now(UTC) - datetime.fromisoformat(city["asOf"])
        assert timedelta(seconds=-2) < age < LIFETIME


async def test_each_citys_own_subtree_tells_it_too(summarised):
    document = '{ cities { id datasets(filter: {themes: ["ENER"]}) { nodes { id } federation { cities { state } } } } }'
    found = (await summarised["offenbach"].ask(document)).data["cities"]
    told = {city["id"]: city["datasets"]["federation"]["cities"][0]["state"] for city in found}
    assert told == {"fulda": "SKIPPED", "giessen": "SKIPPED", "offenbach": "OK"}


async def test_facets_count_without_their_own_filter(summarised):
    """A city without a match may still have other themes and tiers to choose from."""
    document = "{ datasetFacets(filter: {%s}%s) { %s { value count } " + REPORT + " } }"
    for facet, narrowed in (("themes", 'themes: ["ENER"]'), ("tiers", "tiers: [SHARED]")):
        merged = await summarised["offenbach"].ask(document % (narrowed, "", facet))
        alone = Counter[str]()
        for city in (*OTHERS, "offenbach"):
            answer = await summarised[city].ask(document % (narrowed, f", cities: [{city!r}]".replace("'", '"'), facet))
            alone.update({one["value"]: one["count"] for one in answer.data["datasetFacets"][facet]})
        assert alone
        assert {one["value"]: one["count"] for one in merged.data["datasetFacets"][facet]} == alone
