"""What this node signs and receives about agreements, and how it reaches the other city."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg

from federation.agreements import (
    MAX_BYTES,
    PATH,
    AgreementError,
    Document,
    Kind,
    Terms,
    read_document,
    sign_answer,
    sign_offer,
)
from federation.errors import PeerError
from federation.jose import JwtError, read_unverified
from federation.membership import Member, Membership
from federation.transport import PeerTransport
from node.auth.identity import NodeIdentity
from node.store.agreements import (
    Undelivered,
    agreement_of,
    delivered,
    receive,
    store_answer,
    store_offer,
    undelivered,
    unrevoked,
)
from policy.errors import Flaw, Wrong

TIMEOUT_S = 10.0


class Agreeing:
    """One city's side of its agreements."""

    def __init__(self, identity: NodeIdentity, membership: Callable[[], Membership]) -> None:
        self._identity = identity
        self._membership = membership

    def issuers(self) -> dict[str, str]:
        """URLs of the members' nodes by city. Raises MembershipError."""
        return {member.id: member.issuer for member in self._membership().members}

    def offer(self, connection: psycopg.Connection[Any], terms: Terms) -> None:
        """Sign an offer and keep it. Nothing holds before the member accepts.

        Raises:
            AgreementError: the terms can't be kept, or the member is unknown.
        """
        identity = self._identity
        text = sign_offer(
            terms, identity.issuer, self._member(terms.member).issuer, identity.signing_key, datetime.now(UTC)
        )
        store_offer(connection, terms, text, ours=True)

    def accept(self, connection: psycopg.Connection[Any], id_: str, version: int | None = None) -> None:
        """Sign the acceptance of another city's offer, by default of its newest version. Raises AgreementError."""
        row = agreement_of(connection, id_, version)
        if row["owner"] is None:
            raise AgreementError(f"agreement: {id_!r} is this city's own offer; the member accepts it")
        self._answer(connection, row, Kind.ACCEPTANCE)

    def revoke(self, connection: psycopg.Connection[Any], id_: str, version: int | None = None) -> None:
        """Sign the revocation of an agreement, or of one version of it, as either side. Raises AgreementError."""
        for row in unrevoked(connection, id_, version):
            self._answer(connection, row, Kind.REVOCATION)

    def read(self, text: str) -> Document:
        """What another city's node has signed for this one. Raises AgreementError, MembershipError."""
        return read_document(text, self._membership(), self._identity.issuer)

    def keep(self, connection: psycopg.Connection[Any], document: Document) -> None:
        """Keep what was read. Raises AgreementError."""
        receive(connection, document, self._identity.city)

    def unknown_signer(self, text: str) -> str | None:
        """The issuer of a document, if it is a member that signs with a key that is not known here."""
        try:
            unverified = read_unverified(text, MAX_BYTES)
        except JwtError:
            return None
        issuer = unverified.claims.get("iss")
        member = self._membership().by_issuer(issuer) if isinstance(issuer, str) else None
        if member is None or any(key.kid == unverified.header["kid"] for key in member.keys.keys):
            return None
        return member.issuer

    async def deliver(
        self, connection: psycopg.Connection[Any], transport: PeerTransport
    ) -> list[tuple[Undelivered, str]]:
        """Give other cities what they don't have yet; what could not be delivered comes back with the reason."""
        failed = []
        for one in undelivered(connection):
            try:
                await self._post(one, transport)
            except (PeerError, AgreementError) as error:
                failed.append((one, str(error)))
            else:
                delivered(connection, one)
                connection.commit()
        return failed

    def _answer(self, connection: psycopg.Connection[Any], row: dict[str, Any], kind: Kind) -> None:
        identity = self._identity
        other = self._member(row["owner"] or row["member"])
        text = sign_answer(
            kind,
            row["offer"] or "",
            row["id"],
            identity.issuer,
            other.issuer,
            identity.signing_key,
            datetime.now(UTC),
        )
        store_answer(connection, row, kind, text, identity.city)

    async def _post(self, one: Undelivered, transport: PeerTransport) -> None:
        answer = await transport.post(
            self._member(one.city).issuer + PATH,
            body=one.text.encode(),
            content_type="application/jwt",
            headers={},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
        if answer.status != 204:
            raise AgreementError(f"its node answers with {answer.status}")

    def _member(self, city: str) -> Member:
        member = self._membership().by_id(city)
        if member is None or not member.is_active:
            flaw = Flaw("member", Wrong.UNKNOWN, f"{city[:40]!r} is not an active member of the federation")
            raise AgreementError(str(flaw), [flaw])
        return member
