"""Agreements in the database: offered by the owner, accepted by the member, revoked by either, each in both copies.

The owner's copy decides: what it has as accepted and not revoked is in force, from the next row on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from federation.agreements import AgreementError, Document, Kind, Terms, digest_of

_COLUMNS = {Kind.OFFER: "offer", Kind.ACCEPTANCE: "acceptance", Kind.REVOCATION: "revocation"}


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A document that the other city has not been given yet."""

    agreement: str
    city: str
    kind: Kind
    text: str


def store_offer(connection: psycopg.Connection[Any], terms: Terms, offer: str, *, ours: bool) -> None:
    """Keep an offer, our own or another city's.

    Raises:
        AgreementError: the id is taken, or an own dataset does not exist.
    """
    with connection.transaction():
        if ours:
            _check_datasets(connection, terms)
        known = connection.execute("select offer from agreement where id = %s for update", (terms.id,)).fetchone()
        if known is not None:
            if known[0] == offer:
                return
            raise AgreementError(f"id: {terms.id!r} is taken; an agreement is revoked and made anew, not changed")
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


def store_answer(connection: psycopg.Connection[Any], id_: str, kind: Kind, text: str, by: str) -> None:
    """Keep an acceptance or a revocation that this node has signed; it is still to be delivered.

    Raises:
        AgreementError: there is no such agreement, or it can't be answered so.
    """
    with connection.transaction():
        _answer(connection, agreement_of(connection, id_, lock=True), kind, text, by)
        connection.execute("update agreement set undelivered = %s where id = %s", (kind.value, id_))


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
        row = agreement_of(connection, document.agreement, lock=True)
        if row["offer"] is None or digest_of(row["offer"]) != document.offer_digest:
            raise AgreementError("it answers another offer than the one that is known here")
        other = row["member"] if row["owner"] is None else row["owner"]
        if document.sender != other:
            raise AgreementError("its sender is no side of this agreement")
        if row[_COLUMNS[document.kind]] is not None:
            return
        if document.kind is Kind.ACCEPTANCE and row["owner"] is not None:
            raise AgreementError("the owner offers, and the member accepts")
        _answer(connection, row, document.kind, document.text, document.sender)


def _answer(connection: psycopg.Connection[Any], row: dict[str, Any], kind: Kind, text: str, by: str) -> None:
    if row["revoked_at"] is not None:
        raise AgreementError(f"agreement: {row['id']!r} is revoked already")
    if kind is Kind.ACCEPTANCE:
        if row["accepted_at"] is not None:
            raise AgreementError(f"agreement: {row['id']!r} is accepted already")
        connection.execute(
            "update agreement set acceptance = %s, accepted_at = clock_timestamp() where id = %s", (text, row["id"])
        )
    else:
        connection.execute(
            "update agreement set revocation = %s, revoked_by = %s, revoked_at = clock_timestamp() where id = %s",
            (text, by, row["id"]),
        )


def agreement_of(connection: psycopg.Connection[Any], id_: str, *, lock: bool = False) -> dict[str, Any]:
    """One agreement. Raises AgreementError if there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(f"select * from agreement where id = %s{' for update' if lock else ''}", (id_,)).fetchone()
    if row is None:
        raise AgreementError(f"agreement: {id_[:100]!r} does not exist; see `verbund agreement list`")
    return row


def list_agreements(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """All agreements, newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from agreement order by created_at desc, id").fetchall()


def undelivered(connection: psycopg.Connection[Any]) -> list[Undelivered]:
    """What is still to be given to other cities."""
    return [
        Undelivered(row["id"], row["owner"] or row["member"], kind, row[_COLUMNS[kind]])
        for row in list_agreements(connection)
        if row["undelivered"] is not None
        for kind in (Kind(row["undelivered"]),)
    ]


def delivered(connection: psycopg.Connection[Any], one: Undelivered) -> None:
    """Note that the other city has a document."""
    connection.execute(
        "update agreement set undelivered = null where id = %s and undelivered = %s", (one.agreement, one.kind.value)
    )


def state_of(row: dict[str, Any], now: datetime) -> str:
    """An agreement's state in a word or two."""
    if row["revoked_at"] is not None:
        return f"revoked {row['revoked_at']:%Y-%m-%d}" + (f" by {row['revoked_by']}" if row["revoked_by"] else "")
    if now >= row["valid_until"]:
        return "ended"
    if row["accepted_at"] is None:
        return "offered"
    return "in force" if now >= row["valid_from"] else "not yet"


def _check_datasets(connection: psycopg.Connection[Any], terms: Terms) -> None:
    known = {
        key for (key,) in connection.execute("select key from dataset where key = any(%s)", (list(terms.datasets),))
    }
    if missing := sorted(set(terms.datasets) - known):
        raise AgreementError(f"dataset: {', '.join(missing)} does not exist; see `verbund dataset list`")
