"""What ends tokens before their time: a token, an application of this city, or another city's application.

A revocation ends the tokens of its subject that were issued before a time; one that lasts is of all time. Revocations
are looked up in PostgreSQL by the statement that also remembers the proof (`node.auth.uses`), so they hold for every
replica from the next request on, and for tokens that a replica has verified before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from federation.subjects import APPLICATION_ID, MEMBER_ID
from node.store.auth_tables import revocation
from node.store.pool import Pool

_ALL_TIME = sa.text("'infinity'")


class RevocationError(Exception):
    """It can't be refused or allowed so. The text names the field and the remedy."""


@dataclass(frozen=True)
class Refused:
    """An application that gets no access here: `name` is city/application."""

    name: str
    since: datetime


class Revocations:
    """The revocations as the endpoints for clients need them; every method raises psycopg's errors."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def end(self, token_id: str) -> None:
        """End a token. Whatever time its node's clock has put into it, there will be no other one of this id."""
        statement = """
            insert into revocation (subject, issued_before) values (%s, now() + interval '1 hour')
            on conflict (subject) do update
               set issued_before = greatest(revocation.issued_before, excluded.issued_before)
        """
        async with self._pool.connection() as connection:
            await connection.execute(statement, (token_subject(token_id),))

    async def is_refused(self, subject: str) -> bool:
        """True if this subject gets no tokens."""
        return await self._exists("subject = %s and issued_before = 'infinity'", subject)

    async def are_ended(self, subjects: Sequence[str], issued_at: int) -> bool:
        """True if a token of these subjects that was issued then counts no more."""
        return await self._exists("subject = any(%s) and issued_before > to_timestamp(%s)", list(subjects), issued_at)

    async def _exists(self, condition: str, *values: object) -> bool:
        statement = f"select from revocation where {condition}"
        async with self._pool.connection() as connection:
            return (await connection.execute(statement.encode(), values)).rowcount > 0


def token_subject(token_id: str) -> str:
    """The subject for one token, by its `jti`."""
    return f"token:{token_id}"


def client_subject(application: str) -> str:
    """The subject for all tokens of an application of this city."""
    return f"client:{application}"


def foreign_subject(city: str, application: str) -> str:
    """The subject for all tokens of another city's application."""
    return f"application:{city}/{application}"


def end_tokens(connection: Connection, subject: str) -> None:
    """End the tokens that this subject has now; it may get new ones, unless it is refused."""
    _put(connection, subject, sa.func.now())


def refuse(connection: Connection, subject: str) -> None:
    """End the tokens of this subject, those to come as well."""
    _put(connection, subject, _ALL_TIME)


def allow(connection: Connection, subject: str) -> bool:
    """Let this subject have tokens again; the old ones stay ended. False if it was not refused."""
    lasting = revocation.c.issued_before == _ALL_TIME
    this_second = sa.func.date_trunc("second", sa.func.now())  # as tokens count: a new one is to be good at once
    changed = connection.execute(
        sa.update(revocation).where(revocation.c.subject == subject, lasting).values(issued_before=this_second)
    )
    return changed.rowcount > 0


def refuse_foreign(engine: Engine, name: str) -> None:
    """Give another city's application, named city/application, no access here whatever its city says.

    Raises:
        RevocationError: the name is malformed.
    """
    with engine.begin() as connection:
        refuse(connection, _foreign_subject(name))


def allow_foreign(engine: Engine, name: str) -> None:
    """Take a refusal back.

    Raises:
        RevocationError: the name is malformed, or was not refused.
    """
    with engine.begin() as connection:
        if not allow(connection, _foreign_subject(name)):
            raise RevocationError(f"{name!r} is not refused; `verbund client refused` lists those that are")


def list_refused(engine: Engine) -> list[Refused]:
    """The applications of other cities that are refused, by name."""
    name = sa.func.split_part(revocation.c.subject, ":", 2)
    query = (
        select(name, revocation.c.revoked_at)
        .where(revocation.c.issued_before == _ALL_TIME, revocation.c.subject.startswith("application:"))
        .order_by(name)
    )
    with engine.connect() as connection:
        return [Refused(*row) for row in connection.execute(query)]


def _foreign_subject(name: str) -> str:
    city, slash, application = name.partition("/")
    if not slash or not MEMBER_ID.fullmatch(city) or not APPLICATION_ID.fullmatch(application):
        raise RevocationError(f"{name!r} is not CITY/APPLICATION, e.g. offenbach/verkehrsportal")
    return foreign_subject(city, application)


def _put(connection: Connection, subject: str, issued_before: Any) -> None:
    later = sa.func.greatest(revocation.c.issued_before, sa.literal_column("excluded.issued_before"))
    statement = insert(revocation).values(subject=subject, issued_before=issued_before)
    connection.execute(statement.on_conflict_do_update(index_elements=["subject"], set_={"issued_before": later}))
