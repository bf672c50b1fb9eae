"""What a node has heard and proven: the current membership, and the rule that nobody goes back to what was said before.

Not handled here: fetching, keeping on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from federation.errors import MembershipError
from federation.jose import JwtError, read_unverified
from federation.membership import Membership
from federation.trust.anchor import AnchorConfiguration, AnchorView, Vouched, read_anchor, read_members
from federation.trust.assembly import NO_KEYS, Assembled, assemble
from federation.trust.node_configuration import NodeConfiguration, read_configuration, read_self_signed
from federation.trust.pins import AnchorPin
from federation.trust.statements import MAX_STATEMENT_BYTES, Period, Statement, checked_keys, moment

NOTHING_HEARD = "nothing has been heard from the anchor yet: is it reachable, and are its keys the right ones?"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class AnchorRecord:
    """What an anchor said last. `pin`: digest of the keys from outside by which it was believed."""

    pin: str
    token: str
    document: bytes
    view: AnchorView


@dataclass(frozen=True)
class NodeRecord:
    """What a node said last, and the keys that were vouched for then."""

    token: str
    vouched_jwks: dict[str, Any]
    configuration: NodeConfiguration


@dataclass(frozen=True)
class Kept:
    """A proven statement on disk. `pin` and `document` belong to an anchor; `keys` (JWK) are those of a node."""

    entity: str
    token: str
    issued_at: datetime
    pin: str | None = None
    document: bytes | None = None
    keys: tuple[dict[str, Any], ...] = ()


class Trust:
    """The state of a node that trusts some anchors."""

    def __init__(self, *, allow_plain_http: bool) -> None:
        self._allow_plain_http = allow_plain_http
        self._pins: dict[str, AnchorPin] = {}
        self._anchors: dict[str, AnchorRecord] = {}
        self._nodes: dict[str, NodeRecord] = {}
        self._assembled: Assembled | None = None

    @property
    def pins(self) -> Sequence[AnchorPin]:
        """The anchors that are trusted."""
        return tuple(self._pins.values())

    def set_pins(self, pins: Sequence[AnchorPin]) -> None:
        """Trust these anchors and no others from now on."""
        self._pins = {pin.entity: pin for pin in pins}
        self._assembled = None

    def read_anchor(self, pin: AnchorPin, token: str, now: datetime) -> AnchorConfiguration:
        """The anchor's configuration, if it is proven and not older than what was heard before.

        An anchor may change its keys: what it has last published under a key that we trust names those that count now.
        The pinned ones count until then, and again once another file with keys has been put in place.

        Raises:
            MembershipError: it is not.
        """
        known = self._anchors.get(pin.entity)
        follows = known is not None and known.pin == pin.digest
        jwks = known.view.configuration.jwks if known is not None and follows else pin.jwks
        configuration = read_anchor(token, pin.entity, jwks, now)
        if known is not None and token != known.token:
            before = known.view.configuration.period.issued_at
            if configuration.period.issued_at <= before:
                raise MembershipError(f"it is not newer than the one in use, of {before:%Y-%m-%d %H:%M:%SZ}")
        return configuration

    def document_of(self, pin: AnchorPin, configuration: AnchorConfiguration, token: str) -> bytes | None:
        """The members document that the configuration names, empty if it is not here; None if nothing is new."""
        known = self._anchors.get(pin.entity)
        if known is None:
            return b""
        if known.token == token and known.pin == pin.digest:
            return None
        return known.document if known.view.configuration.digest == configuration.digest else b""

    def read_members(
        self, pin: AnchorPin, token: str, configuration: AnchorConfiguration, document: bytes, now: datetime
    ) -> AnchorRecord:
        """All that the anchor says now; costs a signature per member.

        Raises:
            MembershipError: the document can't be relied on.
        """
        members = read_members(document, configuration, now)
        for one in members:
            url = urlsplit(one.issuer)
            if url.scheme == "http" and url.hostname not in LOOPBACK and not self._allow_plain_http:
                raise MembershipError(f"member {one.id} is not encrypted ({one.issuer}): it must use https")
        return AnchorRecord(pin.digest, token, document, AnchorView(configuration, members))

    def take_anchor(self, record: AnchorRecord) -> None:
        """Go by what the anchor says from now on."""
        self._anchors[record.view.configuration.entity] = record
        self._assembled = None

    def vouched_jwks(self, issuer: str, now: datetime) -> dict[str, Any]:
        """The federation keys of a node that are vouched for; none for a stranger."""
        return next((one.jwks for one in self._assembled_at(now).vouched if one.issuer == issuer), NO_KEYS)

    def read_node(self, issuer: str, token: str, vouched_jwks: dict[str, Any], now: datetime) -> NodeRecord | None:
        """A node's configuration, proven; None if one that is as new or newer is known.

        Raises:
            MembershipError: it can't be relied on.
        """
        known = self._nodes.get(issuer)
        if known is not None and known.token == token and known.vouched_jwks == vouched_jwks:
            return None
        configuration = read_configuration(token, issuer, vouched_jwks, now)
        if known is not None and configuration.period.issued_at < known.configuration.period.issued_at:
            return None
        return NodeRecord(token, vouched_jwks, configuration)

    def take_node(self, record: NodeRecord) -> None:
        """Go by what the node says from now on."""
        self._nodes[record.configuration.issuer] = record
        self._assembled = None

    def period_of(self, entity: str) -> Period | None:
        """When an anchor or a node said what is in use, and when that ends; None if it said nothing yet."""
        if (anchor := self._anchors.get(entity)) is not None:
            return anchor.view.configuration.period
        node = self._nodes.get(entity)
        return None if node is None else node.configuration.period

    def current(self, now: datetime) -> Membership:
        """The members as they are now.

        Raises:
            MembershipError: nothing has been heard yet, or all has ended.
        """
        return self._assembled_at(now).membership

    def restore(self, kept: Kept) -> None:
        """Remember what was proven before a restart, even if it has ended: it tells keys, and what is older.

        Whether a node's key is vouched for is checked when its configuration is needed.

        Raises:
            MembershipError: it is damaged.
        """
        if kept.pin is None or kept.document is None:
            self.take_node(NodeRecord(kept.token, NO_KEYS, read_self_signed(kept.token)))
            return
        entity, jwks, then = _claimed(kept.token)
        configuration = read_anchor(kept.token, entity, jwks, then)
        view = AnchorView(configuration, read_members(kept.document, configuration, then))
        self.take_anchor(AnchorRecord(kept.pin, kept.token, kept.document, view))

    def _assembled_at(self, now: datetime) -> Assembled:
        if self._assembled is None or now >= self._assembled.changes_at:
            self._assembled = None
            if not (views := self._views()):
                raise MembershipError(NOTHING_HEARD)
            self._assembled = assemble(views, lambda one: self._proven(one, now), now)
        return self._assembled

    def _proven(self, vouched: Vouched, now: datetime) -> NodeConfiguration | None:
        record = self._nodes.get(vouched.issuer)
        if record is None or record.configuration.period.expires_at <= now:
            return None
        if record.vouched_jwks != vouched.jwks:  # other keys are vouched for now: is the right one among them?
            try:
                read_configuration(record.token, vouched.issuer, vouched.jwks, now)
            except MembershipError:
                return None
            self._nodes[vouched.issuer] = replace(record, vouched_jwks=vouched.jwks)
        return record.configuration

    def _views(self) -> list[AnchorView]:
        known = ((pin, self._anchors.get(entity)) for entity, pin in self._pins.items())
        return [record.view for pin, record in known if record is not None and record.pin == pin.digest]


def _claimed(token: str) -> tuple[str, dict[str, Any], datetime]:
    """Entity, keys and time of a self-signed statement, as it says itself."""
    try:
        claims = msgspec.convert(read_unverified(token, MAX_STATEMENT_BYTES).claims, Statement)
    except (JwtError, msgspec.ValidationError):
        raise MembershipError("what was kept is damaged") from None
    return claims.iss, checked_keys(claims.jwks), moment(claims.iat)
