"""Under obligations every road answers from the released rows alone: those of the plain model in tests/obligations."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest

from federation.summary import absence
from node.store.limits import PageLimits
from node.store.parameters import Scope
from node.store.pool import make_pool
from node.store.reader import Reader
from node.store.reading_role import ENTER
from node.store.row_grant import Series, row_grant
from node.store.sessions import Sessions
from node.store.summary import read_summary
from policy.obligations import NONE, UNLIMITED, Obligations, read_obligations
from schema.cursor import binding_of, decode
from tests.assessed import TIERS_AS_TOLD
from tests.obligations.model import Row, Stream, floor, released
from tests.unit.schema.test_selection import tree
from tests.work import rows_read, until_alone

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
QUARTER = timedelta(minutes=15)
DURING = 'during: {start: "2026-03-01T00:00:00Z", end: "2026-03-03T00:00:00Z"}'
SEED = f"""{TIERS_AS_TOLD}
insert into dataset (key, title, title_sort, tier, digest, contact_id) values
 ('offen', 'Offen', 'offen', 'OPEN', '', null), ('fein', 'Fein', 'fein', 'SHARED', '', null);
insert into licence (key, uri, title) values ('dl-by-de-2-0', 'http://dcat-ap.de/def/licenses/dl-by-de/2.0', 'DL DE BY');
insert into distribution (dataset_id, position, title, access_url, format, licence_id) values
 (1, 0, 'CSV', 'https://x.example/a.csv', 'CSV', 1);
insert into thing (key, name, longitude, latitude, place, description) values
 ('s1', 'Brücke', 8.65123, 50.55321, 'Lahnbrücke', 'am Ufer'), ('s2', 'Ring', 8.8, 50.6, 'Ring', '');
insert into sensor (key, name) values ('schleife', 'Induktionsschleife');
insert into observed_property (key, name, definition) values
 ('traffic-count', 'Anzahl', 'https://x.example/count'), ('pm10', 'Feinstaub', 'https://x.example/pm10');
insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit,
                        vehicle_class, direction, interval_seconds) values
 ('all', 1, 1, 1, 1, 'Gesamt', '{COUNT}', '1', 'BICYCLE', null, 900),
 ('ein', 2, 1, 1, 1, 'Ein', '{COUNT}', '1', 'BICYCLE', 'stadteinwärts', 900),
 ('aus', 2, 1, 1, 1, 'Aus', '{COUNT}', '1', 'BICYCLE', 'stadtauswärts', 900),
 ('luft', 1, 2, 1, 2, 'Luft', '{MEASUREMENT}', 'ug/m3', null, null, null);
