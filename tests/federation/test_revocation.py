"""A revocation holds from the next row on: whatever was cached, prepared, begun or paged before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import aiohttp
import orjson
import pytest

from policy.model import Tier
from tests.assessed import revoke, set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation
from tests.federation.test_parts import PARTS

DURING = 'during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}'
OF_KFZ = 'filter: {datasets: ["wetzlar:dataset:kfz"]}'
ROWS = f"{{ observations({OF_KFZ}, first: 5, {DURING}) {{ nodes {{ result }} }} }}"
NUMBERS = count(1)
Values = Callable[[dict], object]
ROADS: dict[str, tuple[str, Values]] = {
    "rows": (ROWS, lambda data: data["observations"]["nodes"]),
    "the dataset": (
        '{ datasets(filter: {ids: ["wetzlar:dataset:kfz"]}) { nodes { id } totalCount } }',
        lambda data: data["datasets"]["nodes"] or data["datasets"]["totalCount"],
    ),
    "datastreams with the latest value": (
        f"{{ datastreams({OF_KFZ}) {{ nodes {{ latest {{ result }} }} }} }}",
        lambda data: data["datastreams"]["nodes"],
    ),
    "series": (
        f'{{ series(datastreams: ["wetzlar:datastream:kfz-ein"], {DURING}) {{ series {{ values }} }} }}',
        lambda data: data["series"]["series"],
    ),
    "aggregates": (
        f"{{ aggregate({OF_KFZ}, {DURING}) {{ groups {{ buckets {{ count }} }} }} }}",
        lambda data: [one for group in data["aggregate"]["groups"] for one in group["buckets"] if one["count"]],
    ),
    "facets": (
        '{ datasetFacets(filter: {tiers: [SHARED], ids: ["wetzlar:dataset:kfz"]}) { total } }',
        lambda data: data["datasetFacets"]["total"],
    ),
    "explanations": (
        "{ explain(document: %s) { fields { datasets { datasets } } } }"
        % orjson.dumps("{ datastreams { nodes { id } } }").decode(),
        lambda data: "wetzlar:dataset:kfz" in str(data),
    ),
}


@pytest.fixture(scope="module")
def pair(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("revoking"))
    for city in ("fulda", "wetzlar"):
        formed.add(city, postgres_url, TEMPLATE)
    formed.sign()
    formed.start()
    yield formed
    formed.stop()


@pytest.fixture
def agreed(pair):
    """An agreement of its own for each test; returns how to revoke it."""
    id_ = f"a-{next(NUMBERS)}"
    pair.agree("wetzlar", "fulda", id_=id_)
    yield lambda: revoke(pair["wetzlar"].database_url, id_)
    pair["wetzlar"].sql("delete from agreement where id = %s", (id_,))


@pytest.mark.parametrize("road", ROADS)
async def test_on_every_road_with_everything_warm(pair, agreed, road):
    """Tokens of both hops, decisions, statements and the connection are those of the question before."""
    home, (document, values) = pair["fulda"], ROADS[road]
    token = await home.token()
    for _ in range(3):
        assert values((await home.ask(document, token)).data)
    agreed()
    assert not values((await home.ask(document, token)).data)


async def test_pages_go_on_with_nothing(pair, agreed):
    home, token = pair["fulda"], await pair["fulda"].token()
    document = (
        f"query ($after: String) {{ observations({OF_KFZ}, first: 5, after: $after, {DURING})"
        " { nodes { result } pageInfo { endCursor hasNextPage } } }"
    )
    first = (await home.ask(document, token)).data["observations"]
    assert len(first["nodes"]) == 5
    assert first["pageInfo"]["hasNextPage"]
    agreed()
    after = {"after": first["pageInfo"]["endCursor"]}
    second = (await home.ask(document, token, after)).data["observations"]
    assert second["nodes"] == []
    assert not second["pageInfo"]["hasNextPage"]


async def somebody_waits(owner) -> None:
    lock = "select 1 from pg_locks where not granted and relation = 'observation'::regclass"
    while not owner.sql(lock):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.05)


async def test_a_statement_that_waits_reads_under_what_holds_when_it_reads(pair, agreed):
    """The ruling was made before, and the read begun: its rows are thrown away, and read anew."""
    home, owner, token = pair["fulda"], pair["wetzlar"], await pair["fulda"].token()
    assert (await home.ask(ROWS, token)).data["observations"]["nodes"]
    with owner.locked("observation"):
        waiting = asyncio.create_task(home.ask(ROWS, token))
        async with asyncio.timeout(20):
            await somebody_waits(owner)
        agreed()
    assert (await waiting).data["observations"]["nodes"] == []


async def test_a_part_that_comes_later_has_nothing(pair, agreed):
    home, owner, token = pair["fulda"], pair["wetzlar"], await pair["fulda"].token()
    document = (
        f"{{ cities {{ id ... @defer {{ observations({OF_KFZ}, first: 5, {DURING}) {{ nodes {{ result }} }} }} }} }}"
    )
    whole = (await home.ask(document, token)).data["cities"]
    assert {city["id"]: bool(city["observations"]["nodes"]) for city in whole} == {"fulda": False, "wetzlar": True}
    body = orjson.dumps({"query": document})
    later = []
    async with aiohttp.ClientSession() as session:
        with owner.locked("observation"):
            headers = PARTS | token.headers("POST", home.settings.graphql_url, body)
            response = await session.post(home.settings.graphql_url, data=body, headers=headers)
            reader = aiohttp.MultipartReader.from_response(response)
            first = orjson.loads(await (await reader.next()).read())
            assert first["hasNext"], "it is under way"
            async with asyncio.timeout(20):
                await somebody_waits(owner)
            agreed()
        while (part := await reader.next()) is not None:
            later += orjson.loads(await part.read()).get("incremental", ())
    told = [one["data"]["observations"]["nodes"] for one in later if "observations" in one["data"]]
    assert told, "the part has come"
    assert not any(told)


async def test_a_tier_that_is_taken_back_is_gone_for_everybody_at_once(pair):
    owner = pair["wetzlar"]
    set_tier(owner.database_url, "rad", Tier.OPEN)
    document = '{ dataset(id: "wetzlar:dataset:rad") { id } }'
    assert (await pair["fulda"].ask(document)).data["dataset"]
    set_tier(owner.database_url, "rad", Tier.INTERNAL)
    assert (await pair["fulda"].ask(document)).code == "NOT_FOUND"
    assert (await owner.ask(document)).code == "NOT_FOUND"
    set_tier(owner.database_url, "rad", Tier.OPEN)
