"""Agreements in the database: offered by the owner, accepted by the member, revoked by either, each in both copies.

The owner's copy decides: what it has as accepted and not revoked is in force, from the next row on. Versions of an
agreement are rows of their own; each is signed by both, and ends when a later one begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from federation.agreements import AgreementError, Document, Kind, Terms, digest_of
from policy.errors import Flaw, Wrong

WAITING = 100  # offers of one city that it made within
WAITING_FOR = timedelta(days=30)  # and that nobody has accepted: more are not taken in
_COLUMNS = {Kind.OFFER: "offer", Kind.ACCEPTANCE: "acceptance", Kind.REVOCATION: "revocation"}
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A document that the other city has not been given yet."""

    agreement: str
    version: int
    city: str
    kind: Kind
    text: str


def store_offer(connection: psycopg.Connection[Any], terms: Terms, offer: str, *, ours: bool) -> None:
    """Keep an offer, our own or another city's. To keep the same twice is nothing new.

    Raises:
        AgreementError: it is no new version of what is known by this id, or an own dataset does not exist.
    """
    with connection.transaction():
        if ours:
            _check_datasets(connection, terms)
        known = _versions(connection, terms.id, lock=True)
        if any(row["offer"] == offer for row in known):
            return
        _check_version(terms, known, ours=ours)
        if not ours:
            _check_waiting(connection, terms.owner)
        connection.execute(
            "insert into agreement (id, version, owner, member, datasets, themes, keywords, applications, purposes,"
            " valid_from, valid_until, obligations, note, offer, undelivered)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                terms.id,
                terms.version,
                None if ours else terms.owner,
                terms.member,
                *(sorted(getattr(terms, name)) for name in ("datasets", "themes", "keywords", "applications")),
                sorted(terms.purposes),
                datetime.fromtimestamp(terms.valid_from, UTC),
                datetime.fromtimestamp(terms.valid_until, UTC),
                list(terms.obligations),
                terms.note,
                offer,
                Kind.OFFER.value if ours else None,
            ),
        )


def store_answer(connection: psycopg.Connection[Any], row: _Row, kind: Kind, text: str, by: str) -> None:
    """Keep an acceptance or a revocation of a version that this node has signed; it is still to be delivered.

    Raises:
        AgreementError: it can't be answered so (any more).
    """
    with connection.transaction():
        _answer(connection, agreement_of(connection, row["id"], row["version"], lock=True), kind, text, by)
        connection.execute(
            "update agreement set undelivered = %s where id = %s and version = %s",
            (kind.value, row["id"], row["version"]),
        )


def receive(connection: psycopg.Connection[Any], document: Document, own_city: str) -> None:
    """Keep what another city's node has signed. To receive the same twice is nothing new.

    Raises:
        AgreementError: it does not fit what is known of the agreement.
    """
    if document.terms is not None:
        if document.terms.member != own_city:
            raise AgreementError("its member is another city")
        store_offer(connection, document.terms, document.text, ours=False)
        return
    with connection.transaction():
        row = _answered(_versions(connection, document.agreement, lock=True), document.offer_digest)
        other = row["member"] if row["owner"] is None else row["owner"]
        if document.sender != other:
            raise AgreementError("its sender is no side of this agreement")
        if row[_COLUMNS[document.kind]] is not None:
            return
        if document.kind is Kind.ACCEPTANCE and row["owner"] is not None:
            raise AgreementError("the owner offers, and the member accepts")
        _answer(connection, row, document.kind, document.text, document.sender)


def agreement_of(
    connection: psycopg.Connection[Any], id_: str, version: int | None = None, *, lock: bool = False
) -> _Row:
    """One agreement, by default its newest version. Raises AgreementError if there is none."""
    rows = _versions(connection, id_, lock=lock)
    if not rows:
        raise AgreementError(f"agreement: {id_[:100]!r} does not exist; see `verbund agreement list`")
    for row in rows:
        if version in (None, row["version"]):
            return row
    raise AgreementError(f"version: {id_!r} has no version {version}; its newest is {rows[0]['version']}")


def unrevoked(connection: psycopg.Connection[Any], id_: str, version: int | None = None) -> list[_Row]:
    """What revoking an agreement ends: all its versions, or one of them.

    Raises:
        AgreementError: there is nothing left to revoke.
    """
    newest = agreement_of(connection, id_, version)
    rows = [newest] if version is not None else _versions(connection, id_)
    if found := [row for row in rows if row["revoked_at"] is None]:
        return found
    raise _flawed("agreement", Wrong.DONE_ALREADY, f"{id_!r} is revoked already")


