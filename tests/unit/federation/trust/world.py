"""An anchor, cities and a network in memory, so that an attack is a test of three lines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from federation.errors import PeerUnreachable
from federation.jose import public_jwks, thumbprint_key
from federation.membership import MemberStatus
from federation.trust.anchor import Vouched
from federation.trust.node_configuration import Presented, sign_configuration
from federation.trust.pins import AnchorPin
from federation.trust.site import site_files
from federation.trust.state import Kept
from federation.trust.statements import WELL_KNOWN

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ANKER = "https://anker.example"


def new_key() -> ECKey:
    return thumbprint_key(ECKey.generate_key("P-256"))


@dataclass
class City:
    """A node with its keys."""

    id: str
    federation: list[ECKey] = field(default_factory=lambda: [new_key()])
    signing: list[ECKey] = field(default_factory=lambda: [new_key()])
    status: MemberStatus = MemberStatus.ACTIVE
    since: datetime = NOW - DAY
    until: datetime | None = None

    @property
    def issuer(self) -> str:
        return f"https://daten.{self.id}.example"

    @property
    def vouched(self) -> Vouched:
        jwks = public_jwks(*self.federation)
        return Vouched(self.id, self.id.title(), None, self.issuer, jwks, self.status, self.since, self.until)

    def configuration(self, now: datetime = NOW, **over: Any) -> str:
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "presented": Presented(self.id, self.id.title()),
            "federation_key": self.federation[0],
            "federation_jwks": public_jwks(*self.federation),
            "jwks": public_jwks(*self.signing),
            "server_metadata": {"issuer": self.issuer, "token_endpoint": f"{self.issuer}/oauth/token"},
            "anchors": [ANKER],
            "now": now,
        }
        return sign_configuration(**values | over)


@dataclass
class Anchor:
    """An anchor that publishes what it is told."""

    entity: str = ANKER
    keys: list[ECKey] = field(default_factory=lambda: [new_key()])

    @property
    def pin(self) -> AnchorPin:
        return AnchorPin(self.entity, "Anker", public_jwks(*self.keys))

    def files(self, *cities: City, at: datetime = NOW, lifetime: timedelta = DAY) -> dict[str, bytes]:
        """URLs and what is there."""
        members = [city.vouched for city in cities]
        files = site_files(self.entity, "Anker", members, self.keys[0], public_jwks(*self.keys), at, lifetime)
        return {self.entity + path: content for path, content in files}


class Network:
    """What is published where; `away` are hosts that do not answer."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.away: set[str] = set()
        self.asked: list[str] = []

    def publish(self, files: dict[str, bytes]) -> None:
        self.pages |= files

    def city(self, city: City, now: datetime = NOW, **over: Any) -> None:
        self.pages[city.issuer + WELL_KNOWN] = city.configuration(now, **over).encode()

    async def fetch(self, url: str, timeout_s: float, max_bytes: int) -> bytes:
        self.asked.append(url)
        if url not in self.pages or any(url.startswith(host) for host in self.away):
            raise PeerUnreachable("it can't be connected to")
        assert len(self.pages[url]) <= max_bytes
        return self.pages[url]


class Memory:
    """A `TrustStore` that survives the keepers of a test, as a database does."""

    def __init__(self) -> None:
        self.rows: dict[str, Kept] = {}
        self.broken = False

    async def load(self) -> list[Kept]:
        return list(self.rows.values())

    async def save(self, kept: Kept) -> bool:
        if self.broken:
            raise OSError("no database")
        known = self.rows.get(kept.entity)
        if known is not None and known.issued_at > kept.issued_at:
            return False
        self.rows[kept.entity] = kept
        return True


@dataclass
class Clock:
    now: datetime = NOW
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)
        self.seconds += timedelta(**by).total_seconds()


def tampered(token: str, **over: Any) -> str:
    """The token with other claims and the old signature."""
    from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

    header, payload, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(payload.encode())) | over
    return ".".join((header, urlsafe_b64encode(json.dumps(claims).encode()).decode(), signature))
