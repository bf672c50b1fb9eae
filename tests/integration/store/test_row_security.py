"""The second lock: what the reading role sees is what the transaction's settings name, whatever the statement says."""

from __future__ import annotations

import random

import psycopg
import pytest

import node.store.auth_tables
import node.store.governance_tables  # noqa: F401 - tables among the others
from node.store.limits import PageLimits
from node.store.parameters import Scope
from node.store.reader import Reader
from node.store.reading_role import BY_POLICY, CONDITIONS, ENTER, OPEN
from node.store.row_grant import ACCESS_LOG_GRANTED, NOTHING_GRANTED, SET_GRANT, RowGrant, Series, row_grant
from node.store.session import Call
from node.store.sessions import Sessions
from node.store.tables import METADATA
from tests.integration.store.conftest import SEED, scope_of
from tests.log import append
from tests.unit.schema.test_selection import tree

ALL = (1, 2, 3, 4)
AUDITED = {"access_kind", "access_record", "log_run", "operation"}
RECORD = """
insert into arrival select row_number() over (), datastream_id, array_agg(phenomenon_time) from observation group by 2;
insert into log_run (position, record_id, length) values (0, 1, 1);
insert into contact (key, name, email) values ('a', 'Amt', 'a@x.example'), ('b', 'Büro', 'b@x.example'), ('c', 'Niemand', null);
update dataset set contact_id = case when id = 4 then 2 else 1 end;
"""
# A row of each table as a value that can be compared, and the id of the dataset that it belongs to.
OWNED = {
    "dataset": "select id, id from dataset",
    "distribution": "select id, dataset_id from distribution",
    "dataset_word": "select word || dataset_id, dataset_id from dataset_word",
    "contact": "select c.id, d.id from contact c join dataset d on d.contact_id = c.id",
    "datastream": "select id, dataset_id from datastream",
    "thing": "select t.id, s.dataset_id from thing t join datastream s on s.thing_id = t.id",
    "word_trigram": "select g.trigram || g.word, w.dataset_id from word_trigram g join dataset_word w on w.word = g.word",
    "observation": "select (o.datastream_id, phenomenon_time)::text, dataset_id from observation o join datastream s on s.id = o.datastream_id",
    "arrival": "select o.id, dataset_id from arrival o join datastream s on s.id = o.datastream_id",
    "latest_observation": "select o.datastream_id, dataset_id from latest_observation o join datastream s on s.id = o.datastream_id",
}
SHOWN = {
    "dataset": "id",
    "distribution": "id",
    "dataset_word": "word || dataset_id",
    "contact": "id",
    "datastream": "id",
    "thing": "id",
    "word_trigram": "trigram || word",
    "observation": "(datastream_id, phenomenon_time)::text",
    "arrival": "id",
    "latest_observation": "datastream_id",
}
OBSERVED = {"observation", "latest_observation", "arrival"}


@pytest.fixture
def owner(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SEED)
        connection.execute(RECORD)
        append(connection)
        yield connection


