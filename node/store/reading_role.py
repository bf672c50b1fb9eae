"""The role with which a node reads, and the rows that it can see: the second lock behind the compiler's conditions.

The role has no rights on tables that hold rows of datasets. It reads views of the same names in the schema `granted`,
which is first in its search path, so that a statement reads the same whether it is secured or not. The views let
through what the transaction's settings name (`node.store.row_grant`); without the settings, nothing. Why views, and not
only policies: see ADR 0010. Policies with the same conditions lie on the tables themselves, for whomever else an
administrator lets read them.

What is here is put in place after the migrations, whenever it or the schema has changed: a role belongs to the server,
not to the database, so a restored backup may lack it. A migration that changes or drops a column that is in a view
drops the view first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from node.store import obliged

ENTER = "select enter_reading_role()"  # what every session of the reading role begins with
SCHEMA = "granted"


class ReadingRoleError(Exception):
    """The role can't be made or may not be used; the text says what an administrator has to do."""


def _bit(setting: str, column: str) -> str:
    """Whether an id is in the set that a setting holds. Each sub-select runs once in a statement.

    Written with <>, which PostgreSQL takes to let nearly all rows through: the compiler's own conditions have been
    counted already, and a second guess would lead to other plans.
    """
    ids = f"current_setting('verbund.{setting}', true)::varbit"
    return f"case when {column} < (select length({ids})) then get_bit((select {ids}), {column}) else 0 end <> 0"


_AUDIT = "(select current_setting('verbund.access_log', true)) = 'on'"

# The rows that may be seen, by table; without alias, since they are the same for views and policies.
CONDITIONS: Mapping[str, str] = {
    "dataset": _bit("datasets", "id"),
    "distribution": _bit("datasets", "dataset_id"),
    "dataset_word": _bit("datasets", "dataset_id"),
    "word_trigram": "exists (select from dataset_word known where known.word = word_trigram.word)",
    # `offset 0`: one dataset after the other until one can be seen, not all of a contact's at once
    "contact": f"exists (select from dataset where contact_id = contact.id and {_bit('datasets', 'dataset.id')}"
    " offset 0)",
    "datastream": _bit("datasets", "dataset_id"),
    "thing": _bit("things", "id"),
    "observation": _bit("observed", "datastream_id"),
    "latest_observation": _bit("observed", "datastream_id"),
    "arrival": _bit("observed", "datastream_id"),
    "access_kind": _AUDIT,
    "access_record": _AUDIT,
    "log_run": _AUDIT,
    "operation": _AUDIT,
}
# Functions of the search name these tables, so that a view in their place would not be seen: here the policies hold.
BY_POLICY = ("dataset_word", "word_trigram")
# Words of the trade, without rows of any dataset.
OPEN = ("publisher", "licence", "sensor", "observed_property", "policy_epoch", "arrival_horizon")


def secure_reading(connection: psycopg.Connection, revision: str) -> None:
    """Put role, views, policies and rights in place, unless they are as they should be at this schema revision.

    Works in the caller's transaction.

    Raises:
        ReadingRoleError: the role is missing and can't be made, or it may do more than read.
    """
    connection.execute("select pg_advisory_xact_lock(hashtext('verbund.reading_role'))")
    role, home = _one(connection, "select reading_role(), current_schema()")
    _ensure_role(connection, role)
    statements = list(_statements(sql.Identifier(role), sql.Identifier(home)))
    text = "\n".join(statement.as_string(connection) for statement in statements)
    state = f"{revision} {hashlib.sha256(text.encode()).hexdigest()}"
    if _is_in_place(connection, role, state):
        return
    for statement in statements:
        connection.execute(statement)
    connection.execute(sql.SQL("comment on schema {} is {}").format(sql.Identifier(SCHEMA), sql.Literal(state)))


