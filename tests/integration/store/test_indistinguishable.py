"""Two worlds that differ in nothing but what is hidden answer every question alike: so no sequence of questions, with
whatever filters, groups, orders and pages, tells one from the other, and what they differ in can't be told.

This is the other half of tests/unit/policy/test_hiding.py, where every world that releases the same is tried: here what
is released is shown to be all that leaves, on every road.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import psycopg
import pytest

from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.sessions import Sessions
from policy.obligations import read_obligations
from schema.cursor import binding_of, decode
from tests.integration.store.test_obligations import COARSE, DURING, FINE, SEED, Asked, family, observe, world
from tests.obligations.model import Row, Stream, floor, released
from tests.unit.schema.test_selection import tree

COUNTS = ("all", "ein", "aus")
VIEWS = [{"offen": FINE, "fein": FINE}, {"offen": COARSE, "fein": FINE}, {"offen": COARSE, "fein": COARSE}]
DATASET = {"all": "offen", "luft": "offen", "ein": "fein", "aus": "fein"}
GRID_S = 3_600


def leaving(streams: dict[str, Stream], now: datetime) -> list[list[Row]]:
    """All that anybody is given, in every view."""
    return [
        released(streams[key], family(streams, key), read_obligations(view[DATASET[key]].split()), GRID_S, now)
        for view in VIEWS
        for key in COUNTS
    ]


def another(streams: dict[str, Stream], dice: random.Random) -> dict[str, Stream]:
    """A world with other counts, changed wherever that leaves unchanged what leaves. Steps of the grid stand alone."""
    now = datetime.now(UTC)
    starts = sorted({floor(row.start, GRID_S) for row in streams["ein"].rows})
    changed: dict[str, dict[datetime, Row]] = {key: {} for key in COUNTS}
    for start in starts:
        hour = {key: _within(stream, start) for key, stream in streams.items()}
        before = leaving(hour, now)
        for _ in range(6):
            candidate = _changed(hour, dice)
            if candidate != hour and leaving(candidate, now) == before:
                for key in COUNTS:
                    changed[key] |= {row.start: row for row in candidate[key].rows}
                break
    assert sum(map(len, changed.values())) > 60, "there is something to hide"
    return streams | {
        key: replace(streams[key], rows=tuple(changed[key].get(row.start, row) for row in streams[key].rows))
        for key in COUNTS
    }


def _within(stream: Stream, start: datetime) -> Stream:
    return replace(stream, rows=tuple(row for row in stream.rows if floor(row.start, GRID_S) == start))


def _changed(hour: dict[str, Stream], dice: random.Random) -> dict[str, Stream]:
    """A quarter of an hour split otherwise, or counted anew."""
    rows = {key: {row.start: row for row in hour[key].rows if row.result is not None} for key in COUNTS}
    both = sorted(rows["ein"].keys() & rows["aus"].keys() & rows["all"].keys())
    if not both:
        return hour
    start = dice.choice(both)
    total = int(rows["all"][start].result) if dice.random() < 0.7 else dice.randint(0, 8)
    one = dice.randint(0, total)
    told = {"ein": one, "aus": total - one, "all": total}
    return hour | {
        key: replace(
            hour[key],
            rows=tuple(row._replace(result=float(told[key])) if row.start == start else row for row in hour[key].rows),
        )
        for key in COUNTS
    }


def write(url: str, streams: dict[str, Stream]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("delete from observation")
        connection.execute("delete from latest_observation")
        observe(connection, streams)


CHOICES = {
    "datastreams": ['["giessen:datastream:ein"]', '["giessen:datastream:all", "giessen:datastream:aus"]'],
    "datasets": ['["giessen:dataset:fein"]'],
    "things": ['["giessen:thing:s1"]'],
    "vehicleClasses": ['["BICYCLE"]'],
    "directions": ['["stadteinwärts"]'],
    "qualities": ["[RAW]", "[RAW, MISSING]", "[MISSING]"],
    "result": ["{min: 1, max: 4}", "{max: 0}", "{min: 5}", "{min: 2, max: 30}"],
    "bbox": ["{west: 8, south: 50, east: 9, north: 51}"],
}
STATISTICS = "start count sum avg min max stddev squaredDeviations missing coverage quantile(at: 0.5) expected previous { count sum }"


def questions(dice: random.Random) -> list[str]:
    """On every road, with filters by chance."""

    def filtered() -> str:
        names = dice.sample(sorted(CHOICES), dice.randint(0, 3))
        return "{" + ", ".join(f"{name}: {dice.choice(CHOICES[name])}" for name in names) + "}"

    asked = [
        f"{{ observations(filter: {filtered()}, {DURING}, first: {first}, orderBy: {order})"
        " { nodes { phenomenonTime phenomenonEnd result quality datastream { id } } pageInfo { hasNextPage } } }"
        for first, order, _ in product((1, 7, 500), ("TIME_ASC", "TIME_DESC"), range(2))
    ]
    asked += [
        f'{{ aggregate(filter: {filtered()}, {DURING}{every}, groupBy: [{group}]{more}, timeZone: "{zone}")'
        f" {{ groups {{ datastreamCount tooCoarse {{ id }} buckets {{ {STATISTICS} }} }} }} }}"
        for every, group, more, zone in (
            (
                dice.choice(("", ', every: "PT15M"', ', every: "PT1H"', ', every: "PT6H"', ', every: "P1D"')),
                dice.choice(("", "THING", "DATASTREAM", "VEHICLE_CLASS", "DIRECTION", "CITY")),
                dice.choice(("", "", ', compareWith: "P1D"')),
                dice.choice(("UTC", "Europe/Berlin", "Asia/Kathmandu")),
            )
            for _ in range(24)
        )
    ]
    ids = [f'"giessen:datastream:{key}"' for key in COUNTS]
    asked += [
        f"{{ series(datastreams: [{', '.join(dice.sample(ids, dice.randint(1, 3)))}], {DURING}{every}{statistic})"
        " { series { times values } } }"
        for every in ("", ', every: "PT15M"', ', every: "PT1H"', ', every: "PT6H"')
        for statistic in ("", *(f", statistic: {name}" for name in ("COUNT", "SUM", "MIN", "MAX", "MEDIAN") if every))
    ]
    asked += [
        f"{{ datastreams(orderBy: {order}{more}) {{ totalCount nodes {{ id phenomenonStart phenomenonEnd"
        " latest { phenomenonTime result quality } observations(first: 9, orderBy: TIME_DESC) { nodes { result } } } } }"
        for order in ("NAME_ASC", "PHENOMENON_END_DESC")
        for more in ("", ', filter: {text: "Gesamt"}', ', filter: {directions: ["stadteinwärts"]}')
    ]
    return [
        *asked,
        "{ things { totalCount nodes { id datastreams { totalCount nodes { latest { result } } } } } }",
        "{ datasets { totalCount nodes { id datastreams { nodes { phenomenonEnd latest { result } } } } } }",
        "{ datasetFacets { total tiers { value count } formats { value count } keywords { value count } } }",
    ]


async def answers(asked: Asked, documents: list[str]) -> list[object]:
    found = []
    for document in documents:
        field = await tree(document)
        if not field.type_name.endswith("Connection"):
            found.append((await asked.reader.parts(field, asked.scope)).members)
            continue
        binding, after, pages = binding_of(field.name, field.arguments), None, []
        for _ in range(6):
            page = await asked.reader.page(field, asked.scope, after)
            pages.append((dict(page.columns), page.rows, page.has_next, page.end_cursor))
            if not page.has_next or page.end_cursor is None:
                break
            after = decode(page.end_cursor, binding).start_for("giessen")
        found.append(pages)
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_sequence_of_questions_tells_what_is_hidden(database_url, seed):
    dice = random.Random(seed)
    first = world(seed)
    second = another(first, dice)
    documents = questions(dice)
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    write(database_url, first)
    async with Sessions(database_url, size=2, statement_ms=20_000, name="test", on_open=[ENTER]) as sessions:
        reader = Reader(sessions, "giessen", PageLimits())
        views = [Asked(reader, GRID_S, **view) for view in VIEWS]
        whole = Asked(reader, GRID_S, offen="", fein="")
        before, bare = [await answers(view, documents) for view in views], await answers(whole, documents)
        write(database_url, second)
        for number, view in enumerate(views):
            for document, one, other in zip(documents, before[number], await answers(view, documents), strict=True):
                assert one == other, (VIEWS[number], document)
        differing = sum(one != other for one, other in zip(bare, await answers(whole, documents), strict=True))
    assert differing > len(documents) / 3, "without obligations the same questions do tell them apart"


def test_the_worlds_differ_and_release_the_same():
    """What keeps the test above honest."""
    first = world(1)
    second = another(first, random.Random(1))
    now = datetime.now(UTC)
    assert leaving(first, now) == leaving(second, now)
    for key in COUNTS:
        pairs = list(zip(first[key].rows, second[key].rows, strict=True))
        assert sum(one != other for one, other in pairs) > (10 if key != "all" else 0)
        assert all(one.start == other.start for one, other in pairs)
