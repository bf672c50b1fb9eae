"""Who works at the node's own desks: one-time links from the command line, and the sessions that they begin.

A link has a handle and a secret. A wrong secret ends the link, so there is one guess at 256 bits. A session ends when
nobody used it for half an hour, and after eight hours in any case.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from node.auth.sign_in.store import SignInStore
from policy.model import Caller

LINK_S = 600
IDLE_S = 1_800
LONGEST_S = 28_800
APPLICATION = "desk"
PURPOSE = "operations"


class Role(StrEnum):
    """What somebody may do at the desks."""

    AUDITOR = "auditor"


SCOPES = {Role.AUDITOR: frozenset({"audit:read"})}


class _Link(msgspec.Struct, tag="desk-link"):
    person: str
    role: Role
    secret: str


class _Session(msgspec.Struct, tag="desk-session"):
    person: str
    role: Role
    csrf: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `csrf` stands in every form."""

    handle: str
    person: str
    role: Role
    csrf: str

    def caller(self, city: str) -> Caller:
        """Who asks the gate."""
        return Caller(
            city=city, application=APPLICATION, purpose=PURPOSE, scopes=SCOPES[self.role], subject=self.person
        )

    def accepts(self, csrf: str | None) -> bool:
        """Whether a form came from a page of this session."""
        return csrf is not None and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Desks:
    """Links and sessions, kept in PostgreSQL under digests."""

    def __init__(self, store: SignInStore) -> None:
        self._store = store

    async def link(self, person: str, role: Role) -> str:
        """A link's token, good for one sign-in within ten minutes."""
        secret = secrets.token_urlsafe(32)
        handle = await self._store.put(_Link(person, role, _digest(secret)), LINK_S)
        return f"{handle}.{secret}"

    async def sign_in(self, token: str) -> Session | None:
        """Begin a session; the link is used up, whether the secret was right or not."""
        handle, _, secret = token.partition(".")
        found = await self._store.take(handle, _Link)
        if found is None or not hmac.compare_digest(found.secret, _digest(secret)):
            return None
        session = _Session(found.person, found.role, secrets.token_urlsafe(32), time.time() + LONGEST_S)
        return _opened(await self._store.put(session, IDLE_S), session)

    async def session(self, handle: str | None) -> Session | None:
        """The session, which goes on; None if there is none, or its time is over."""
        found = await self._store.look(handle, _Session) if handle else None
        if handle is None or found is None:
            return None
        left = int(found.ends_at - time.time())
        if left <= 0:
            return None
        await self._store.prolong(handle, min(IDLE_S, left))
        return _opened(handle, found)

    async def sign_out(self, session: Session) -> None:
        """End the session."""
        await self._store.take(session.handle, _Session)


def _opened(handle: str, session: _Session) -> Session:
    return Session(handle, session.person, session.role, session.csrf)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