def _statements(role: sql.Identifier, home: sql.Identifier) -> Iterator[sql.Composed]:
    def made(text: str, table: str = "") -> sql.Composed:
        condition = sql.SQL(CONDITIONS.get(table, ""))
        return sql.SQL(text).format(
            role=role, home=home, schema=sql.Identifier(SCHEMA), table=sql.Identifier(table or "-"), condition=condition
        )

    yield made("revoke all on all tables in schema {home} from {role}")
    yield sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(obliged.SCHEMA))
    yield made("drop schema if exists {schema} cascade")
    yield made("create schema {schema}")
    yield made("grant usage on schema {schema}, {home} to {role}")
    for table in CONDITIONS:
        yield made("alter table {home}.{table} enable row level security", table)
        yield made("drop policy if exists granted on {home}.{table}", table)
        yield made("create policy granted on {home}.{table} for select using ({condition})", table)
        if table in BY_POLICY:
            yield made("grant select on {home}.{table} to {role}", table)
        else:
            yield made("create view {schema}.{table} as select * from {home}.{table} where {condition}", table)
            yield made("grant select on {schema}.{table} to {role}", table)
    for table in OPEN:
        yield made("grant select on {home}.{table} to {role}", table)
    yield from _obliged_statements(role, home)
    yield made("grant execute on function {home}.datasets_beyond(text, text[], integer[]) to {role}")  # of 0017
    for kind in ("dataset", "datastream", "thing"):
        for sets in ("integer[]", "varbit"):
            yield made(f"grant execute on function {{home}}.beyond_by_{kind}(text[], {sets}) to {{role}}")


def _obliged_statements(role: sql.Identifier, home: sql.Identifier) -> Iterator[sql.Composed]:
    """The schema for transactions whose grant has obligations: see `node.store.obliged`."""
    schema = sql.Identifier(obliged.SCHEMA)
    for text in (
        "create schema {schema}",
        "grant usage on schema {schema} to {role}",
        f"create view {{schema}}.terms as {obliged.TERMS}",
        *(f"create view {{schema}}.{table} as {view}" for table, view in obliged.VIEWS.items()),
        *(f"grant select on {{schema}}.{table} to {{role}}" for table in obliged.VIEWS),
    ):
        yield sql.SQL(text).format(role=role, home=home, schema=schema)


def _is_in_place(connection: psycopg.Connection, role: str, state: str) -> bool:
    found = connection.execute(
        "select obj_description(oid, 'pg_namespace') = %s and has_schema_privilege(%s, oid, 'usage')"
        " from pg_namespace where nspname = %s",
        (state, role, SCHEMA),
    ).fetchone()
    return found == (True,)


def _ensure_role(connection: psycopg.Connection, role: str) -> None:
    name = sql.Identifier(role)
    user, may_make, is_superuser = _one(
        connection,
        "select current_user::text, rolsuper or rolcreaterole, rolsuper from pg_roles where rolname = current_user",
    )
    remedy = f'create role "{role}" nologin; grant "{role}" to "{user}" with inherit false, set true;'
    if connection.execute("select from pg_roles where rolname = %s", (role,)).fetchone() is None:
        if not may_make:
            raise ReadingRoleError(
                f"the node reads with the role {role!r}, which is missing, and {user!r} may not create roles:"
                f" have an administrator run: {remedy}"
            )
        connection.execute(sql.SQL("create role {} nologin").format(name))
        if not is_superuser:
            connection.execute(
                sql.SQL("grant {} to {} with inherit false, set true").format(name, sql.Identifier(user))
            )
    can_do_more, may_use = _one(
        connection,
        "select rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb or rolreplication"
        " or exists (select from pg_auth_members where member = pg_roles.oid), pg_has_role(oid, 'SET')"
        " from pg_roles where rolname = %s",
        role,
    )
    if can_do_more:
        raise ReadingRoleError(
            f"the role {role!r} may do more than read: it must have no attributes (no login, no bypassrls …) and be"
            f" a member of no role: have an administrator drop it and run: {remedy}"
        )
    if not may_use:
        raise ReadingRoleError(
            f"{user!r} may not take on the role {role!r}: have an administrator run:"
            f' grant "{role}" to "{user}" with inherit false, set true;'
        )


def _one(connection: psycopg.Connection, query: str, *parameters: str) -> tuple[str, ...]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row
