"""The four cities, how much they hold, and the queries that are measured. Pure.

Each query asks for the observations of one datastream per city within a time that holds exactly so many of them, merged
in one order. So all systems fetch the same rows from each city, and all of these are in the answer.
"""

from __future__ import annotations

from tests.bench.read.queries import DATASTREAMS, Query, datastream_key
from tests.bench.read.scale import END, SLOT, Scale
from tests.bench.read.verbund_rows import WITH_SENSORS

HOME = "beispielstadt"
CITIES = ("altstadt", HOME, "musterstadt", "neustadt")
SCALE = Scale(DATASTREAMS, 2_000)
SEEDS = {city: index * 1_000 for index, city in enumerate(CITIES)}

_ROW = "phenomenonTime result quality"
_DOCUMENT = (
    "query Merged($id: [ID!]!, $start: DateTime!, $end: DateTime!, $first: Int!) {"
    " observations(filter: {datastreams: $id}, during: {start: $start, end: $end}, orderBy: TIME_DESC, first: $first)"
    " { nodes { %s } } }"
) % _ROW

# Gateways ask without tokens, so what is asked for by turns is open.
ASKED = [number for number in range(1, DATASTREAMS + 1) if WITH_SENSORS[number % len(WITH_SENSORS)] == "OPEN"]


def _query(name: str, each: int, *, identical: bool = False) -> Query:
    rows = f"{len(CITIES)} cities x {each:,} rows"
    return Query(
        name,
        f"{rows}, all requests identical" if identical else f"{rows}, each request another datastream",
        dict.fromkeys(("verbund", "hive", "stitching"), _DOCUMENT),
        "",
        {"start": (END - each * SLOT).isoformat(), "end": END.isoformat(), "first": len(CITIES) * each},
        numbers=ASKED[:1] if identical else ASKED,
    )


def _side_by_side(name: str, each: int) -> Query:
    """Each city's own list, passed on without merging: what gateways do by themselves."""
    variables = "$id: [ID!]!, $start: DateTime!, $end: DateTime!, $first: Int!"
    during = "filter: {datastreams: $id}, during: {start: $start, end: $end}, orderBy: TIME_DESC, first: $first"
    own = " ".join(f'{city}_observations(cities: ["{city}"], {during}) {{ nodes {{ {_ROW} }} }}' for city in CITIES)
    gateways = dict.fromkeys(("hive", "stitching"), f"query Each({variables}) {{ {own} }}")
    return Query(
        name,
        f"{len(CITIES)} cities x {each:,} rows, each city's own list, not merged",
        {"verbund": f"query Each({variables}) {{ cities {{ observations({during}) {{ nodes {{ {_ROW} }} }} }} }}"}
        | gateways,
        "",
        {"start": (END - each * SLOT).isoformat(), "end": END.isoformat(), "first": each},
        numbers=ASKED,
    )


# What a city's database has to do at least: one statement that makes the JSON of so many rows, without policy or record.
BARE = """
select '[' || coalesce(string_agg('{"phenomenonTime":' || to_json(o.phenomenon_time) || ',"result":'
       || coalesce(o.result::text, 'null') || ',"quality":"' || o.quality || '"}', ','), '') || ']'
  from (select * from observation
         where datastream_id = (select id from datastream where key = 'zs-' || lpad(%(id)s::text, 4, '0'))
         order by phenomenon_time desc limit %(first)s) o
"""

QUERIES = (
    _query("F1", 10),
    _query("F2", 1_000),
    _query("F1-identical", 10, identical=True),
    _query("F2-identical", 1_000, identical=True),
    _side_by_side("F2-cities", 1_000),
)
BY_NAME = {query.name: query for query in QUERIES}


def global_ids(number: int) -> list[str]:
    """The ids by which Verbund knows the datastreams with this number."""
    return [f"{city}:datastream:{datastream_key(number)}" for city in CITIES]