create table observation_y2026 partition of observation for values from ('2026-01-01Z') to ('2027-01-01Z');
"""
IDS = {"all": 1, "ein": 2, "aus": 3, "luft": 4}
SERIES = (Series(1, 1, 1), Series(2, 2, 1), Series(3, 2, 1), Series(4, 1, 2))
KEYS = {1: "offen", 2: "fein"}
FINE, COARSE = "minimum-count=5", "minimum-count=5 time=PT1H"


def world(seed: int) -> dict[str, Stream]:
    """Two days of a station with gaps, and of an air sensor with instants."""
    dice = random.Random(seed)
    rows: dict[str, list[Row]] = {key: [] for key in IDS}
    for number in range(192):
        start = BEGIN + number * QUARTER
        busy = dice.choice((0, 2, 6, 40))
        one, other = dice.randint(0, busy), dice.randint(0, busy)
        for key, result in (("ein", one), ("aus", other), ("all", one + other)):
            if dice.random() < 0.95:
                missing = dice.random() < 0.05
                rows[key].append(
                    Row(start, start + QUARTER, None if missing else result, "MISSING" if missing else "RAW")
                )
        rows["luft"].append(Row(start + timedelta(minutes=dice.randint(0, 14)), None, float(dice.randint(1, 30))))
    return {
        "all": Stream("all", tuple(rows["all"]), None, "BICYCLE"),
        "ein": Stream("ein", tuple(rows["ein"]), "stadteinwärts", "BICYCLE"),
        "aus": Stream("aus", tuple(rows["aus"]), "stadtauswärts", "BICYCLE"),
        "luft": Stream("luft", tuple(rows["luft"]), interval=None, is_count=False),
    }


def family(streams: dict[str, Stream], key: str) -> list[Stream]:
    return [streams["luft"]] if key == "luft" else [streams[one] for one in ("all", "ein", "aus")]


@pytest.fixture(scope="module")
def streams() -> dict[str, Stream]:
    return world(7)


def observe(connection: psycopg.Connection, streams: dict[str, Stream]) -> None:
    """Put the rows of these datastreams into an empty table, with the newest of each."""
    with connection.cursor().copy(
        "copy observation (datastream_id, phenomenon_time, phenomenon_end, result, quality) from stdin"
    ) as copy:
        for key, stream in streams.items():
            for row in stream.rows:
                copy.write_row((IDS[key], row.start, row.end, row.result, row.quality))
    connection.execute(
        "insert into latest_observation select distinct on (datastream_id) * from observation"
        " order by datastream_id, phenomenon_time desc"
    )


@pytest.fixture
def seeded(database_url, streams):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
        observe(connection, streams)
        connection.execute(
            "update datastream s set phenomenon_end = (select max(phenomenon_time) from observation where datastream_id = s.id)"
        )
    return database_url


class Asked:
    """Asks the reader under obligations by dataset."""

    def __init__(self, reader: Reader, grid: int = 3600, **obligations: str) -> None:
        by_key = {key: read_obligations(text.split()) for key, text in obligations.items()}
        obliged = {id_: by_key[key] for id_, key in KEYS.items() if by_key.get(key, NONE) != NONE}
        rows = row_grant(KEYS, KEYS, SERIES, obliged, dict.fromkeys(KEYS, grid))
        most = min((terms.rows for terms in obliged.values()), default=UNLIMITED)
        self.scope = Scope(tuple(KEYS), tuple(KEYS), rows, KEYS, most)
        self.reader = reader

    async def rows(self, document: str, name: str = "nodes"):
        field = await tree(document)
        after = field.arguments.get("after")
        start = decode(after, binding_of(field.name, field.arguments)).start_for("giessen") if after else None
        page = await self.reader.page(field, self.scope, start)
        return orjson.loads(page.columns[name])

    async def part(self, document: str):
        part = await self.reader.parts(await tree(document), self.scope)
        return {key: orjson.loads(json) for key, json in part.members.items()}


@pytest.fixture
async def reader(seeded):
    async with Sessions(seeded, size=2, statement_ms=20_000, name="test", on_open=[ENTER]) as sessions:
        yield Reader(sessions, "giessen", PageLimits())


def expected(streams, key: str, terms: Obligations, grid: int = 3600) -> list[Row]:
    return released(streams[key], family(streams, key), terms, grid, datetime.now(UTC))


def shown(rows) -> list[tuple]:
    return [(datetime.fromisoformat(row["phenomenonTime"]), row["result"], row["quality"]) for row in rows]


CASES = [
    {"offen": FINE, "fein": FINE},
    {"offen": COARSE, "fein": FINE},
    {"offen": COARSE, "fein": COARSE},
    {"offen": "time=PT1H", "fein": "round=5"},
    {"offen": "minimum-count=3 time=PT30M round=3", "fein": "minimum-count=3 time=PT15M"},
    {"offen": "minimum-count=4 time=PT6H", "fein": "minimum-count=8 time=PT30M"},
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_rows_series_latest_and_counts_are_those_of_the_model(reader, streams, case):
    grid = 21_600 if "PT6H" in case["offen"] else 3600
    asked = Asked(reader, grid, **case)
    for key in IDS:
        dataset = "offen" if key in ("all", "luft") else "fein"
        rows = expected(streams, key, read_obligations(case[dataset].split()), grid)
        id_ = f"giessen:datastream:{key}"
        found = await asked.rows(
            f'{{ observations(filter: {{datastreams: ["{id_}"]}}, {DURING}, first: 1000) {{ nodes {{ phenomenonTime result quality }} }} }}'
        )
        assert shown(found) == [(row.start, row.result, row.quality) for row in rows]
        found = await asked.rows(
            f'{{ observations(filter: {{datastreams: ["{id_}"]}}, {DURING}, first: 7, orderBy: TIME_DESC) {{ nodes {{ phenomenonTime result quality }} }} }}'
        )
        assert shown(found) == [(row.start, row.result, row.quality) for row in rows[::-1][:7]]
        (series,) = (
            await asked.part(f'{{ series(datastreams: ["{id_}"], {DURING}) {{ series {{ times values }} }} }}')
        )["series"]
        assert [datetime.fromisoformat(time) for time in series["times"]] == [row.start for row in rows]
        assert series["values"] == [row.result for row in rows]
        (stream,) = await asked.rows(
            f'{{ datastreams(filter: {{ids: ["{id_}"]}}) {{ nodes {{ latest {{ phenomenonTime result }} }} }} }}'
        )
        latest = stream["latest"]
        assert (latest and (datetime.fromisoformat(latest["phenomenonTime"]), latest["result"])) == (
            (rows[-1].start, rows[-1].result) if rows else None
        )
        nested = await asked.rows(
            f'{{ datastreams(filter: {{ids: ["{id_}"]}}) {{ nodes {{ observations(first: 500, orderBy: TIME_ASC) {{ nodes {{ result }} }} }} }} }}'
        )
        assert [row["result"] for row in nested[0]["observations"]["nodes"]] == [row.result for row in rows]


@pytest.mark.parametrize("every", ["PT1H", "P1D"])
@pytest.mark.parametrize("group", ["DATASTREAM", "THING"])
async def test_aggregates_are_sums_of_released_rows(reader, streams, every, group):
    asked = Asked(reader, offen=COARSE, fein=COARSE)
    answer = await asked.part(
        f'{{ aggregate(filter: {{observedProperties: ["traffic-count"]}}, {DURING},'
        f' every: "{every}", groupBy: [{group}], timeZone: "UTC")'
        " { groups { datastream { id } buckets { start sum count min } } } }"
    )
    rows = {key: expected(streams, key, read_obligations(COARSE.split())) for key in ("all", "ein", "aus")}
    assert len(answer["groups"]) == (3 if group == "DATASTREAM" else 1)
    for found in answer["groups"]:
        keys = [found["datastream"]["id"].split(":")[2]] if group == "DATASTREAM" else ["all", "ein", "aus"]
        results = [row for key in keys for row in rows[key] if row.result is not None]
        for bucket in found["buckets"]:
            start = datetime.fromisoformat(bucket["start"])
            end = start + (timedelta(hours=1) if every == "PT1H" else timedelta(days=1))
            within = [row.result for row in results if start <= row.start < end]
            assert bucket["count"] == len(within)
            assert bucket["sum"] == (sum(within) if within else None)
            assert bucket["min"] == min(within, default=None)


@pytest.mark.parametrize(
    "nested", ["", f"{DURING}, ", 'during: {start: "2026-03-01T10:00:00Z", end: "2026-03-01T20:00:00Z"}, ']
)
async def test_observations_within_others_are_those_of_their_own_time(reader, nested):
    asked = Asked(reader, offen=COARSE, fein=COARSE)
    inner = f"id observations({nested}orderBy: TIME_ASC, first: 100) {{ nodes {{ phenomenonTime result }} }}"
    (alone,) = await asked.rows(
        f'{{ datastreams(filter: {{ids: ["giessen:datastream:all"]}}) {{ nodes {{ {inner} }} }} }}'
    )
    assert len(alone["observations"]["nodes"]) > 1
    hour = 'during: {start: "2026-03-01T12:00:00Z", end: "2026-03-01T18:00:00Z"}'
    rows = await asked.rows(
        f'{{ observations(filter: {{datastreams: ["giessen:datastream:all"]}}, {hour}, first: 1)'
        f" {{ nodes {{ datastream {{ {inner} }} }} }} }}"
    )
    assert [row["datastream"] for row in rows] == [alone]
    part = await asked.part(
        f'{{ series(datastreams: ["giessen:datastream:all"], {hour}) {{ series {{ datastream {{ {inner} }} }} }} }}'
    )
    assert [one["datastream"] for one in part["series"]] == [alone]


async def test_lists_within_datastreams_read_the_time_that_they_name(seeded):
    during = 'during: {start: "2026-03-01T12:00:00Z", end: "2026-03-01T13:00:00Z"}'
    with psycopg.connect(seeded, autocommit=True) as connection:
        until_alone(connection)
        before = rows_read(connection)
        async with Sessions(seeded, size=1, statement_ms=20_000, name="test", on_open=[ENTER]) as sessions:
            asked = Asked(Reader(sessions, "giessen", PageLimits()), offen=COARSE, fein=COARSE)
            rows = await asked.rows(
                f"{{ datastreams {{ nodes {{ observations({during}) {{ nodes {{ result }} }} }} }} }}"
            )
        until_alone(connection)
        assert len(rows) == len(IDS)
        assert rows_read(connection) - before < 1_000, "with what is around them, 231; of all times 3,791"


async def test_what_the_obligations_hide_is_hidden_on_every_road(reader):
    asked = Asked(
        reader, offen="place=2000 delay=100 without=Dataset.distributions", fein="without=Datastream.direction rows=3"
    )
    things = await asked.rows("{ things { nodes { name location { longitude latitude place } } } }")
    bridge = next(thing for thing in things if thing["name"] == "Brücke")["location"]
    assert bridge["place"] is None
    assert abs(bridge["longitude"] - 8.65123) < 0.02
    assert bridge["longitude"] != 8.65123
    assert not await asked.rows('{ things(filter: {text: "Lahnbrücke"}) { nodes { id } } }')
    assert len(await asked.rows('{ things(filter: {text: "Brücke am Ufer"}) { nodes { id } } }')) == 1
    near = "filter: {near: {longitude: 8.65123, latitude: 50.55321, radiusMetres: 5}}"
    assert not await asked.rows(f"{{ things({near}) {{ nodes {{ id }} }} }}")
    datasets = await asked.rows("{ datasets { nodes { title distributions { title } } } }")
    assert all(dataset["distributions"] == [] for dataset in datasets)
    streams = await asked.rows("{ datastreams { nodes { name direction } } }")
    assert {stream["direction"] for stream in streams} == {None}
    assert not await asked.rows('{ datastreams(filter: {text: "stadteinwärts"}) { nodes { id } } }')
    undirected = Asked(reader, offen="without=Datastream.direction")
    assert len(await undirected.rows('{ datastreams(filter: {text: "Gesamt"}) { nodes { id } } }')) == 1
    rows = await asked.rows(f"{{ observations(filter: {{}}, {DURING}, first: 1000) {{ nodes {{ result }} }} }}")
    assert len(rows) == 3


WITHOUT = " ".join(
    f"without={name}"
    for name in (
        "Dataset.contactPoint", "Dataset.distributions", "Datastream.direction", "Datastream.vehicleClass",
        "Datastream.description", "Thing.description", "Thing.location",
    )
)  # fmt: skip
FINDING = {
    "datasets by format": ('{ datasets(filter: {formats: ["CSV"]}) { nodes { id } totalCount } }', 0),
    "datasets by licence": ('{ datasets(filter: {licences: ["dl-by-de-2-0"]}) { nodes { id } totalCount } }', 0),
    "datasets by class": ('{ datasets(filter: {vehicleClasses: ["BICYCLE"]}) { nodes { id } totalCount } }', 0),
    "datastreams by direction": ('{ datastreams(filter: {directions: ["stadteinwärts"]}) { nodes { id } totalCount } }', 0),
    "datastreams by class": ('{ datastreams(filter: {vehicleClasses: ["BICYCLE"]}) { nodes { id } totalCount } }', 0),
    "datastreams by words": ('{ datastreams(filter: {text: "stadteinwärts"}) { nodes { id } totalCount } }', 0),
    "datastreams by place": (
        "{ datastreams(filter: {bbox: {west: 8, south: 50, east: 9, north: 51}}) { nodes { id } totalCount } }", 0,
    ),
    "things by words": ('{ things(filter: {text: "Lahnbrücke"}) { nodes { id } totalCount } }', 0),
    "things by description": ('{ things(filter: {text: "Ufer"}) { nodes { id } totalCount } }', 0),
    "things by class": ('{ things(filter: {vehicleClasses: ["BICYCLE"]}) { nodes { id } totalCount } }', 0),
    "things by place": (
        "{ things(filter: {bbox: {west: 8, south: 50, east: 9, north: 51}}) { nodes { id } totalCount } }", 0,
    ),
    "what is not left out": ('{ datastreams(filter: {units: ["1"]}) { nodes { id } totalCount } }', 3),
}  # fmt: skip


@pytest.mark.parametrize("way", FINDING)
async def test_what_is_left_out_can_not_be_found_either(reader, way):
    document, expected = FINDING[way]
    hidden = Asked(reader, offen=WITHOUT, fein=WITHOUT)
    assert len(await hidden.rows(document)) == expected
    assert await hidden.rows(document, "totalCount") == expected
    shown = len(await Asked(reader, offen="", fein="").rows(document))
    assert shown, "without obligations the same question finds it"


async def test_facets_count_what_is_released(reader, seeded):
    document = (
        "{ datasetFacets { total formats { value count } licences { value count } tiers { value count }"
        " keywords { value count } } }"
    )
    with psycopg.connect(seeded) as connection:
        connection.execute("update dataset set keywords = '{Rad}'")
    bare = await Asked(reader, offen="", fein="").part(document)
    assert bare["formats"] == [{"value": "CSV", "count": 1}]
    obliged = await Asked(reader, offen=f"{COARSE} {WITHOUT}", fein=FINE).part(document)
    assert obliged["formats"] == []
    assert {name: obliged[name] for name in ("total", "tiers", "keywords")} == {
        name: bare[name] for name in ("total", "tiers", "keywords")
    }, "descriptions of datasets come under no other obligation"
    other = await Asked(reader, offen=COARSE, fein=WITHOUT).part(document)
    assert other["formats"] == bare["formats"], "what is left out of one dataset is left out of that one"


async def test_groups_and_filters_of_sums_know_no_more_than_the_rows(reader):
    hidden = Asked(reader, offen=WITHOUT, fein=WITHOUT)
    asked = (
        "{ aggregate(filter: %s, " + DURING + ", groupBy: [DIRECTION, VEHICLE_CLASS])"
        " { groups { direction vehicleClass datastreamCount } } }"
    )
    groups = (await hidden.part(asked % '{observedProperties: ["traffic-count"]}'))["groups"]
    assert groups == [{"direction": None, "vehicleClass": None, "datastreamCount": 3}]
    for told in ('{directions: ["stadteinwärts"]}', '{vehicleClasses: ["BICYCLE"]}'):
        assert (await hidden.part(asked % told))["groups"] == []
        rows = await hidden.rows(f"{{ observations(filter: {told}, {DURING}, first: 5) {{ nodes {{ result }} }} }}")
        assert rows == []


async def test_without_the_views_nothing_of_obliged_data_is_seen(reader, seeded):
    """The second lock: a statement that reads `observation` as it lies there gets no row of obliged datasets."""
    scope = Asked(reader, offen=COARSE, fein=NONE_TEXT).scope
    with psycopg.connect(seeded) as connection:
        connection.execute(ENTER)
        for name, value in zip(("datasets", "things", "observed"), scope.rows.parameters[:3], strict=True):
            connection.execute("select set_config(%s, %s, true)", (f"verbund.{name}", value.decode()))
        seen = {row[0] for row in connection.execute("select distinct datastream_id from observation")}
        latest = {row[0] for row in connection.execute("select distinct datastream_id from latest_observation")}
    assert seen == latest == {IDS["ein"], IDS["aus"]}


NONE_TEXT = ""


@pytest.mark.parametrize("terms", [FINE, "time=PT1H", "round=2", "time=P1D"])
async def test_a_summary_rules_out_nothing_that_is_released(reader, seeded, terms):
    """Steps begin before their first observation; a local day, which is no shorter than the step, is told as it is."""
    with psycopg.connect(seeded) as connection:
        connection.execute("delete from observation where datastream_id < 4")
        connection.execute("update datastream set interval_seconds = 86400 where id = 2")
        connection.execute("insert into observation values (2, '2026-02-20 23:00Z', '2026-02-21 23:00Z', 7, 'RAW')")
        connection.execute("update observation set phenomenon_time = '2026-02-20 10:40Z' where phenomenon_time ="
                           " (select min(phenomenon_time) from observation where datastream_id = 4)")  # fmt: skip
    begins = {"time=PT1H": "10:00", "time=P1D": "00:00"}.get(terms, "10:40")
    async with make_pool(seeded, size=1, statement_ms=20_000) as pool:
        summary = await read_summary(pool, read_obligations(terms.split()))
    for key, start in (("ein", "23:00"), ("luft", begins)):
        first = f"2026-02-20T{start}:00"
        during = f'during: {{start: "{first}Z", end: "{first[:-2]}01Z"}}'
        document = (
            f'{{ observations(filter: {{datastreams: ["giessen:datastream:{key}"]}}, {during})'
            " { nodes { phenomenonTime } } }"
        )
        released = await Asked(reader, offen=terms, fein=terms).rows(document)
        assert [row["phenomenonTime"] for row in released] == [f"{first}+00:00"]
        assert absence(summary, "observations", (await tree(document)).arguments) is None


async def test_quarters_wait_for_the_hour_in_which_small_ones_are_hidden(reader, seeded):
    """Whoever had the quarters before the small one, and the hour, would have the small one, too."""
    hour = floor(datetime.now(UTC), 3_600)
    begun = hour - timedelta(hours=5)
    with psycopg.connect(seeded) as connection:
        connection.execute("delete from observation where datastream_id < 4")
        connection.execute("create table observation_now partition of observation default")
        for number in range(20):
            start = begun + number * QUARTER
            for id_ in (1, 2, 3):
                connection.execute(
                    "insert into observation values (%s, %s, %s, 50, 'RAW')", (id_, start, start + QUARTER)
                )
    since = begun.isoformat().replace("+00:00", "Z")
    document = (
        f'{{ observations(filter: {{observedProperties: ["traffic-count"]}}, during: {{start: "{since}",'
        f' end: "{(hour + timedelta(days=1)).isoformat()}"}}, first: 1000) {{ nodes {{ phenomenonTime phenomenonEnd }} }} }}'
    )
    for grid in (900, 21_600, 86_400):
        least = floor(datetime.now(UTC), grid)
        found = await Asked(reader, grid, offen=FINE, fein=FINE).rows(document)
        most = floor(datetime.now(UTC), grid)
        ends = [begun + (number + 1) * QUARTER for number in range(20)]
        assert 3 * sum(end <= least for end in ends) <= len(found) <= 3 * sum(end <= most for end in ends)
        assert all(datetime.fromisoformat(row["phenomenonEnd"]) <= most for row in found)
    assert len(await Asked(reader, 21_600, offen="round=5", fein="round=5").rows(document)) == 60


async def test_days_keep_the_midnight_of_their_city(reader, seeded):
    """A day from 22:00 to 22:00 UTC is not told as the day before."""
    start, day = datetime(2026, 6, 30, 22, tzinfo=UTC), timedelta(days=1)
    with psycopg.connect(seeded) as connection:
        connection.execute("update datastream set interval_seconds = 86400 where id < 4")
        connection.execute("delete from observation where datastream_id < 4")
        for number in range(3):
            for id_ in (1, 2, 3):
                connection.execute(
                    "insert into observation values (%s, %s, %s, %s, 'RAW')",
                    (id_, start + number * day, start + (number + 1) * day, 3 if (number, id_) == (1, 2) else 100),
                )
    for terms in (FINE, COARSE, "round=2", "time=PT1H", "time=P1D"):
        asked = Asked(reader, 3600, offen=terms, fein=terms)
        found = await asked.rows(
            '{ observations(filter: {datastreams: ["giessen:datastream:ein"]}, during: {start: "2026-06-30T22:00:00Z",'
            ' end: "2026-07-03T22:00:00Z"}) { nodes { phenomenonTime phenomenonEnd } } }'
        )
        times = [tuple(map(datetime.fromisoformat, row.values())) for row in found]
        whole = [(start + number * day, start + (number + 1) * day) for number in range(3)]
        assert times == ([whole[0], whole[2]] if "minimum" in terms else whole), terms


async def test_what_is_covered_is_told_in_steps_and_as_far_as_it_is_given(reader, seeded):
    document = '{ datastreams(filter: {ids: ["giessen:datastream:%s"]}) { nodes { phenomenonStart phenomenonEnd } } }'

    async def covered(terms: str, key: str, start: str | None, end: str | None):
        with psycopg.connect(seeded) as connection:
            connection.execute(
                "update datastream set phenomenon_start = %s, phenomenon_end = %s where key = %s", (start, end, key)
            )
        (row,) = await Asked(reader, offen=terms, fein=terms).rows(document % key)
        return row["phenomenonStart"], row["phenomenonEnd"]

    def at(text: str) -> str:
        return f"2026-03-01T{text}:00+00:00"

    assert await covered("time=PT1H", "luft", at("10:07"), at("12:41")) == (at("10:00"), at("13:00"))
    assert await covered("time=PT1H", "ein", at("10:15"), at("12:45")) == (at("10:00"), at("13:00"))
    assert await covered("time=PT1H", "ein", at("10:00"), at("13:00")) == (at("10:00"), at("13:00"))
    assert await covered("time=PT15M", "ein", at("10:15"), at("12:45")) == (at("10:15"), at("12:45"))
    assert await covered("time=PT1H", "ein", None, None) == (None, None), "nothing was observed"
    young = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    for terms in ("time=P1D delay=86400", "delay=3600"):
        assert await covered(terms, "ein", young, young) == (None, None), "nothing of it is given yet"


async def test_what_sensors_send_for_no_value_takes_no_step_away(reader, seeded):
    with psycopg.connect(seeded) as connection:
        connection.execute("update observation set result = 1e308 where extract(hour from phenomenon_time) in (10, 11)")
        connection.execute("update observation set result = 50 where extract(minute from phenomenon_time) < 15")
    for terms in ("time=PT1H", COARSE):
        rows = await Asked(reader, offen=terms, fein=terms).rows(
            '{ observations(filter: {datastreams: ["giessen:datastream:ein"]}, during: {start: "2026-03-01T10:00:00Z",'
            ' end: "2026-03-01T12:00:00Z"}) { nodes { result } } }'
        )
        assert rows == [{"result": 50}, {"result": 50}]


@pytest.mark.parametrize("terms", ["delay=3600", "delay=3600 time=PT1H", f"delay=3600 {FINE}"])
@pytest.mark.parametrize("ended", [timedelta(minutes=30), timedelta(minutes=90)])
async def test_what_is_told_as_arrived_is_released(reader, seeded, terms, ended):
    """Days that end after those of UTC wait for their own end: what is read too early is not read again."""
    start = datetime.now(UTC) - ended - timedelta(days=1)
    with psycopg.connect(seeded) as connection:
        connection.execute("update datastream set interval_seconds = 86400 where id < 4")
        connection.execute("delete from observation where datastream_id < 4")
        connection.execute("create table observation_now partition of observation default")
        connection.execute("insert into observation values (2, %s, now(), 50, 'RAW')", (start,))
        connection.execute("update observation set phenomenon_end = phenomenon_time + '1 day' where datastream_id = 2")
        connection.execute("insert into arrival values (1, 2, array[%s::timestamptz])", (start,))
    scope = Asked(reader, 3600, offen=terms, fein=terms).scope
    with psycopg.connect(seeded) as connection:
        connection.execute(ENTER)
        connection.execute("select set_config('verbund.obligations', %s, true)", (scope.rows.obligations.decode(),))
        is_ripe, times = connection.execute("select ripe_at <= now(), times from obliged.arrival").fetchone()
        released = connection.execute(
            "select phenomenon_time from obliged.observation where datastream_id = 2"
        ).fetchall()
    assert is_ripe is (ended > timedelta(hours=1))
    assert released == ([(time,) for time in times] if is_ripe else [])
