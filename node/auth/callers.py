"""Who asks: from the headers of a request to its caller (RFC 9449 §7).

Without a token nobody in particular, at no cost. A token counts only with a proof of the key that it is bound to, for
this very request: method, URL, time, token, a nonce of this node, and between nodes the body.
"""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Callable, Collection
from functools import partial

import msgspec

from federation.membership import Membership
from federation.proofs import SCHEME, Proof, ProofError, check_proof, content_digest, read_proof
from node.auth.identity import NodeIdentity
from node.auth.token_check import InvalidToken, TokenCheck, Verified
from node.auth.uses import PendingUse, Uses
from node.store.spending import Verdict
from policy.model import ANONYMOUS, Caller
from schema.errors import Unavailable

INVALID_PROOF = "invalid_dpop_proof"
USE_NONCE = "use_dpop_nonce"


class Presented(msgspec.Struct, frozen=True):
    """The headers of a request, and what it is for: `url` is this node's address of what is asked, without a query."""

    method: str
    url: str
    authorization: str | None
    proofs: Collection[str]


class Claimed(msgspec.Struct, frozen=True):
    """A caller whose token and proof hold. Not to be answered before the proof is used up."""

    caller: Caller
    proof_text: str = ""
    proof: Proof | None = None
    token: Verified | None = None

    @property
    def is_anonymous(self) -> bool:
        """True if there is nothing to confirm."""
        return self.proof is None


NOBODY = Claimed(ANONYMOUS)


class Admitted(msgspec.Struct, frozen=True):
    """What is to be used up, and a nonce if the one that came has become old; neither for nobody in particular."""

    pending: PendingUse | None = None
    nonce: str | None = None


class Callers:
    """Finds out who asks. `on_revoked` hears of callers whose token was good until it was revoked, `on_refused` of all.

    `on_refused` gets OAuth's code of the refusal and the caller, who is anonymous unless the token was good.
    """

    def __init__(
        self,
        node: NodeIdentity,
        membership: Callable[[], Membership],
        uses: Uses,
        *,
        on_revoked: Callable[[Caller], None] = lambda _caller: None,
        on_refused: Callable[[str, Caller], None] = lambda _error, _caller: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = node.issuer
        self._tokens = TokenCheck(node, membership, clock=clock)
        self._on_revoked = on_revoked
        self._on_refused = on_refused
        self._uses = uses
        self._clock = clock

    def claimed(self, presented: Presented) -> Claimed:
        """Who asks, as far as arithmetic can tell.

        Raises:
            InvalidToken: there is a header, but no valid token and proof.
        """
        if presented.authorization is None:
            return NOBODY
        scheme, _, token = presented.authorization.partition(" ")
        if scheme.lower() != SCHEME.lower() or not token:
            raise InvalidToken("the Authorization header must be: DPoP, a space, an access token of this node")
        verified = self._tokens.verified(token)
        if len(presented.proofs) != 1:
            raise InvalidToken("one DPoP header with a proof must come with the token", INVALID_PROOF)
        (text,) = presented.proofs
        try:
            proof = read_proof(text)
            check_proof(proof, presented.method, presented.url, self._clock(), verified.digest)
        except ProofError as error:
            raise InvalidToken(f"DPoP proof: {error.reason}", INVALID_PROOF) from None
        if not hmac.compare_digest(proof.thumbprint, verified.thumbprint):
            raise InvalidToken("the proof is not made with the key that the token is bound to")
        return Claimed(verified.caller, text, proof, verified)

    async def admitted(self, claimed: Claimed, body: bytes | None) -> Admitted:
        """The use of the proof that must count before the caller is answered, and a nonce to go on with.

        `body` is None for methods that have none.

        Raises:
            InvalidToken: nonce or body is wrong.
            Unavailable: that can't be found out.
        """
        proof, token = claimed.proof, claimed.token
        if proof is None or token is None:
            return Admitted()
        now = self._clock()
        nonces = await self._uses.nonces()
        if proof.nonce is None or not nonces.is_good(proof.nonce, now):
            raise InvalidToken("DPoP proof: its nonce must be the one in the header DPoP-Nonce", USE_NONCE)
        _check_body(proof, body, is_peer=token.home_issuer is not None)
        refusal = partial(self._refusal, claimed.caller)
        pending = self._uses.use(proof.digest, proof.issued_at, token.issued_at, token.subjects, refusal)
        return Admitted(pending, None if proof.nonce == nonces.current(now) else nonces.current(now))

    async def confirm(self, claimed: Claimed, body: bytes | None) -> str | None:
        """As `admitted`, and use the proof up. Returns the nonce.

        Raises:
            InvalidToken: also if the proof was used before, or the token is revoked.
        """
        admitted = await self.admitted(claimed, body)
        if admitted.pending is not None:
            await admitted.pending.spend()
        return admitted.nonce

    def _refusal(self, caller: Caller, verdict: Verdict) -> InvalidToken:
        if verdict is Verdict.REVOKED:
            self._on_revoked(caller)
            return InvalidToken(verdict.value, caller=caller)
        return InvalidToken(verdict.value, INVALID_PROOF, caller)

    async def caller(self, presented: Presented) -> Caller:
        """Who asks with a method that has no body. Raises as `claimed` and `confirm`."""
        claimed = self.claimed(presented)
        await self.confirm(claimed, None)
        return claimed.caller

    async def seconds_left(self, claimed: Claimed) -> float:
        """How long a confirmed caller remains one; of anonymous ones, infinity.

        Raises:
            InvalidToken: the token has expired or was revoked, or its city is suspended.
            Unavailable: that can't be found out.
        """
        token = claimed.token
        if token is None:
            return math.inf
        self._tokens.check_still(token)
        if await self._uses.are_ended(token.issued_at, token.subjects):
            self._on_revoked(claimed.caller)
            raise InvalidToken(Verdict.REVOKED.value)
        return token.expires_at - self._clock()

    async def refused(self, error: InvalidToken) -> str | None:
        """Tell of a refusal. Returns a nonce for the next proof; None if there is none to be had now."""
        if error.error != USE_NONCE:  # the caller is only asked to say it again
            self._on_refused(error.error, error.caller)
        return await self.nonce()

    async def nonce(self) -> str | None:
        """A nonce for the next proof; None if there is none to be had now."""
        try:
            return (await self._uses.nonces()).current(self._clock())
        except Unavailable:
            return None


def _check_body(proof: Proof, body: bytes | None, *, is_peer: bool) -> None:
    if proof.content_digest is None:
        if is_peer and body is not None:
            raise InvalidToken("DPoP proof: content_digest is missing; nodes sign what they send", INVALID_PROOF)
    elif proof.content_digest != content_digest(body or b""):
        raise InvalidToken("DPoP proof: content_digest is not that of the body", INVALID_PROOF)
