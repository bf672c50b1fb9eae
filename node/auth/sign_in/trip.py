"""A browser's trip to the identity provider and back: what is kept of it, and that it ends where it began."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import msgspec

from node.auth.sign_in.pkce import new_verifier
from node.auth.uses import Uses

SIGN_IN_S = 600


class Trip(msgspec.Struct, frozen=True):
    """A sign-in under way. `browser`: SHA-256 of the cookie of the browser that began it."""

    nonce: str
    verifier: str
    browser: str

    def is_of(self, cookie: str | None) -> bool:
        """Whether the browser with this cookie began it."""
        return hmac.compare_digest(self.browser, _digest(cookie or ""))


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where the browser goes, and the cookie that it is to come back with."""

    url: str
    cookie: str | None = None


def new_trip() -> tuple[Trip, str]:
    """A trip, and the cookie for the browser."""
    cookie = secrets.token_urlsafe(32)
    return Trip(secrets.token_urlsafe(32), new_verifier(), _digest(cookie)), cookie


async def pseudonym(uses: Uses, issuer: str, subject: str) -> str:
    """The same for the same person, of no use without this node's database."""
    key = await uses.secret("people")
    mac = hmac.digest(key, f"{issuer} {subject}".encode(), "sha256")
    return f"person-{urlsafe_b64encode(mac[:15]).decode()}"


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
