"""Cities with real keys and a signed membership list, and the messages that they and attackers send."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from federation.grants import ASSERTION_TYPE, CLIENT_ASSERTION_TYP, CLIENT_CREDENTIALS, GRANT_TYP, JWT_BEARER
from federation.jose import public_jwks, sign, thumbprint_key
from federation.membership import Member, Membership, MemberStatus
from node.auth.applications import Application
from node.auth.identity import NodeIdentity
from node.auth.key_directory import OneKey


def new_key() -> ECKey:
    return thumbprint_key(ECKey.generate_key("P-256"))


@dataclass
class City:
    """One city's node and its key."""

    id: str
    issuer: str = ""
    key: ECKey = field(default_factory=new_key)
    status: MemberStatus = MemberStatus.ACTIVE

    def __post_init__(self) -> None:
        self.issuer = self.issuer or f"https://daten.{self.id}.example"

    @property
    def member(self) -> Member:
        return Member(self.id, self.id.title(), None, self.issuer, public_jwks(self.key), self.status)

    @property
    def identity(self) -> NodeIdentity:
        return NodeIdentity(
            self.id, self.issuer, f"{self.issuer}/graphql", f"{self.issuer}/oauth/token", OneKey(self.key)
        )


def membership_of(*cities: City, lifetime: timedelta = timedelta(days=1)) -> Membership:
    now = datetime.now(UTC)
    return Membership(tuple(city.member for city in cities), now, now + lifetime, secrets.token_hex(8))


@dataclass
class App:
    """An application with its key."""

    id: str = "verkehrsmodell"
    key: ECKey = field(default_factory=new_key)
    scopes: tuple[str, ...] = ("data:read", "audit:read")
    purposes: tuple[str, ...] = ("traffic-planning", "statistics")
    status: str = "ACTIVE"

    @property
    def registration(self) -> Application:
        return Application(self.id, self.id.title(), public_jwks(self.key), self.scopes, self.purposes, self.status)


@dataclass(frozen=True)
class At:
    """A time in a claim, in seconds from the moment at which the token is made."""

    seconds: int


def resolved(claims: dict[str, Any], now: int) -> dict[str, Any]:
    """The claims with real times; those that are None are left out."""
    known = {name: now + value.seconds if isinstance(value, At) else value for name, value in claims.items()}
    return {name: value for name, value in known.items() if value is not None}


def frame(audience: str, /, **over: Any) -> dict[str, Any]:
    """`aud`, `iat`, `exp`, `jti` with changes; a value of None leaves the claim out."""
    now = int(time.time())
    return resolved({"aud": audience, "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(24), **over}, now)


def assertion(client_id: str, key: ECKey, audience: str, /, *, typ: str = CLIENT_ASSERTION_TYP, **over: Any) -> str:
    return sign(frame(audience, **{"iss": client_id, "sub": client_id, **over}), key, typ)


def grant(home: City, owner: City, /, *, key: ECKey | None = None, typ: str = GRANT_TYP, **over: Any) -> str:
    claims = {
        "iss": home.issuer,
        "client_id": home.issuer,
        "sub": f"{home.issuer}#verkehrsmodell",
        "scope": "data:read",
        "purpose": "traffic-planning",
    }
    return sign(frame(owner.issuer, **{**claims, **over}), key or home.key, typ)


def access_token_claims(owner: City, thumbprint: str, /, **over: Any) -> dict[str, Any]:
    """Claims of an access token of this city's node for an application of its own."""
    now = int(time.time())
    claims = {
        "iss": owner.issuer,
        "aud": owner.identity.graphql_url,
        "sub": "app-1",
        "client_id": "app-1",
        "scope": "data:read",
        "iat": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(16),
        "city": owner.id,
        "application": "app-1",
        "purpose": "statistics",
        "cnf": {"jkt": thumbprint},
    }
    return resolved({**claims, **over}, now)


def application_form(proof: str, **over: str | None) -> dict[str, str]:
    values = {"grant_type": CLIENT_CREDENTIALS, "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}
    return _present({**values, "purpose": "traffic-planning", **over})


def peer_form(owner: City, a_grant: str, proof: str, **over: str | None) -> dict[str, str]:
    values = {"grant_type": JWT_BEARER, "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}
    return _present({**values, "assertion": a_grant, "resource": f"{owner.issuer}/graphql", **over})


def _present(values: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
