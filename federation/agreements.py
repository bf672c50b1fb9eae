"""Agreements between two cities as documents that their nodes sign: an offer, its acceptance, its revocation. Pure.

Each is a compact JWS (ES256, `typ` agreement+jwt) from one node to the other. The owner signs an offer with all that is
agreed on; the member's acceptance and either side's revocation name the offer by its SHA-256, so that nobody can later
mean another text. What is signed is what is in force: the owner's rules are made from its own copy of the offer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from joserfc.jwk import ECKey

from federation.jose import JwtError, read_unverified, sign, verify
from federation.membership import Member, Membership
from policy.errors import Flaw, PolicyError, Wrong
from policy.obligations import read_obligations
from policy.vocabulary import PURPOSES, is_purpose

PATH = "/federation/agreements"
TYP = "agreement+jwt"
MAX_BYTES = 65_536
MAX_NAMED = 500
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z

_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Keys = Annotated[tuple[_Key, ...], msgspec.Meta(max_length=MAX_NAMED)]
_Second = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]


class AgreementError(ValueError):
    """A document can't be accepted; the text names what is wrong. `flaws`: field by field, if fields were checked."""

    def __init__(self, message: str, flaws: Sequence[Flaw] = ()) -> None:
        super().__init__(message)
        self.flaws = tuple(flaws)


class Kind(StrEnum):
    """What a document does."""

    OFFER = "offer"
    ACCEPTANCE = "acceptance"
    REVOCATION = "revocation"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What two cities agree on. Times are seconds since 1970; `until` is exclusive. `applications` empty: all.

    Datasets are meant by key, by theme and by keyword: whichever has one of these.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    owner: _Key
    member: _Key
    datasets: _Keys = ()
    themes: _Keys = ()
    keywords: _Keys = ()
    applications: _Keys = ()
    purposes: Annotated[tuple[_Key, ...], msgspec.Meta(min_length=1, max_length=MAX_NAMED)]
    valid_from: _Second
    valid_until: _Second
    obligations: _Keys = ()
    note: Annotated[str, msgspec.Meta(max_length=2_000)] = ""


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    iss: Annotated[str, msgspec.Meta(max_length=200)]
    aud: Annotated[str, msgspec.Meta(max_length=200)]
    iat: _Second
    kind: Kind
    agreement: Annotated[str, msgspec.Meta(max_length=100)]
    offer: Annotated[str, msgspec.Meta(max_length=64)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    terms: Terms | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document whose signature holds. `sender` is the city that signed it; `terms` are those of an offer."""

    kind: Kind
    sender: str
    agreement: str
    signed_at: datetime
    offer_digest: str
    reason: str
    terms: Terms | None
    text: str


def check_terms(terms: Terms) -> None:
    """Refuse terms that nobody could keep.

    Raises:
        AgreementError: naming the field, its value and the remedy.
    """
    if flaws := list(_flaws(terms)):
        raise AgreementError("; ".join(map(str, flaws)), flaws)
    try:
        read_obligations(terms.obligations)
    except PolicyError as error:
        raise AgreementError(str(error), error.flaws) from None


def _flaws(terms: Terms) -> Iterator[Flaw]:
    if terms.owner == terms.member:
        text = "is the owner itself; a city needs no agreement for its own data"
        yield Flaw("member", Wrong.OWN_CITY, text)
    if not (terms.datasets or terms.themes or terms.keywords):
        yield Flaw("datasets", Wrong.EMPTY, "name at least one dataset, theme or keyword")
    for name in ("datasets", "themes", "keywords", "applications"):
        if any(not word.isprintable() for word in getattr(terms, name)):
            yield Flaw(name, Wrong.FORM, "has characters that can't be printed")
    if any(not line.isprintable() for line in terms.note.replace("\r\n", "\n").split("\n")):
        yield Flaw("note", Wrong.FORM, "has characters that can't be printed, other than line breaks")
    for purpose in terms.purposes:
        if not is_purpose(purpose):
            vocabulary = ", ".join(PURPOSES)
            yield Flaw("purposes", Wrong.UNKNOWN, f"{purpose[:40]!r} is not in the vocabulary: {vocabulary}")
    if terms.valid_from >= terms.valid_until:
        yield Flaw("valid_until", Wrong.NOT_AFTER, "is not after valid_from")


def digest_of(text: str) -> str:
    """How an acceptance and a revocation name an offer."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign_offer(terms: Terms, issuer: str, audience: str, key: ECKey, now: datetime) -> str:
    """The offer, signed by the owner's node. Raises AgreementError as `check_terms`."""
    check_terms(terms)
    return _signed(Kind.OFFER, terms.id, issuer, audience, key, now, terms=terms)


def sign_answer(kind: Kind, offer: str, agreement: str, issuer: str, audience: str, key: ECKey, now: datetime) -> str:
    """An acceptance by the member, or a revocation by either side."""
    return _signed(kind, agreement, issuer, audience, key, now, offer=digest_of(offer))


def _signed(
    kind: Kind,
    agreement: str,
    issuer: str,
    audience: str,
    key: ECKey,
    now: datetime,
    *,
    offer: str = "",
    terms: Terms | None = None,
) -> str:
    claims = _Claims(
        iss=issuer, aud=audience, iat=int(now.timestamp()), kind=kind, agreement=agreement, offer=offer, terms=terms
    )
    return sign(msgspec.to_builtins(claims), key, TYP)


def read_document(text: str, membership: Membership, audience: str) -> Document:
    """The document, if an active member signed it for this node.

    Raises:
        AgreementError: it is malformed, of nobody who may sign it, or for another node.
    """
    try:
        issuer = read_unverified(text, MAX_BYTES).claims.get("iss")
        sender = membership.by_issuer(issuer) if isinstance(issuer, str) else None
        if sender is None or not sender.is_active:
            raise AgreementError("it is not signed by an active member of the federation")
        claims = msgspec.convert(verify(text, sender.keys, {TYP}, MAX_BYTES), _Claims)
    except JwtError as error:
        raise AgreementError(f"its signature is not accepted: {error.reason}") from None
    except msgspec.ValidationError as error:
        raise AgreementError(f"it is malformed: {error}") from None
    if claims.aud != audience:
        raise AgreementError("it is for another node")
    _check_offer(claims, sender)
    return Document(
        kind=claims.kind,
        sender=sender.id,
        agreement=claims.agreement,
        signed_at=datetime.fromtimestamp(claims.iat, UTC),
        offer_digest=claims.offer,
        reason=claims.reason,
        terms=claims.terms,
        text=text,
    )


def _check_offer(claims: _Claims, sender: Member) -> None:
    if (claims.kind is Kind.OFFER) != (claims.terms is not None):
        raise AgreementError("an offer has terms, and nothing else has")
    if claims.terms is None:
        return
    if claims.terms.id != claims.agreement:
        raise AgreementError("its terms are those of another agreement")
    if claims.terms.owner != sender.id:
        raise AgreementError("its sender offers data of another city")
    check_terms(claims.terms)
