"""The check of access tokens: from the token to the caller.

A verified token is remembered until it ends, so a caller's signature costs once. What may change meanwhile is checked
on every request: here, whether the city that vouches is still an active member; in `node.auth.uses`, whether the
token, or its application, was revoked.
"""

from __future__ import annotations

import hashlib
import re
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from federation.errors import MembershipError
from federation.jose import JwtError, UnknownKey, read_unverified, verify
from federation.membership import Membership
from federation.subjects import ANONYMOUS_ID, APPLICATION_ID
from node.auth.access_tokens import LIFETIME_S, TYP
from node.auth.identity import NodeIdentity
from node.auth.revocation import client_subject, foreign_subject, token_subject
from policy.model import ANONYMOUS, Caller
from schema.errors import Unauthenticated

REMEMBERED = 10_000
MAX_TOKEN_BYTES = 4_096
AHEAD_S = 5
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


class InvalidToken(Unauthenticated):
    """Token or proof is not accepted. `reason` is fit for the caller, `error` is OAuth's code; answer with 401.

    `caller`: who that is, if it is known.
    """

    def __init__(self, reason: str, error: str = "invalid_token", caller: Caller = ANONYMOUS) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        self.caller = caller


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token says. `thumbprint`: of the key it is bound to. `digest`: its own, as a proof names it (`ath`).

    `subjects`: what a revocation that ends it may be of. `home_issuer`: the node that acts for another city's caller.
    `kid`: of the key that signed it.
    """

    caller: Caller
    claims: dict[str, Any]
    issued_at: int
    expires_at: int
    thumbprint: str
    digest: str
    subjects: tuple[str, ...]
    home_issuer: str | None
    kid: str


class TokenCheck:
    """Checks this node's own access tokens. `membership` gives the list valid now, or raises MembershipError."""

    def __init__(
        self, node: NodeIdentity, membership: Callable[[], Membership], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._node = node
        self._membership = membership
        self._clock = clock
        self._keys = node.public_keys
        self._remembered: OrderedDict[bytes, Verified] = OrderedDict()

    def verified(self, token: str) -> Verified:
        """What an access token says, if it is valid now.

        Raises:
            InvalidToken: it is not.
        """
        if (keys := self._node.public_keys) is not self._keys:  # a revoked key's tokens end with it
            self._keys = keys
            self._remembered.clear()
        verified = self._verified(token)
        if verified.home_issuer is not None:
            self._check_home(verified.home_issuer, verified.caller.city)
        return verified

    def check_still(self, verified: Verified) -> None:
        """Whether what was verified is still valid. Raises InvalidToken."""
        if verified.expires_at <= self._clock():
            raise InvalidToken("the token has expired: get a new one")
        if not any(key.kid == verified.kid for key in self._node.public_keys.keys):
            raise self._unknown_key()
        if verified.home_issuer is not None:
            self._check_home(verified.home_issuer, verified.caller.city)

    def _verified(self, token: str) -> Verified:
        now = self._clock()
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(name)
        if known is None:
            known = self._verify(token, name, now)
            self._remembered[name] = known
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        elif known.expires_at <= now:
            del self._remembered[name]
            raise InvalidToken("the token has expired: get a new one")
        else:
            self._remembered.move_to_end(name)
        return known

    def _verify(self, token: str, name: bytes, now: float) -> Verified:
        try:
            claims = verify(token, self._node.public_keys, {TYP}, MAX_TOKEN_BYTES)
        except UnknownKey:
            raise self._unknown_key() from None
        except JwtError as error:
            raise InvalidToken(error.reason) from None
        if claims.get("iss") != self._node.issuer:
            raise InvalidToken("the token is not from this node: get one at its token endpoint")
        if claims.get("aud") != self._node.graphql_url:
            raise InvalidToken("the token is not meant for this node's API")
        issued_at, expires_at = _second(claims, "iat"), _second(claims, "exp")
        if expires_at <= now:
            raise InvalidToken("the token has expired: get a new one")
        if issued_at > now + AHEAD_S or not 0 < expires_at - issued_at <= LIFETIME_S:
            raise InvalidToken("the token's times are not those of this node's tokens")
        home_issuer = _home_issuer(claims)
        caller = _caller(claims, is_peer=home_issuer is not None)
        if home_issuer is None and caller.city != self._node.city:
            raise InvalidToken("the token names another city, but no node of that city")
        return Verified(
            caller=caller,
            claims=claims,
            issued_at=issued_at,
            expires_at=expires_at,
            thumbprint=_thumbprint(claims),
            digest=urlsafe_b64encode(name)[:-1].decode(),
            subjects=_subjects(caller),
            home_issuer=home_issuer,
            kid=read_unverified(token, MAX_TOKEN_BYTES).header["kid"],
        )

    def _unknown_key(self) -> InvalidToken:
        return InvalidToken(f"no key of this node has signed the token: get one at {self._node.issuer}")

    def _check_home(self, issuer: str, city: str | None) -> None:
        try:
            member = self._membership().by_issuer(issuer)
        except MembershipError:
            raise InvalidToken("this node has no valid membership list now; other cities' tokens rest on it") from None
        if member is None or not member.is_active or member.id != city:
            raise InvalidToken("the city that vouches for the caller is not an active member")


def _caller(claims: dict[str, Any], *, is_peer: bool) -> Caller:
    city, application = _text(claims, "city"), _text(claims, "application")
    subject, client_id = _text(claims, "sub"), _text(claims, "client_id")
    if not APPLICATION_ID.fullmatch(application):
        raise InvalidToken("the token's application is malformed")
    anonymous = application == ANONYMOUS_ID
    if anonymous and not is_peer:
        raise InvalidToken("the token names no application")
    return Caller(
        city=city,
        application=None if anonymous else application,
        purpose=None if anonymous else _text(claims, "purpose"),
        scopes=frozenset(_text(claims, "scope").split()),
        peer=city if is_peer else None,
        token_id=_text(claims, "jti"),
        subject=None if is_peer or subject == client_id else subject,
        legal_basis=_remark(claims, "legal_basis"),
        agreement=_remark(claims, "agreement"),
    )


def _subjects(caller: Caller) -> tuple[str, ...]:
    token = token_subject(str(caller.token_id))
    if caller.application is None or caller.city is None:
        return (token,)
    if caller.peer is None:
        return token, client_subject(caller.application)
    return token, foreign_subject(caller.city, caller.application)


def _thumbprint(claims: dict[str, Any]) -> str:
    """The key that the token is bound to (RFC 9449 §6.1); there are no others."""
    confirmation = claims.get("cnf")
    bound = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    if not isinstance(bound, str) or not THUMBPRINT.fullmatch(bound):
        raise InvalidToken("the token is not bound to a key: get one with a DPoP proof")
    return bound


def _remark(claims: dict[str, Any], name: str) -> str | None:
    return _text(claims, name) if name in claims else None


def _home_issuer(claims: dict[str, Any]) -> str | None:
    """The node that acts for the caller; one hop, so an actor of an actor is refused (RFC 8693 §4.1)."""
    if "act" not in claims:
        return None
    actor = claims["act"]
    if not isinstance(actor, dict) or set(actor) != {"sub"} or not isinstance(actor["sub"], str):
        raise InvalidToken("the token's act claim is malformed")
    return actor["sub"]


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"the token has no {name}")
    return value


def _second(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidToken(f"the token has no {name}")
    return value