@pytest.fixture
def reader(owner, database_url):
    """A connection of the reading role."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ENTER)
        yield connection


@pytest.fixture
async def sessions(owner, database_url):
    async with Sessions(database_url, size=1, statement_ms=5_000, name="read", on_open=[ENTER]) as found:
        yield found


def all_series(owner) -> list[Series]:
    return [Series(*row) for row in owner.execute("select id, dataset_id, thing_id from datastream")]


def grant_in(connection, grant: RowGrant) -> None:
    psycopg.RawCursor(connection).execute(SET_GRANT, [value.decode() for value in grant.parameters])


def seen(connection, grant: RowGrant, query: str) -> set:
    with connection.transaction():
        grant_in(connection, grant)
        return {row[0] for row in connection.execute(query)}


def test_a_plain_select_returns_exactly_what_is_granted(owner, reader):
    dice = random.Random(3)
    series = all_series(owner)
    rows = {table: owner.execute(query).fetchall() for table, query in OWNED.items()}
    assert set(rows) == set(CONDITIONS) - AUDITED
    assert all(rows.values())
    grants = [((), ()), (ALL, ALL), (ALL, ()), ((), ALL)]
    grants += [tuple(dice.sample(ALL, dice.randint(0, 4)) for _ in range(2)) for _ in range(20)]
    for readable, observable in grants:
        grant = row_grant(readable, observable, series)
        for table, owned in rows.items():
            granted = observable if table in OBSERVED else readable
            expected = {row for row, dataset in owned if dataset in granted}
            assert seen(reader, grant, f"select {SHOWN[table]} from {table}") == expected, (table, readable, observable)


def test_without_a_grant_there_is_nothing(reader):
    for table in CONDITIONS:
        assert reader.execute(f"select * from {table}").fetchall() == [], table
        assert seen(reader, NOTHING_GRANTED, f"select * from {table}") == set(), table


def test_ids_beyond_the_grant_are_no_errors(owner, reader):
    owner.execute(
        "insert into dataset (id, key, title, title_sort, digest) overriding system value values (900, 'neu', 'Neu', 'neu', '')"
    )
    assert seen(reader, row_grant([1], [], []), "select id from dataset") == {1}
    assert seen(reader, row_grant([900], [], []), "select id from dataset") == {900}


@pytest.mark.parametrize("value", ["{1,2}", "x4g", "1 or true", "*"])
def test_a_malformed_grant_is_an_error(reader, value):
    with reader.transaction():
        reader.execute("select set_config('verbund.datasets', %s, true)", (value,))
        with pytest.raises(psycopg.DataError), reader.transaction():
            reader.execute("select * from dataset").fetchall()


def test_a_grant_ends_with_its_transaction(owner, reader):
    everything = row_grant(ALL, ALL, all_series(owner))
    assert seen(reader, everything, "select id from dataset") == set(ALL)
    assert reader.execute("select id from dataset").fetchall() == []
    with pytest.raises(psycopg.errors.DivisionByZero):
        seen(reader, everything, "select 1 / (count(*) - 4) from dataset")
    assert reader.execute("select id from dataset").fetchall() == []


async def test_a_grant_in_a_pipeline_holds_for_its_statement_alone(owner, sessions):
    grant = Call(SET_GRANT, row_grant(ALL, ALL, all_series(owner)).parameters)
    count = Call("select count(*) from observation", [])
    total = str(owner.execute("select count(*) from observation").fetchone()[0]).encode()

    async def counted(*calls: Call) -> bytes | None:
        return (await sessions.run(*calls))[-1].get_value(0, 0)

    assert await counted(grant, count) == total != b"0"
    assert await counted(count) == b"0"
    with pytest.raises(psycopg.errors.DivisionByZero):
        await sessions.run(grant, Call("select 1 / $1::int", [b"0"]))
    assert await counted(count) == b"0"
    for _ in range(8):  # prepared and planned anew or not: the plan does not hold the grant of another request
        assert await counted(grant, count) == total
        assert await counted(Call(SET_GRANT, NOTHING_GRANTED.parameters), count) == b"0"


DOCUMENTS = (
    "{ datasets(first: 10) { nodes { id title publisher { name } distributions { title } datastreams { nodes { id } } } pageInfo { hasNextPage } } }",
    "{ datastreams(first: 10) { nodes { id dataset { id } thing { name datastreams { nodes { id } } } latest { result } observations(first: 3) { nodes { result } } } } }",
    "{ things(first: 10) { nodes { id datastreams { nodes { id dataset { id } } } } } }",
    """{ observations(during: {start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z"}, filter: {}, first: 1000) { nodes { phenomenonTime result datastream { id } } } }""",
)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_statement_without_conditions_of_its_own_leaks_nothing(owner, sessions, database_url, document):
    """The scope that the compiler goes by is too wide here, as if its conditions were missing."""
    field = await tree(document)
    series = all_series(owner)

    async def answer(sessions: Sessions, scope: Scope) -> list[bytes]:
        return list((await Reader(sessions, "giessen", PageLimits()).page(field, scope, None)).columns.values())

    async with Sessions(database_url, size=1, statement_ms=5_000, name="owner") as unsecured:
        for readable, observable in (((), ()), ((1,), (1,)), ((1, 3), (3,)), ((2, 4), (2,)), (ALL, ALL)):
            rows = row_grant(readable, observable, series)
            right = await answer(unsecured, scope_of(readable, observable))
            assert await answer(sessions, scope_of(ALL, ALL, rows)) == right
            assert await answer(sessions, scope_of(readable, observable, rows)) == right


def test_the_access_log_is_for_auditors(owner, reader):
    everything = row_grant(ALL, ALL, all_series(owner))
    for table in AUDITED:
        assert seen(reader, everything, f"select 1 from {table}") == set()
        assert seen(reader, ACCESS_LOG_GRANTED, f"select 1 from {table}") == {1}
    assert seen(reader, ACCESS_LOG_GRANTED, "select id from dataset") == set()


def test_other_tables_are_not_readable(reader):
    others = {*METADATA.tables, "alembic_version"} - set(CONDITIONS) - set(OPEN)
    assert {"application", "agreement", "quarantine", "used_token_id"} <= others
    for table in others:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select * from {table}")


def test_there_is_no_way_around_the_views(owner, reader):
    for table in [*(set(CONDITIONS) - set(BY_POLICY)), "observation_y2026"]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            seen(reader, row_grant(ALL, ALL, all_series(owner)), f"select * from public.{table}")


def test_writes_are_refused(reader):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("create temporary table mine (n int)")
    reader.execute("set default_transaction_read_only = off")
    for table in [*CONDITIONS, *OPEN]:
        column = next(c.name for c in METADATA.tables[table].columns if c.identity is None and c.computed is None)
        for statement in ("delete from {0}", "insert into {0} ({1}) values (null)", "update {0} set {1} = null"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.format(table, column))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("create table mine (n int)")


def test_every_table_with_rows_of_a_dataset_is_secured():
    """A table that is added must be put into one of the lists, or the reading role can't read it."""
    bound = {
        table.name
        for table in METADATA.tables.values()
        if {"dataset_id", "datastream_id", "datasets"} & set(table.columns.keys())
    }
    assert bound - set(CONDITIONS) == {"agreement", "assessment"}
    assert not set(CONDITIONS) & set(OPEN)


def test_policies_hold_for_whoever_reads_the_tables_themselves(owner, reader):
    """An administrator's role for reports: the same rows as through the views, nothing by default."""
    role = f"report_{random.randrange(10**9)}"
    owner.execute(f"create role {role}; grant select on all tables in schema public to {role}")
    try:
        owner.execute(f"set role {role}")
        series = [Series(1, 1, 1), Series(5, 3, 2)]
        for grant in (NOTHING_GRANTED, row_grant([1, 3], [3], series), ACCESS_LOG_GRANTED):
            for table in CONDITIONS:
                query = "select {0}::text from {1} {0}".format(table, "{}")
                expected = seen(reader, grant, query.format(table))
                assert seen(owner, grant, query.format(f"public.{table}")) == expected, table
    finally:
        owner.execute(f"reset role; drop owned by {role}; drop role {role}")


@pytest.mark.parametrize("sets", ["int[]", "varbit"])
def test_denied_datasets_can_be_named_for_the_record(reader, sets):
    def beyond(kind: str, keys: list[str], scope: list[int]) -> list[str]:
        given = (
            scope if sets == "int[]" else "".join("1" if n in scope else "0" for n in range(max(scope, default=0) + 1))
        )
        rows = reader.execute(f"select beyond_by_{kind}(%s, %s::{sets})", (keys, given))
        return sorted(row[0] for row in rows)

    assert beyond("dataset", ["rad", "akten", "nichts"], [1]) == ["akten"]
    assert beyond("datastream", ["rad-ein", "intern"], [1]) == ["akten"]
    assert beyond("thing", ["s1", "s3"], [1]) == ["akten"]
    assert beyond("thing", ["s1"], []) == ["kfz", "rad"]
    assert beyond("dataset", [], []) == []


def test_whatever_moves_a_datastream_moves_the_epoch(owner):
    def epoch() -> int:
        return owner.execute("select epoch from policy_epoch").fetchone()[0]

    for statement, moves in (
        ("update datastream set name = 'x', phenomenon_end = now()", False),
        ("update datastream set dataset_id = 2 where key = 'intern'", True),
        ("update datastream set thing_id = 1 where key = 'intern'", True),
        (
            "insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit) values ('neu', 1, 1, 1, 1, 'n', 'count', '1')",
            True,
        ),
        ("delete from datastream where key = 'neu'", True),
    ):
        before = epoch()
        owner.execute(statement)
        assert (epoch() > before) is moves, statement


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        (
            "select * from observation where datastream_id = 1 and phenomenon_time >= '2026-01-01 12:00Z'",
            "Index Cond: ((datastream_id = 1) AND (phenomenon_time >=",
        ),
        ("select * from latest_observation where datastream_id = 1", "Index Cond: (datastream_id = 1)"),
        ("select * from dataset where search @@ search_query('rad')", "Bitmap Index Scan on ix_dataset_search"),
        ("select * from dataset where themes && '{TRAN}'", "Bitmap Index Scan on ix_dataset_themes"),
        ("select * from datastream where key = 'rad-ein'", "Index Cond: (key = 'rad-ein'"),
    ],
)
def test_conditions_still_reach_the_indexes(reader, query, condition):
    """Policies on the tables would be tried first, and no index could serve operators that are not leakproof."""
    reader.execute("set enable_seqscan = off")
    plan = "\n".join(row[0] for row in reader.execute(f"explain (costs off) {query}"))
    assert condition in plan


def test_the_planner_expects_the_rows_that_it_would_without_a_grant(owner, reader):
    """Else joins would be planned as if next to nothing were granted: seconds instead of milliseconds."""

    def expected(connection) -> int:
        plan = connection.execute("explain (format json) select * from observation").fetchone()[0]
        return plan[0]["Plan"]["Plan Rows"]

    owner.execute("analyze observation")
    assert expected(reader) > 0.98 * expected(owner) > 500
