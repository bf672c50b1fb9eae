"""Aggregates against a plain implementation, on observations with gaps, overlaps, odd lengths and changing clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.store.limits import PageLimits
from node.store.reader import Reader
from node.store.sessions import Sessions
from node.store.statistics.buckets import EVERY
from node.store.statistics.comparison import back_of, earlier
from tests.integration.store.conftest import Store
from tests.integration.store.plain_statistics import Seen, Stream, differences, groups, moment
from tests.unit.node.store.statistics.brute_force import brute_force

STREAMS = [
    Stream("even-quarter", "a", vehicle_class="CAR", direction="ein", seconds=900),
    Stream("even-hour", "a", vehicle_class="CAR", direction="aus", seconds=3600),
    Stream("late-quarter", "b", vehicle_class="BICYCLE", direction="ein", seconds=900),
    Stream("uneven-quarter", "b", vehicle_class="BICYCLE", seconds=900),
    Stream("uneven-unknown", "c", vehicle_class="BICYCLE"),
    Stream("instants", "c", property="temperature", unit="Cel"),
    Stream("gliding", "c", property="ozone", unit="ug/m3", seconds=3600),
    Stream("other-unit", "c", property="ozone", unit="mg/m3", seconds=1800),
]
SEED = """
insert into dataset (key, title, title_sort, digest) values ('d', 'D', 'd', ''), ('secret', 'S', 's', '');
insert into sensor (key, name) values ('s', 'S');
create table observation_y2026 partition of observation for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00');
"""
START = {"autumn": datetime(2026, 10, 23, 20, tzinfo=UTC), "spring": datetime(2026, 3, 27, 20, tzinfo=UTC)}
MINUTE = timedelta(minutes=1)
FIELDS = (
    "start end count sum avg min max stddev median: quantile(at: 0.5) p85: quantile(at: 0.85) coverage expected missing"
    " squaredDeviations quantileError histogram { bins counts }"
)
FEW = "start end count sum avg"


@pytest.fixture
async def city(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SEED)
        for stream in STREAMS:
            connection.execute(
                "insert into thing (key, name) values (%s, 'X') on conflict do nothing",
                (stream.thing,),
            )
            connection.execute(
                "insert into observed_property (key, name, definition) values (%s, 'X', '') on conflict do nothing",
                (stream.property,),
            )
            connection.execute(
                "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name,"
                " observation_type, unit, vehicle_class, direction, interval_seconds)"
                " select %s, 1, t.id, 1, p.id, 'X', '', %s, %s, %s, %s from thing t, observed_property p"
                " where t.key = %s and p.key = %s",
                (
                    stream.key,
                    stream.unit,
                    stream.vehicle_class,
                    stream.direction,
                    stream.seconds,
                    stream.thing,
                    stream.property,
                ),
            )
        async with Sessions(database_url, size=1, statement_ms=20_000, name="test") as sessions:
            yield Store(Reader(sessions, "giessen", PageLimits())), connection


RESULTS = st.sampled_from([0.0, 1.0, 2.5, 17.0, 1e6, None, 5e-324, 1.7976931348623157e308, float("nan"), float("inf")])
QUALITIES = st.sampled_from(["RAW", "CHECKED", "ESTIMATED", "SUSPECT", "MISSING"])


def even(key: str, start: datetime, seconds: int, count: int):
    """As a counter sends them, with dropouts."""
    length = timedelta(seconds=seconds)
    return st.lists(st.none() | st.tuples(RESULTS, QUALITIES), min_size=count, max_size=count).map(
        lambda found: [
            Seen(key, start + n * length, start + (n + 1) * length, *one) for n, one in enumerate(found) if one
        ]
    )


def uneven(key: str, start: datetime, most: int):
    """Starts and lengths as they come; None is an instant."""
    lengths = st.sampled_from([None, 0, 5, 15, 20, 60, 90, 300, 1500])
    one = st.tuples(st.integers(0, 12 * 60), lengths, RESULTS, QUALITIES)

    def seen(found):
        begin = start + 5 * found[0] * MINUTE
        return Seen(key, begin, None if found[1] is None else begin + found[1] * MINUTE, *found[2:])

    return st.lists(one, max_size=most, unique_by=lambda found: found[0]).map(
        lambda found: [seen(one) for one in found]
    )


@st.composite
def worlds(draw):
    start = START[draw(st.sampled_from(sorted(START)))]
    seen = draw(even("even-quarter", start, 900, draw(st.integers(0, 150))))
    seen += draw(even("even-hour", start, 3600, draw(st.integers(0, 60))))
    seen += draw(even("late-quarter", start + 7 * MINUTE, 900, draw(st.integers(0, 60))))
    for key in draw(st.sets(st.sampled_from(["uneven-quarter", "uneven-unknown", "other-unit"]))):
        seen += draw(uneven(key, start, 40))
    seen += [Seen("instants", one.start, None, one.result, one.quality) for one in draw(uneven("instants", start, 20))]
    hours = [Seen("gliding", start + n * 15 * MINUTE, start + (n + 4) * 15 * MINUTE, float(n)) for n in range(100)]
    first, last = sorted(draw(st.tuples(st.integers(0, 100), st.integers(0, 100))))
    lost = draw(st.sets(st.integers(0, 100)))
    seen += [one for n, one in enumerate(hours[first:last]) if n not in lost]
    return start, seen


@st.composite
def questions(draw, start: datetime):
    begin = start + 5 * draw(st.integers(-100, 500)) * MINUTE
    end = begin + 5 * draw(st.integers(1, 700)) * MINUTE
    every = draw(st.sampled_from([None, "PT15M", "PT30M", "PT1H", "PT2H", "PT6H", "P1D", "P1W", "P1M"]))
    backs = {None: ["P1D"], "P1W": ["P1W"], "P1M": ["P1M"]}.get(every, ["P1D", "P2D", "P1M"])
    return {
        "during": {"start": begin.isoformat(), "end": end.isoformat()},
        "every": every,
        "zone": draw(st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"])),
        "back": draw(st.none() | st.sampled_from(backs)),
        "by": draw(st.lists(st.sampled_from(["THING", "DATASTREAM", "VEHICLE_CLASS", "DIRECTION"]), unique=True)),
        "filter": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "qualities": st.lists(QUALITIES, unique=True, min_size=2),
                    "vehicleClasses": st.just(["BICYCLE", "CAR"]),
                    "result": st.just({"min": 1.0, "max": 1000.0}),
                    "things": st.just(["giessen:thing:b", "giessen:thing:c", "fulda:thing:a"]),
                },
            )
        ),
    }


DOCUMENT = """query ($during: TimeInterval!, $every: Duration, $zone: String!, $back: Duration, $by: [GroupBy!]!, $filter: ObservationFilter!) {
  aggregate(filter: $filter, during: $during, every: $every, timeZone: $zone, groupBy: $by, compareWith: $back) {
    groups { city unit observedProperty { key } thing { id } datastream { id } vehicleClass direction datastreamCount
             tooCoarse { id } buckets { %s previous { %s } } few: buckets { %s previous { count } } } } }"""


def matching(stream: Stream, filter_: dict) -> bool:
    things, classes = filter_.get("things"), filter_.get("vehicleClasses")
    return (things is None or f"giessen:thing:{stream.thing}" in things) and (
        classes is None or stream.vehicle_class in classes
    )


def counts(one: Seen, filter_: dict) -> bool:
    if "result" in filter_ and (one.result is None or not 1 <= one.result <= 1000):
        return False
    return "qualities" not in filter_ or one.quality in filter_["qualities"]


def expected(question: dict, seen: list[Seen]) -> list[dict]:
    zone, every = ZoneInfo(question["zone"]), question["every"]
    start, end = (moment(question["during"][side]) for side in ("start", "end"))
    borders = brute_force(start, end, every, zone, 5 * MINUTE) if every else (start, end)
    before, numbers = None, None
    if question["back"]:
        length = EVERY[every] if every else None
        found = earlier(borders, length, zone, back_of(question["back"], length))
        before, numbers = found.borders, found.numbers
    streams = [stream for stream in STREAMS if matching(stream, question["filter"])]
    usable = [one for one in seen if counts(one, question["filter"])]
    return groups(streams, usable, every, question["by"], (borders, before, numbers))


def read(group: dict) -> dict:
    """An answered group in the form of the plain one."""

    def bucket(one: dict) -> dict:
        times = {side: moment(one[side]) for side in ("start", "end") if side in one}
        nested = {"previous": one["previous"] and bucket(one["previous"])} if "previous" in one else {}
        return one | times | nested

    assert [one["count"] for one in group["few"]] == [one["count"] for one in group["buckets"]]
    return {
        "members": group["datastreamCount"],
        "tooCoarse": [one["id"].split(":", 2)[2] for one in group["tooCoarse"]],
        "unit": group["unit"],
        "property": group["observedProperty"]["key"],
        "thing": group["thing"] and group["thing"]["id"].split(":", 2)[2],
        "datastream": group["datastream"] and group["datastream"]["id"].split(":", 2)[2],
        "vehicleClass": group["vehicleClass"],
        "direction": group["direction"],
        "buckets": [bucket(one) for one in group["buckets"]],
    }


def hold(connection: psycopg.Connection, seen: list[Seen]) -> None:
    connection.execute("truncate observation")
    with connection.cursor() as cursor:
        cursor.execute(
            "create temp table if not exists given (stream text, a timestamptz, b timestamptz, r float8, q text)"
        )
        cursor.execute("truncate given")
        with cursor.copy("copy given from stdin") as copy:
            for one in seen:
                copy.write_row((one.stream, one.start, one.end, one.result, one.quality))
        cursor.execute(
            "insert into observation select s.id, a, b, r, q::observation_quality from given join datastream s on s.key = stream"
        )


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(world=worlds(), data=st.data())
async def test_aggregates_are_those_of_the_plain_implementation(city, world, data):
    store, connection = city
    start, seen = world
    hold(connection, seen)
    for _ in range(3):
        question = data.draw(questions(start))
        answer, part = await store.part(DOCUMENT % (FIELDS, FIELDS, FEW), **question)
        wanted = expected(question, seen)
        found = [read(group) for group in answer["groups"]]
        assert differences(wanted, found) == []
        assert part.rows == sum(len(group["buckets"]) for group in found)
