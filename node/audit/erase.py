"""Erase what need not or must not be kept. Leaves stay, so that proofs hold; that something was erased is a record.

Two ways. Personal parts go when somebody has a right to that (`forget`): salt and parts are removed, the salted hash
stays. Whole records go when their time is over (`expire`). Neither touches what a legal hold names. The record of
either names the positions, so whatever else is gone was removed by somebody who did not want to be seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Literal

from node.audit.grammar import Filter, FilterError, read_filter
from node.audit.operator import ERASE, FORGET, Act
from node.audit.positions import ranges_text
from node.audit.search import conditions
from node.audit.security import FIELD

log = logging.getLogger("verbund.audit")
Connection = psycopg.Connection[Any]
BATCH = 20_000
MAX_RANGES = 400  # of positions in one record
SECURITY = f"k.field = '{FIELD}'"
ERASING, FORGETTING = f"operator:log:{ERASE}", f"operator:log:{FORGET}"  # these acts stay for good
_CONFIRMED = "select cosigned_at from log_checkpoint where cosigned_at is not null order by size desc limit 1"
_FORGET = """
update access_record set salt = null, subject = null, token_id = null,
       personal = sha256(salt || convert_to(
           '{"subject":' || coalesce(to_json(subject)::text, 'null')
        || ',"token_id":' || coalesce(to_json(token_id)::text, 'null') || '}', 'UTF8'))
 where id = any(%s)
"""

GROUNDS = ("not-needed", "consent-withdrawn", "objection", "unlawful", "legal-duty", "child")
"""Why personal parts are erased: Article 17 (1) (a) to (f) GDPR. Not free text, which could name the person."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept."""

    accesses: timedelta
    security: timedelta


def forget(connection: Connection, city: str, text: str, wanted: Filter, reason: str) -> int:
    """Erase the personal parts of all records in the tree that match; returns of how many. `reason` is one of GROUNDS.

    Raises:
        psycopg.Error: the batches before it are done.
    """
    on = conditions(wanted)
    matching = SQL("r.salt is not null and {record} and {kind}").format(**on)
    total, act = 0, f"personal parts: {text}: {reason}"
    while batch := _batch(connection, city, (FORGET, act), matching, _FORGET):
        total += batch
    if not total:  # that somebody wanted it is a record, too
        Act(connection, city, FORGET, act).done(rows=0)
    return total


def beyond_the_tree(connection: Connection, wanted: Filter) -> int:
    """How many records with personal parts match and have no position yet, so that no act can name them."""
    query = SQL(
        "select count(*) from access_record r join access_kind k on k.id = r.kind where r.salt is not null"
        " and r.id > coalesce((select max(record_id + length - 1) from log_run), 0) and {record} and {kind}"
    ).format(**conditions(wanted))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def expire(connection: Connection, city: str, retention: Retention, clock: datetime | None = None) -> int:
    """Erase the records whose time is over; returns how many. In batches, each with a record of its own.

    A `clock` (default: this machine's) that runs ahead must not erase the log: it counts no further than witnesses, who
    compare it with their own, have last confirmed it.

    Raises:
        psycopg.Error: the batches before it are done.
    """
    confirmed = connection.execute(_CONFIRMED).fetchone()
    if confirmed is None:
        return 0
    now = min(clock or datetime.now(UTC), confirmed[0])
    matching = SQL(
        "r.at < {latest} and r.at < case when {security} then {security_end} else {access_end} end"
        " and k.action <> all({acts})"
    ).format(
        latest=Literal(now - min(retention.accesses, retention.security)),
        security=SQL(SECURITY),
        security_end=Literal(now - retention.security),
        access_end=Literal(now - retention.accesses),
        acts=Literal([ERASING, FORGETTING]),
    )
    kept = f"accesses {retention.accesses.days} days, security events {retention.security.days} days"
    total, act = 0, f"records whose time is over: {kept}"
    while batch := _batch(connection, city, (ERASE, act), matching, "delete from access_record where id = any(%s)"):
        total += batch
    return total


def _batch(connection: Connection, city: str, how: tuple[str, str], matching: Composed, statement: str) -> int:
    """Do it to the first records in the tree that match and are not held, as many as one act (verb, text) can name."""
    with connection.transaction():
        found = connection.execute(
            SQL(
                "select r.id, run.position + r.id - run.record_id"
                "  from access_record r join access_kind k on k.id = r.kind"
                "  join lateral (select * from log_run where record_id <= r.id order by record_id desc limit 1) run"
                "    on r.id < run.record_id + run.length"
                " where {matching} and not {held} order by r.id limit {batch}"
            ).format(matching=matching, held=held(connection), batch=Literal(BATCH))
        ).fetchall()
        chosen = list(_bounded(found))
        if chosen:
            act = Act(connection, city, *how)
            connection.execute("set local verbund.erasing = 'on'")
            connection.execute(statement, ([id_ for id_, _ in chosen],))
            act.done(rows=len(chosen), positions=ranges_text(position for _, position in chosen))
    return len(chosen)


def held(connection: Connection) -> Composed:
    """The condition that a legal hold names the record (r, k). One that can't be read names every record.

    In a transaction; holds that are set meanwhile wait for its end, so that nothing is erased after its hold is told.
    """
    connection.execute("lock table legal_hold in share mode")
    rows = connection.execute("select id, matching from legal_hold where released_at is null").fetchall()
    return SQL("({})").format(SQL(" or ").join([SQL("false"), *(_held_by(number, text) for number, text in rows)]))


def _held_by(number: int, text: str) -> Composed:
    try:
        wanted = read_filter(text)
    except FilterError as error:
        log.warning(
            "hold %s can't be read, so nothing is erased: %s; add it anew with `verbund audit hold add`, then"
            " `verbund audit hold release %s`", number, error, number,
        )  # fmt: skip
        return SQL("({})").format(SQL("true"))
    return SQL("coalesce({record} and {kind}, false)").format(**conditions(wanted))


def _bounded(found: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """As many as fit into the positions of one record."""
    ranges, before = 0, -2
    for id_, position in found:
        ranges += position != before + 1
        if ranges > MAX_RANGES:
            return
        before = position
        yield id_, position
