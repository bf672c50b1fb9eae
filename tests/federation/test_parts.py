"""Answers in parts: the first city's rows arrive while a slow one is awaited."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson
import pytest

from tests.federation.cities import NAMES

CITIES = sorted(NAMES)
DOCUMENT = """{ cities { id ... @defer(label: "rows") {
    datasets(first: 2) { nodes { id } federation { complete cities { city state } } } } } }"""
PARTS = {"Accept": "multipart/mixed, application/json", "Content-Type": "application/json"}
SOON_S = 20


async def parts_of(town, document: str, **headers: str):
    """The parts as they come."""
    body = orjson.dumps({"query": document})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{town.settings.issuer}/graphql", data=body, headers=PARTS | headers) as response,
    ):
        assert response.status == 200
        assert response.headers["Content-Type"] == 'multipart/mixed; boundary="-"'
        reader = aiohttp.MultipartReader.from_response(response)
        while (part := await reader.next()) is not None:
            assert part.headers["Content-Type"] == "application/json; charset=utf-8"
            yield orjson.loads(await part.read())


def put_together(parts) -> dict:
    """The whole, as a client has it in the end."""
    first, *rest = parts
    data, places = first["data"], {}
    for part in parts:
        places |= {one["id"]: one["path"] for one in part.get("pending", ())}
        for one in part.get("incremental", ()):
            place = data
            for step in [*places[one["id"]], *one.get("subPath", ())]:
                place = place[step]
            place |= one["data"]
        for one in part.get("completed", ()):
            del places[one["id"]]
    assert not places, "all that was announced has come"
    assert [part["hasNext"] for part in parts] == [*[True] * len(rest), False]
    return data


async def test_parts_make_the_whole(federation):
    home = federation["offenbach"]
    parts = [part async for part in parts_of(home, DOCUMENT)]
    whole = await home.ask(DOCUMENT)
    assert parts[0]["data"] == {"cities": [{"id": city} for city in CITIES]}
    assert [one["label"] for one in parts[0]["pending"]] == ["rows"] * 4
    assert {"traceId", "cost"} <= parts[0]["extensions"].keys()
    assert put_together(parts) == whole.data
    trace = parts[0]["extensions"]["traceId"]
    assert len(home.records(trace)) == 4, "one for each city's part"


async def test_a_slow_city_comes_last_and_holds_up_nobody(healthy):
    home = healthy["offenbach"]
    await home.ask(DOCUMENT)
    healthy["giessen"].freeze()
    arrived: list[str] = []
    states: dict[str, str] = {}
    places: dict[str, int] = {}
    async for part in parts_of(home, DOCUMENT):
        places |= {one["id"]: one["path"][-1] for one in part.get("pending", ())}
        for one in part.get("incremental", ()):
            city = CITIES[places[one["id"]]]
            arrived.append(city)
            states |= {row["city"]: row["state"] for row in one["data"]["datasets"]["federation"]["cities"]}
    assert sorted(arrived) == CITIES
    assert arrived[-1] == "giessen"
    assert states["giessen"] == "TIMEOUT"
    assert {states[city] for city in CITIES if city != "giessen"} == {"OK"}


async def test_what_was_there_came_before_the_slow_city_answered(healthy):
    """Not only in an earlier part: the part was sent."""
    home = healthy["offenbach"]
    await home.ask(DOCUMENT)
    with healthy["giessen"].locked("dataset"):
        parts = parts_of(home, DOCUMENT.replace("first: 2", "first: 3"))
        seen = 0
        async with asyncio.timeout(SOON_S):
            async for part in parts:
                seen += len(part.get("incremental", ()))
                if seen == 3:
                    break
        await parts.aclose()
    assert seen == 3


async def test_errors_have_their_place_and_codes(federation):
    document = """{ cities { id ... @defer { datasets(first: 2) { nodes { id } } }
        ... @defer { things(first: 2, after: "nonsense") { nodes { id } } } } }"""
    parts = [part async for part in parts_of(federation["fulda"], document)]
    told = [error for part in parts for one in part.get("incremental", ()) for error in one.get("errors", ())]
    assert {error["extensions"]["code"] for error in told} == {"BAD_INPUT"}
    assert sorted(error["path"] for error in told) == [["cities", index, "things"] for index in range(4)]
    assert all(city["things"] is None and city["datasets"]["nodes"] for city in put_together(parts)["cities"])


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/graphql-response+json",
        "multipart/mixed;deferSpec=20220824, application/json",
        "multipart/mixed;q=0, application/json",
    ],
)
async def test_who_does_not_want_parts_gets_the_whole(federation, accept):
    answer = await federation["fulda"].ask(DOCUMENT, None, None, Accept=accept)
    assert answer.headers["Content-Type"].startswith(("application/json", "application/graphql-response+json"))
    assert all(city["datasets"]["nodes"] for city in answer.data["cities"])


async def test_a_document_without_parts_is_one(federation):
    plain = "{ datasets(first: 1) { nodes { id } } }"
    answer = await federation["fulda"].ask(plain, None, None, Accept="multipart/mixed, application/json")
    assert answer.headers["Content-Type"].startswith("application/json")
    (only,) = [part async for part in parts_of(federation["fulda"], plain, Accept="multipart/mixed")]
    assert only["data"] == answer.data
    assert only["hasNext"] is False


async def test_what_is_wrong_with_the_request_is_told_as_ever(federation):
    answer = await federation["fulda"].ask("{ cities { ... @defer { nothing } } }", None, None, **PARTS)
    assert (answer.status, answer.code) == (200, "INVALID")
    stream = await federation["fulda"].ask("{ cities @stream { id } }", None, None, **PARTS)
    assert stream.code == "INVALID", "its items would wait for each other"
    refused = await federation["fulda"].ask("{ cities { id } }", None, None, Accept="text/html")
    assert refused.status == 406


async def test_deferring_below_a_list_changes_nothing(federation):
    document = "{ datasets(first: 3) { nodes { id ... @defer { title } } } }"
    answer = await federation["fulda"].ask(document)
    (only,) = [part async for part in parts_of(federation["fulda"], document)]
    assert only["data"] == answer.data
    assert all(node["title"] for node in answer.data["datasets"]["nodes"])
