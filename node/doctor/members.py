"""The other cities as this node sees them: reach, TLS, clock, token, schema, round trip."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from federation.errors import MembershipError, PeerError
from federation.membership import Member, Membership
from federation.tokens import PeerTokens
from federation.transport import PeerResponse, PeerTransport
from federation.trust.pins import read_pins
from federation.trust.state import Trust
from node.doctor.finding import Finding, failed, ok, warning
from node.settings import Settings
from node.store.trust import read_kept
from policy.model import ANONYMOUS

TIMEOUT_S = 5.0
MAX_BYTES = 2_000_000
SKEW_S = 5.0
CERTIFICATE_DAYS = 14
AT_ONCE = 16
SLOW_S = 1.0
CALL = "try again; if it stays, call the city"
SCOPE = "data:read"


def known_members(settings: Settings, database_url: str) -> tuple[Finding, Membership | None]:
    """The membership that the node goes by, from what it has kept."""
    try:
        pins = read_pins(settings.anchors_directory)
        if not pins:
            return warning("membership", "it stands alone", "join a federation: docs/join.md"), None
        trust = Trust(allow_plain_http=settings.unsafe_plain_http)
        for statement in read_kept(database_url):
            trust.restore(statement)
        trust.set_pins(pins)
        membership = trust.current(datetime.now(UTC))
    except MembershipError as error:
        remedy = "is the node running and can it reach the anchor? docs/membership.md"
        return failed("membership", error.reason, remedy), None
    if membership.by_id(settings.city) is None:
        message = f"{settings.city} is not among the {len(membership.members)} members"
        return failed("membership", message, "send `verbund member describe` to the anchor"), membership
    until = f"valid until {membership.expires_at:%F %H:%M} UTC"
    return ok("membership", f"{len(membership.members)} members, {until}"), membership


class PeerExaminer:
    """Looks at members, some side by side. `sdl`: this node's schema; `authorities`: None for the system's."""

    def __init__(
        self, transport: PeerTransport, tokens: PeerTokens, sdl: str, authorities: ssl.SSLContext | None
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._schema = hashlib.sha256(sdl.encode()).digest()
        self._authorities = authorities or ssl.create_default_context()

    async def examine(self, members: Sequence[Member]) -> AsyncIterator[Finding]:
        """One finding for each thing that is wrong with a member, or one that says that it is well."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(member: Member) -> list[Finding]:
            async with slots:
                return await self._member(member)

        for found in await asyncio.gather(*map(one, members)):
            for finding in found:
                yield finding

    async def _member(self, member: Member) -> list[Finding]:
        name = f"city {member.id}"
        if not member.is_active:
            return [warning(name, "is suspended from the federation", "nothing to do here: the anchor decides")]
        try:
            head, took = await self._reached(member)
        except PeerError as error:
            return [failed(f"{name}: reach", f"{member.issuer}: {error.reason}", CALL)]
        if head.status != 200:
            return [failed(f"{name}: reach", f"answers with HTTP status {head.status}", "tell the city")]
        found = [
            *_round_trip(name, took),
            *_clock(name, head),
            *await self._certificate(name, member),
            *await self._token(name, member),
            *await self._schema_of(name, member),
        ]
        well = "reached, certificate, clock, token and schema are well"
        return found or [ok(name, f"{well}, round trip {took * 1000:.0f} ms")]

    async def _reached(self, member: Member) -> tuple[PeerResponse, float]:
        """Its answer, and what a round trip on an open connection takes, in seconds."""
        url = f"{member.issuer}/health/live"
        await self._get(url)
        began = time.perf_counter()
        return await self._get(url), time.perf_counter() - began

    async def _token(self, name: str, member: Member) -> list[Finding]:
        try:
            await self._tokens.token_for(member, ANONYMOUS, SCOPE, TIMEOUT_S)
        except PeerError as error:
            return [failed(f"{name}: token", f"issues none to this node: {error.reason}", CALL)]
        return []

    async def _schema_of(self, name: str, member: Member) -> list[Finding]:
        try:
            page = await self._get(f"{member.issuer}/schema.graphql")
        except PeerError as error:
            return [failed(f"{name}: schema", f"can't be fetched: {error.reason}", CALL)]
        if hashlib.sha256(page.body).digest() == self._schema:
            return []
        remedy = "works as far as both know it; upgrade the older"
        return [warning(f"{name}: schema", "has another version of the schema", remedy)]

    async def _certificate(self, name: str, member: Member) -> list[Finding]:
        """How long its certificate is still good; that it is good at all, the transport has seen to."""
        address = urlsplit(member.issuer)
        if address.scheme != "https":
            return []
        try:
            async with asyncio.timeout(TIMEOUT_S):
                _, writer = await asyncio.open_connection(address.hostname, address.port or 443, ssl=self._authorities)
        except (OSError, TimeoutError) as error:
            return [failed(f"{name}: TLS", f"{member.issuer}: {error}", "try again; if it stays, call the city")]
        try:
            peer = writer.get_extra_info("ssl_object").getpeercert()
        finally:
            writer.close()
        days = (ssl.cert_time_to_seconds(peer["notAfter"]) - time.time()) / 86_400
        if days > CERTIFICATE_DAYS:
            return []
        return [warning(f"{name}: TLS", f"its certificate ends in {days:.0f} days", "tell the city")]

    async def _get(self, url: str) -> PeerResponse:
        return await self._transport.get(url, headers={}, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)


def _round_trip(name: str, took: float) -> list[Finding]:
    if took <= SLOW_S:
        return []
    remedy = "its rows will often be late: ask the city about its node and its line"
    return [warning(f"{name}: round trip", f"takes {took * 1000:.0f} ms", remedy)]


def _clock(name: str, response: PeerResponse) -> list[Finding]:
    try:
        off = (parsedate_to_datetime(response.headers.get("date", "")) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return [warning(f"{name}: clock", "it does not tell the time (Date)", "see what its gateway removes")]
    if abs(off) <= SKEW_S:
        return []
    message = f"is {off:+.0f} s off ours: tokens will be refused"
    return [failed(f"{name}: clock", message, "compare both with NTP")]
