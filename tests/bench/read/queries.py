"""The queries that are measured, in the words of each system. Pure.

Each asks for the same values. `%(id)s` varies by turns over the datastreams; the documents are constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CITY = "musterstadt"
DATASTREAMS = 50

_OBSERVATION = "phenomenonTime result quality"
_DATASTREAM = "name unit vehicleClass"


@dataclass(frozen=True, slots=True)
class Query:
    """One query: what it is about, GraphQL documents by system, SQL, and the variables besides the datastream's id.

    `numbers`: of the datastreams that are asked for by turns, if it names one.
    """

    name: str
    title: str
    documents: Mapping[str, str]
    statement: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    names_datastream: bool = True
    numbers: Sequence[int] = range(1, DATASTREAMS + 1)


def _one_datastream(name: str, title: str, rows: int, fields: str = "") -> Query:
    observations = f"observations(first: $first) {{ nodes {{ {_OBSERVATION} }} }}"
    by_datastream = (
        f"observationsByDatastreamId(first: $first, orderBy: [PHENOMENON_TIME_DESC]) {{ nodes {{ {_OBSERVATION} }} }}"
    )
    plain = f"observations(first: $first) {{ {_OBSERVATION} }}"
    return Query(
        name,
        title,
        {
            "verbund": "query One($id: ID!, $first: Int!) { datastream(id: $id) { %s %s } }"
            % (f"id {fields}" if fields else "", observations),
            "postgraphile": "query One($id: Int!, $first: Int!) { datastreamByRowId(rowId: $id) { %s %s } }"
            % (f"rowId {fields}" if fields else "", by_datastream),
            "strawberry": "query One($id: Int!, $first: Int!) { datastream(id: $id) { %s %s } }"
            % (f"id {fields}" if fields else "", plain),
        },
        _ONE_WITH_OBSERVATIONS if fields else _OBSERVATIONS,
        {"first": rows},
    )


# The best statements that we could write by hand: PostgreSQL makes the JSON.
_OBSERVATIONS = """
select coalesce(json_agg(o), '[]')::text
  from (select phenomenon_time as "phenomenonTime", result, quality from observation
         where datastream_id = %(id)s order by phenomenon_time desc limit %(first)s) o
"""
_ONE_WITH_OBSERVATIONS = """
select row_to_json(d)::text
  from (select id, name, unit, vehicle_class as "vehicleClass",
               (select coalesce(json_agg(o), '[]')
                  from (select phenomenon_time as "phenomenonTime", result, quality from observation
                         where datastream_id = datastream.id order by phenomenon_time desc limit %(first)s) o
               ) as observations
          from datastream where id = %(id)s) d
"""
_DATASTREAMS = """
select coalesce(json_agg(d), '[]')::text
  from (select name, unit, vehicle_class as "vehicleClass" from datastream order by id limit %(many)s) d
"""
_DATASTREAMS_WITH_OBSERVATIONS = """
select coalesce(json_agg(d), '[]')::text
  from (select name,
               (select coalesce(json_agg(o), '[]')
                  from (select phenomenon_time as "phenomenonTime", result, quality from observation
                         where datastream_id = datastream.id order by phenomenon_time desc limit %(first)s) o
               ) as observations
          from datastream order by id limit %(many)s) d
"""

QUERIES = (
    _one_datastream("Q1", "a datastream with its 10 latest observations", 10, _DATASTREAM),
    _one_datastream("Q2", "1,000 observations", 1_000),
    _one_datastream("Q3", "10,000 observations", 10_000),
    Query(
        "Q4",
        "50 datastreams",
        {
            "verbund": 'query Many($many: Int!) { datastreams(cities: ["%s"], first: $many) { nodes { %s } } }'
            % (CITY, _DATASTREAM),
            "postgraphile": "query Many($many: Int!) { allDatastreams(first: $many) { nodes { %s } } }" % _DATASTREAM,
            "strawberry": "query Many($many: Int!) { datastreams(first: $many) { %s } }" % _DATASTREAM,
        },
        _DATASTREAMS,
        {"many": DATASTREAMS},
        names_datastream=False,
    ),
    Query(
        "Q5",
        "50 datastreams with their 5 latest observations",
        {
            "verbund": (
                'query Many($many: Int!, $first: Int!) { datastreams(cities: ["%s"], first: $many)'
                " { nodes { name observations(first: $first) { nodes { %s } } } } }"
            )
            % (CITY, _OBSERVATION),
            "postgraphile": (
                "query Many($many: Int!, $first: Int!) { allDatastreams(first: $many) { nodes { name"
                " observationsByDatastreamId(first: $first, orderBy: [PHENOMENON_TIME_DESC]) { nodes { %s } } } } }"
            )
            % _OBSERVATION,
            "strawberry": (
                "query Many($many: Int!, $first: Int!) { datastreams(first: $many)"
                " { name observations(first: $first) { %s } } }"
            )
            % _OBSERVATION,
        },
        _DATASTREAMS_WITH_OBSERVATIONS,
        {"many": DATASTREAMS, "first": 5},
        names_datastream=False,
    ),
)
BY_NAME = {query.name: query for query in QUERIES}


def datastream_key(number: int) -> str:
    """The local part of the global id of a datastream, which peers know by its number."""
    return f"zs-{number:04d}"


def big_question(aliases: int, rows: int) -> dict[str, Any]:
    """For Verbund: several datastreams with very many observations in one answer."""
    parts = " ".join(
        f'd{n}: datastream(id: "{CITY}:datastream:{datastream_key(n)}")'
        f" {{ observations(first: {rows}) {{ nodes {{ {_OBSERVATION} }} }} }}"
        for n in range(1, aliases + 1)
    )
    return {"query": f"query Big {{ {parts} }}"}
