"""A small city in PostgreSQL, and a way to ask the compiler for it."""

from __future__ import annotations

import orjson
import psycopg
import pytest

from node.store import parameters
from node.store.limits import PageLimits
from node.store.parameters import Scope
from node.store.reader import Reader
from node.store.row_grant import NOTHING_GRANTED
from node.store.sessions import Sessions
from schema.cursor import binding_of, decode
from tests.assessed import TIERS_AS_TOLD
from tests.unit.schema.test_selection import tree

SEED = (
    TIERS_AS_TOLD
    + """
insert into publisher (key, name) values ('amt', 'Amt für Verkehr'), ('umwelt', 'Umweltamt');
insert into licence (key, uri, title) values ('dl-by-de/2.0', 'http://dcat-ap.de/def/licenses/dl-by-de/2.0', 'DL DE BY');
insert into dataset (key, title, title_sort, description, publisher_id, tier, digest, themes, keywords, modified,
                     west, south, east, north, temporal_start, temporal_end)
values
 ('rad', 'Radverkehr', 'radverkehr', 'Gezählte Fahrräder', 1, 'OPEN', '', '{TRAN}', '{Rad,Zählung}', '2026-01-03Z',
  8.6, 50.5, 8.7, 50.6, '2025-01-01Z', null),
 ('kfz', 'Kfz-Verkehr', 'kfz-verkehr', 'Autos', 1, 'SHARED', '', '{TRAN}', '{Auto}', '2026-01-01Z', null, null, null, null, null, null),
 ('luft', 'Luftqualität', 'luftqualitat', 'Messwerte zur Güte der Luft', 2, 'OPEN', '', '{ENVI,HEAL}', '{Luft}', '2026-01-02Z',
  9, 51, 9.5, 51.5, '2020-01-01Z', '2021-01-01Z'),
 ('akten', 'Akten', 'akten', '', null, 'INTERNAL', '', '{}', '{}', null, null, null, null, null, null, null);
insert into distribution (dataset_id, position, title, access_url, licence_id, byte_size)
values (1, 0, 'CSV', 'https://x.example/rad.csv', 1, 10), (1, 1, 'JSON', 'https://x.example/rad.json', null, 5000000000);
insert into thing (key, name, longitude, latitude, place) values
 ('s1', 'Brücke', 8.65, 50.55, 'Lahnbrücke'), ('s2', 'Ring', 8.80, 50.60, null), ('s3', 'Lager', null, null, null);
insert into sensor (key, name) values ('schleife', 'Induktionsschleife');
insert into observed_property (key, name, definition) values
 ('traffic-count', 'Anzahl', 'https://x.example/count'), ('pm10', 'Feinstaub', 'https://x.example/pm10');
insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit, vehicle_class)
values
 ('rad-ein', 1, 1, 1, 1, 'Rad ein', 'count', '1', 'BICYCLE'), ('rad-aus', 1, 1, 1, 1, 'Rad aus', 'count', '1', 'BICYCLE'),
 ('kfz-ein', 2, 1, 1, 1, 'Kfz ein', 'count', '1', 'CAR'), ('kfz-ring', 2, 2, 1, 1, 'Kfz Ring', 'count', '1', 'CAR'),
 ('luft-1', 3, 2, 1, 2, 'PM10', 'measurement', 'ug/m3', null), ('intern', 4, 3, 1, 2, 'Intern', 'measurement', '1', null);
create table observation_y2026 partition of observation for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00');
insert into observation
select d.id, t, t + interval '15 min', case when d.id = 2 and t < '2026-01-01 01:00Z' then null else d.id * 100 + extract(hour from t at time zone 'UTC') end,
       (case when d.id = 2 and t < '2026-01-01 01:00Z' then 'MISSING' else 'RAW' end)::observation_quality
  from datastream d, generate_series('2026-01-01 00:00+00'::timestamptz, '2026-01-01 23:45+00', interval '15 min') t;
insert into latest_observation select distinct on (datastream_id) * from observation order by datastream_id, phenomenon_time desc;
"""
)
ALL = (1, 2, 3, 4)


class Keys(dict[int, str]):
    def __missing__(self, id_: int) -> str:
        return f"added-{id_}"


KEYS = Keys({1: "rad", 2: "kfz", 3: "luft", 4: "akten"})
OPEN = (1, 3)


def scope_of(readable, observable=None, rows=NOTHING_GRANTED) -> Scope:
    return Scope(tuple(readable), tuple(readable if observable is None else observable), rows, KEYS)


@pytest.fixture(autouse=True, scope="module")
def both_forms_of_sets():
    """Sets of more than two datasets are large here, so that arrays and bit strings are both tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameters, "FEW", 2)
        yield


class Watched(Sessions):
    """Knows how many bytes each statement has brought."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, size=1, statement_ms=5_000, name="test")
        self.received: list[int] = []

    async def read(self, *calls):
        results = await super().read(*calls)
        values = [results[-1].get_value(0, column) for column in range(results[-1].nfields)]
        self.received.append(sum(len(value or b"") for value in values))
        return results


class Store:
    """Asks the reader as the gate would, for the city of Gießen."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    async def page(self, document: str, readable=ALL, observable=None, **variables):
        field = await tree(document, **variables)
        after = field.arguments.get("after")
        start = decode(after, binding_of(field.name, field.arguments)).start_for("giessen") if after else None
        return await self.reader.page(field, scope_of(readable, observable), start)

    async def rows(self, document: str, readable=ALL, observable=None, **variables):
        page = await self.page(document, readable, observable, **variables)
        return orjson.loads(next(iter(page.columns.values())))

    async def part(self, document: str, readable=ALL, observable=None, **variables):
        field = await tree(document, **variables)
        part = await self.reader.parts(field, scope_of(readable, observable))
        return {key: orjson.loads(json) for key, json in part.members.items()}, part

    async def one(self, document: str, readable=ALL, **variables):
        field = await tree(document, **variables)
        found = await self.reader.single(field, scope_of(readable), field.arguments["id"].split(":", 2)[2])
        return (orjson.loads(found.json) if found.json else None), found


@pytest.fixture
async def store(database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    async with Sessions(database_url, size=2, statement_ms=5000, name="test") as sessions:
        yield Store(Reader(sessions, "giessen", PageLimits()))
