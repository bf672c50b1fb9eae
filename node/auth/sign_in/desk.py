"""Who works at the node's own desks: one-time links from the command line, and sessions.

A link has a handle and a secret. A wrong secret ends the link, so there is one guess at 256 bits. A session ends when
nobody used it for half an hour, and after eight hours in any case.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Collection
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
    STEWARD = "steward"


SCOPES = {
    Role.AUDITOR: frozenset({"audit:read"}),
    Role.STEWARD: frozenset({"data:read", "governance:read", "governance:write"}),
}


_LINK, _SESSION = "desk-link", "desk-session"


class _Link(msgspec.Struct, tag=_LINK):
    person: str
    roles: frozenset[Role]
    secret: str


class _Session(msgspec.Struct, tag=_SESSION):
    person: str
    roles: frozenset[Role]
    csrf: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `csrf` stands in every form."""

    handle: str
    person: str
    roles: frozenset[Role]
    csrf: str

    def caller(self, city: str) -> Caller:
        """Who asks the gate."""
        scopes = frozenset().union(*(SCOPES[role] for role in self.roles))
        return Caller(city=city, application=APPLICATION, purpose=PURPOSE, scopes=scopes, subject=self.person)

    def accepts(self, csrf: str | None) -> bool:
        """Whether a form came from a page of this session."""
        return csrf is not None and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Desks:
    """Links and sessions, kept in PostgreSQL under digests. `clock`: seconds since 1970."""

    def __init__(self, store: SignInStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def link(self, person: str, roles: Collection[Role]) -> str:
        """A link's token, good for one sign-in within ten minutes."""
        secret = secrets.token_urlsafe(32)
        handle = await self._store.put(_Link(person, frozenset(roles), _digest(secret)), LINK_S)
        return f"{handle}.{secret}"

    async def sign_in(self, token: str) -> Session | None:
        """Begin a session; the link is used up, whether the secret was right or not."""
        handle, _, secret = token.partition(".")
        found = await self._store.take(handle, _Link)
        if found is None or not hmac.compare_digest(found.secret, _digest(secret)):
            return None
        return await self.begin(found.person, found.roles)

    async def begin(self, person: str, roles: Collection[Role]) -> Session:
        """A session of somebody who is known by other means."""
        session = _Session(person, frozenset(roles), secrets.token_urlsafe(32), self._clock() + LONGEST_S)
        return _opened(await self._store.put(session, IDLE_S), session)

    async def session(self, handle: str | None) -> Session | None:
        """The session, which goes on; None if there is none, or its time is over."""
        found = await self._store.look(handle, _Session) if handle else None
        if handle is None or found is None:
            return None
        left = int(found.ends_at - self._clock())
        if left <= 0:
            return None
        await self._store.prolong(handle, min(IDLE_S, left))
        return _opened(handle, found)

    async def sign_out(self, session: Session) -> None:
        """End the session."""
        await self._store.take(session.handle, _Session)

    async def end(self, person: str | None = None) -> int:
        """End the sessions and links of a person, or of everybody, at all replicas at once; how many there were."""
        return await self._store.end((_LINK, _SESSION), person)


def _opened(handle: str, session: _Session) -> Session:
    return Session(handle, session.person, session.roles, session.csrf)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