def list_agreements(connection: psycopg.Connection[Any]) -> list[_Row]:
    """All versions of all agreements, newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"{_ROWS} order by created_at desc, id, version desc").fetchall()


def undelivered(connection: psycopg.Connection[Any]) -> list[Undelivered]:
    """What is still to be given to other cities, in the order in which it was made."""
    return [
        Undelivered(row["id"], row["version"], row["owner"] or row["member"], kind, row[_COLUMNS[kind]])
        for row in reversed(list_agreements(connection))
        if row["undelivered"] is not None
        for kind in (Kind(row["undelivered"]),)
    ]


def delivered(connection: psycopg.Connection[Any], one: Undelivered) -> None:
    """Note that the other city has a document."""
    connection.execute(
        "update agreement set undelivered = null where id = %s and version = %s and undelivered = %s",
        (one.agreement, one.version, one.kind.value),
    )


def state_of(row: _Row, now: datetime) -> str:
    """An agreement's state in a word or two."""
    if row["revoked_at"] is not None:
        return f"revoked {row['revoked_at']:%Y-%m-%d}" + (f" by {row['revoked_by']}" if row["revoked_by"] else "")
    if row["replaced_at"] is not None and now >= row["replaced_at"]:
        return "replaced"
    if now >= row["valid_until"]:
        return "ended"
    if row["accepted_at"] is None:
        return "offered"
    return "in force" if now >= row["valid_from"] else "not yet"


_ROWS = """
select a.*, (select min(later.valid_from) from agreement later
              where later.id = a.id and later.version > a.version and later.accepted_at is not null
                and (later.revoked_at is null or later.revoked_at > later.valid_from)) as replaced_at
  from agreement a
"""


def _versions(connection: psycopg.Connection[Any], id_: str, *, lock: bool = False) -> list[_Row]:
    """All versions of an agreement, newest first. `replaced_at`: when a later one begins (policy.agreements)."""
    tail = " for update of a" if lock else ""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"{_ROWS} where id = %s order by version desc{tail}", (id_,)).fetchall()


def _check_version(terms: Terms, known: list[_Row], *, ours: bool) -> None:
    if not known:
        return  # a city may be told of an agreement late, so the first that it hears of need not be version 1
    newest = known[0]
    if (newest["owner"], newest["member"]) != (None if ours else terms.owner, terms.member):
        raise _flawed("id", Wrong.TAKEN, f"{terms.id!r} is taken by an agreement with another city")
    if all(row["revoked_at"] is not None for row in known):
        raise _flawed("id", Wrong.TAKEN, f"{terms.id!r} is revoked; choose another one")
    if terms.version <= newest["version"]:
        following = f"what was offered is not changed, the next version is {newest['version'] + 1}"
        raise _flawed("version", Wrong.TAKEN, f"{terms.version} of {terms.id!r} is not new; {following}")


def _check_waiting(connection: psycopg.Connection[Any], owner: str) -> None:
    waiting = connection.execute(
        "select count(*) from agreement where owner = %s and accepted_at is null and created_at > now() - %s",
        (owner, WAITING_FOR),
    ).fetchone()
    if waiting is not None and waiting[0] >= WAITING:
        raise AgreementError(f"{WAITING} offers of the last {WAITING_FOR.days} days wait for an answer: offer no more")


def _answered(versions: list[_Row], offer_digest: str) -> _Row:
    for row in versions:
        if row["offer"] is not None and digest_of(row["offer"]) == offer_digest:
            return row
    raise AgreementError("it answers another offer than those that are known here")


def _answer(connection: psycopg.Connection[Any], row: _Row, kind: Kind, text: str, by: str) -> None:
    key = row["id"], row["version"]
    if row["revoked_at"] is not None:
        raise _flawed("agreement", Wrong.DONE_ALREADY, f"{row['id']!r} is revoked already")
    if kind is Kind.ACCEPTANCE:
        if row["accepted_at"] is not None:
            raise _flawed("agreement", Wrong.DONE_ALREADY, f"{row['id']!r} is accepted already")
        connection.execute(
            "update agreement set acceptance = %s, accepted_at = clock_timestamp() where id = %s and version = %s",
            (text, *key),
        )
    else:
        connection.execute(
            "update agreement set revocation = %s, revoked_by = %s, revoked_at = clock_timestamp()"
            " where id = %s and version = %s",
            (text, by, *key),
        )


def _check_datasets(connection: psycopg.Connection[Any], terms: Terms) -> None:
    known = {
        key for (key,) in connection.execute("select key from dataset where key = any(%s)", (list(terms.datasets),))
    }
    if missing := sorted(set(terms.datasets) - known):
        text = f"{', '.join(missing)} does not exist; see `verbund dataset list`"
        raise _flawed("datasets", Wrong.UNKNOWN, text)


def staying(connection: psycopg.Connection[Any], keys: Sequence[str]) -> list[tuple[str, str]]:
    """Those of these datasets, with their tier, of which nothing leaves the city whatever is agreed."""
    text = "select key, tier::text from dataset where key = any(%s) and tier in ('INTERNAL', 'PROTECTED') order by key"
    return connection.execute(text, (list(keys),)).fetchall()


def _flawed(field: str, wrong: Wrong, text: str) -> AgreementError:
    flaw = Flaw(field, wrong, text)
    return AgreementError(str(flaw), [flaw])
