"""People sign in to the node's own desks by the city's identity provider; its claims say what they may do there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from node.auth.sign_in.desk import Desks, Role, Session
from node.auth.sign_in.provider import IdentityProvider, ProviderError
from node.auth.sign_in.store import SignInStore
from node.auth.sign_in.trip import SIGN_IN_S, Redirect, Trip, new_trip, pseudonym
from node.auth.uses import Uses
from node.settings import Desk
from schema.errors import Unavailable

log = logging.getLogger(__name__)

CALLBACK_PATH = "/sign-in/callback"
SUBJECT = "sub"
MAX_NAME = 200
_DATABASE = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, Unavailable)


class Why(StrEnum):
    """Why somebody is not let in."""

    PROVIDER = "provider"
    ROLE = "role"


class NotLetIn(Exception):
    """Nobody is signed in."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why


class _Pending(msgspec.Struct, tag="desk-trip"):
    trip: Trip
    to: str


class DeskSignIns:
    """Serves browsers on their way to a desk."""

    def __init__(
        self, provider: IdentityProvider, store: SignInStore, desks: Desks, uses: Uses, settings: Desk
    ) -> None:
        self._provider = provider
        self._store = store
        self._desks = desks
        self._uses = uses
        self._settings = settings

    async def begin(self, to: str) -> Redirect:
        """To the identity provider. `to`: the path of the desk that is wanted. Raises NotLetIn."""
        trip, cookie = new_trip()
        try:
            state = await self._store.put(_Pending(trip, to), SIGN_IN_S)
            return Redirect(await self._provider.address(state, trip.nonce, trip.verifier), cookie)
        except (ProviderError, *_DATABASE) as error:
            log.warning("nobody can sign in to a desk: %s", error)
            raise NotLetIn(Why.PROVIDER, str(error)) from None

    async def finish(self, parameters: Mapping[str, str], cookie: str | None) -> tuple[Session, str]:
        """A session for who comes back, and the path that was wanted. Raises NotLetIn."""
        try:
            pending = await self._store.take(parameters.get("state", ""), _Pending)
            if pending is None or not pending.trip.is_of(cookie):
                raise NotLetIn(Why.PROVIDER, "this sign-in is unknown, too old, or was begun in another browser")
            await self._provider.check_origin(parameters.get("iss"))
            if "code" not in parameters:
                raise NotLetIn(Why.PROVIDER, "the sign-in was broken off, or the identity provider refused it")
            trip = pending.trip
            claims = await self._provider.claims(parameters["code"], trip.nonce, trip.verifier)
            roles = roles_of(claims, self._settings)
            if not roles:
                raise NotLetIn(Why.ROLE, "the account has no role here")
            return await self._desks.begin(await self._person(claims), roles), pending.to
        except (ProviderError, *_DATABASE) as error:
            log.warning("a sign-in to a desk failed: %s", error)
            raise NotLetIn(Why.PROVIDER, str(error)) from None

    async def _person(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self._settings.person_claim)
        if self._settings.person_claim == SUBJECT:
            return await pseudonym(self._uses, self._provider.issuer, str(name))
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise ProviderError(f"the ID token has no usable claim {self._settings.person_claim}")
        return name.strip()


def roles_of(claims: Mapping[str, Any], settings: Desk) -> frozenset[Role]:
    """What the claims let somebody do: the claim is a word or a list of words."""
    told = claims.get(settings.roles_claim)
    words = {told} if isinstance(told, str) else {one for one in told if isinstance(one, str)} if told else set()
    named = {settings.auditor_role: Role.AUDITOR, settings.steward_role: Role.STEWARD}
    return frozenset(role for word, role in named.items() if word in words)
