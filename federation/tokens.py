"""Tokens for asking peers: identity chaining, with the authorization server acting as client.

The home node vouches for its caller, the owner issues a token of its own, bound to a key of this process. A caller's
own token is never passed on. Members' token endpoints have one address by the federation's profile, so first contact is
two round trips: the token and the question. The nonce for the question comes with the token.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
from joserfc.jwk import ECKey
from msgspec import Meta

from federation.bounded import Bounded
from federation.errors import PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.grants import FORM, authorization_grant, client_assertion, jwt_bearer_form
from federation.membership import MAX_MEMBERS, Member
from federation.proofs import HEADER, NONCE_HEADER, SCHEME, ProofKey
from federation.single_flight import SingleFlight
from federation.subjects import ANONYMOUS_ID
from federation.transport import PeerResponse, PeerTransport
from policy.model import Caller

MAX_TOKENS = 20_000
MAX_BYTES = 32_000
RENEW_BEFORE_S = 30.0
FETCH_S = 4.0  # a hurried caller is not waited for, and whoever else waits for the same token gets it
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
NONCE = re.compile(r"[!#-\[\]-~]{1,200}")
USE_NONCE = "use_dpop_nonce"
JSON = "application/json"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
OAUTH_ERROR = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class _Key:
    member: str
    issuer: str
    application: str
    purpose: str | None
    legal_basis: str | None
    agreement: str | None
    scope: str


@dataclass(frozen=True, slots=True)
class Authorized:
    """The headers that authorize one request to a peer, and the proof among them."""

    headers: dict[str, str]
    proof: str


class _TokenAnswer(msgspec.Struct):
    access_token: Annotated[str, Meta(min_length=1, max_length=16_000)]
    token_type: str
    expires_in: Annotated[int, Meta(ge=1, le=86_400)]
    scope: str | None = None


class _ErrorAnswer(msgspec.Struct):
    error: str


class PeerTokens:
    """Gets and keeps the tokens with which this node asks others.

    One request per member, application, purpose and scope at a time; whoever comes meanwhile waits for its answer.
    `signing_key` gives the key with which the node signs now.
    """

    def __init__(
        self,
        issuer: str,
        signing_key: Callable[[], ECKey],
        transport: PeerTransport,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._signing_key = signing_key
        self._transport = transport
        self._clock = clock
        self._monotonic = monotonic
        self._proofs = ProofKey.new()
        self._nonces = Bounded[str, str](MAX_MEMBERS)
        self._tokens: OrderedDict[_Key, tuple[float, str]] = OrderedDict()
        self._flights = SingleFlight[_Key, str]()

    async def token_for(self, member: Member, caller: Caller, scope: str, timeout_s: float) -> str:
        """An access token of `member`'s node for `caller`; at most two round trips, none if one is kept.

        Raises:
            ValueError: the caller came through a peer itself: one hop only.
            PeerDenied: the member's node refused; with its error code.
            PeerTimeout, PeerUnreachable, PeerIncompatible: it gave no usable answer.
        """
        if caller.peer is not None:
            raise ValueError("a caller that comes through a peer is not passed on to another one")
        if not member.is_active:
            raise PeerDenied("it is suspended from the federation")
        key = _key(member, caller, scope)
        if (token := self._kept(key)) is not None:
            return token
        try:
            fetch_s = max(timeout_s, FETCH_S)
            return await self._flights.join(key, lambda: self._fetch(key, member, caller, fetch_s), timeout_s)
        except TimeoutError:
            raise PeerTimeout(f"no token within {timeout_s * 1000:.0f} ms") from None

    def authorize(self, member: Member, token: str, method: str, url: str, body: bytes | None = None) -> Authorized:
        """What makes one request with this token acceptable; a repeated request needs another one."""
        nonce = self._nonces.get(member.issuer)
        proof = self._proofs.proof(method, url, int(self._clock()), token=token, nonce=nonce, body=body)
        return Authorized({"Authorization": f"{SCHEME} {token}", HEADER: proof}, proof)

    def learn(self, member: Member, response: PeerResponse) -> None:
        """Take the nonce in a response, if there is one."""
        nonce = response.headers.get(NONCE_HEADER)
        if nonce is not None and NONCE.fullmatch(nonce):
            self._nonces[member.issuer] = nonce

    def refused(self, member: Member, caller: Caller, token: str, response: PeerResponse) -> bool:
        """The member's node answered with 401: go on with its nonce, if it wants that, else with a new token.

        True if this token had been given up before: others were refused with it, too, and a new one is there or coming.
        """
        self.learn(member, response)
        if f'error="{USE_NONCE}"' in response.headers.get("WWW-Authenticate", ""):
            return False
        if not any(kept == token for _, kept in self._tokens.values()):
            return True
        self.forget(member.id, caller.application or ANONYMOUS_ID)
        return False

    def forget(self, member_id: str | None = None, application: str | None = None) -> None:
        """Drop what is kept for a member, for an application, or for both; None is any."""
        for key in list(self._tokens):
            if member_id in {None, key.member} and application in {None, key.application}:
                del self._tokens[key]

    async def close(self) -> None:
        """Stop the requests under way."""
        await self._flights.close()

    def _kept(self, key: _Key) -> str | None:
        until, token = self._tokens.get(key, (0.0, ""))
        if self._monotonic() >= until:
            self._tokens.pop(key, None)
            return None
        self._tokens.move_to_end(key)
        return token

    async def _fetch(self, key: _Key, member: Member, caller: Caller, timeout_s: float) -> str:
        deadline = self._monotonic() + timeout_s
        endpoint = f"{key.issuer}{TOKEN_PATH}"
        now = int(self._clock())
        signing_key = self._signing_key()
        body = jwt_bearer_form(
            authorization_grant(self.issuer, key.issuer, caller, key.scope, signing_key, now),
            client_assertion(self.issuer, key.issuer, signing_key, now),
            scope=key.scope,
            resource=f"{key.issuer}/graphql",
        )
        asked_at = self._monotonic()
        response = await self._transport.post(
            endpoint,
            body=body,
            content_type=FORM,
            headers={"Accept": JSON, HEADER: self._proofs.proof("POST", endpoint, now)},
            timeout_s=max(deadline - asked_at, 0.001),
            max_bytes=MAX_BYTES,
        )
        self.learn(member, response)
        if response.status != 200:
            raise_refusal(response)
        answer = read_token(response, key.scope)
        self._keep(key, answer.access_token, asked_at + answer.expires_in - RENEW_BEFORE_S)
        return answer.access_token

    def _keep(self, key: _Key, token: str, until: float) -> None:
        self._tokens[key] = (until, token)
        self._tokens.move_to_end(key)
        while len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)


def _key(member: Member, caller: Caller, scope: str) -> _Key:
    if caller.application is None:
        return _Key(member.id, member.issuer, ANONYMOUS_ID, None, None, None, scope)
    invoked = caller.purpose, caller.legal_basis, caller.agreement
    return _Key(member.id, member.issuer, caller.application, *invoked, scope)


def read_token(response: PeerResponse, scope: str) -> _TokenAnswer:
    """The token in a successful answer (RFC 6749 §5.1).

    Raises:
        PeerIncompatible: it is not a DPoP-bound token for `scope`.
    """
    try:
        answer = msgspec.json.decode(response.body, type=_TokenAnswer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise PeerIncompatible("its token endpoint gave a malformed answer") from None
    if answer.token_type.lower() != SCHEME.lower() or not TOKEN.fullmatch(answer.access_token):
        raise PeerIncompatible("its token endpoint did not give a DPoP-bound token")
    if answer.scope is not None and not set(scope.split()) <= set(answer.scope.split()):
        raise PeerIncompatible("its token endpoint gave a token for less than was asked for")
    return answer


def raise_refusal(response: PeerResponse) -> None:
    """Turn an answer other than 200 into the error it stands for (RFC 6749 §5.2).

    Raises:
        PeerDenied: a 4xx, with the OAuth error code if there is one.
        PeerUnreachable: 429 or a 5xx: it can't serve now.
        PeerIncompatible: any other status.
    """
    if response.status >= 500 or response.status == 429:
        raise PeerUnreachable(f"its token endpoint can't serve now (status {response.status})")
    if not 400 <= response.status < 500:
        raise PeerIncompatible(f"its token endpoint answered with status {response.status}")
    try:
        error = msgspec.json.decode(response.body, type=_ErrorAnswer).error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        error = ""
    if not OAUTH_ERROR.fullmatch(error):
        raise PeerDenied(f"it refused a token (status {response.status})")
    raise PeerDenied(f"it refused a token: {error}", error)
