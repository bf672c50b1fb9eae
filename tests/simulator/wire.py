"""The wire between simulated nodes: tokens, proofs and receipts are real, clocks are skewed, exchanges fail.

Below `PeerClient` everything is simulated, above it nothing is: what is shared, repeated, hedged, given up and left alone
is decided by the code that decides it in a node.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qs

import orjson
from joserfc.jwk import ECKey

from federation.client import JSON
from federation.connection import Headers, PeerResponse
from federation.errors import PeerTimeout, PeerUnreachable
from federation.grants import GRANT_TYP
from federation.jose import JwtError, public_jwks, public_keys, thumbprint_key, verify
from federation.proofs import HEADER, Proof, ProofError, check_proof, read_proof, token_digest
from federation.receipts import HEADER as RECEIPT
from federation.receipts import Receipt, digest, make_receipt
from policy.model import Caller
from schema.execution import Executor
from schema.ports import Context, Request
from tests.simulator.owners import OwnersGate

EPOCH = 1_800_000_000.0  # of all clocks, but for how wrong they are
LEEWAY_S = 30
TOKEN_S = 300
KEYS = [thumbprint_key(ECKey.generate_key("P-256")) for _ in range(9)]


class Trouble(Enum):
    """What becomes of an exchange."""

    NONE = auto()
    HANGS = auto()
    UNHEARD = auto()  # the connection breaks before any byte comes
    BREAKS = auto()  # and after some
    BUSY = auto()
    FORGOTTEN = auto()  # the owner was restarted and knows no token any more
    CUT = auto()  # the answer is another one than its receipt says
    SWAPPED = auto()  # the receipt is another request's


@dataclass
class Owner:
    """One node as others see it. `skew`: seconds that its clock is ahead."""

    city: str
    gate: OwnersGate
    key: ECKey
    skew: float
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # thumbprint of the proofs' key, and the end
    used: set[bytes] = field(default_factory=set)

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"https://{self.city}.example"

    def now(self) -> float:
        """Its clock."""
        return EPOCH + asyncio.get_running_loop().time() + self.skew


class Wire:
    """Takes the place of `PeerTransport` for one home node. `fate`: trouble and seconds of the next exchange."""

    def __init__(
        self,
        home: Owner,
        owners: Mapping[str, Owner],
        executor: Executor,
        fate: Callable[[str], tuple[Trouble, float]],
    ) -> None:
        self._home = home
        self._owners = {owner.issuer: owner for owner in owners.values()}
        self._executor = executor
        self._fate = fate
        self.asked: Counter[str] = Counter()
        self.answered: set[str] = set()

    async def post(
        self, url: str, *, body: bytes, content_type: str, headers: Mapping[str, str], timeout_s: float, max_bytes: int
    ) -> PeerResponse:
        """As `PeerTransport.post`."""
        assert content_type
        issuer, _, path = url.rpartition(".example")
        owner = self._owners[f"{issuer}.example"]
        trouble, seconds = self._fate(owner.city)
        self.asked[owner.city] += path == "/graphql"
        if trouble is Trouble.HANGS or seconds >= timeout_s:
            await asyncio.sleep(timeout_s)
            raise PeerTimeout(f"no complete answer within {timeout_s * 1000:.0f} ms")
        await asyncio.sleep(seconds)
        if trouble in {Trouble.UNHEARD, Trouble.BREAKS}:
            raise PeerUnreachable("the connection broke", came_to_nothing=trouble is Trouble.UNHEARD)
        if trouble is Trouble.BUSY:
            return PeerResponse(503, b"{}", JSON)
        if trouble is Trouble.FORGOTTEN:
            owner.tokens.clear()
        try:
            proof = self._proven(owner, url, headers)
            if path != "/graphql":
                return self._token(owner, body, proof.thumbprint)
        except (ProofError, JwtError):
            return PeerResponse(401 if path == "/graphql" else 400, b'{"error":"invalid_grant"}', JSON)
        bound, ends = owner.tokens.get(headers["Authorization"].removeprefix("DPoP "), ("", 0.0))
        if bound != proof.thumbprint or owner.now() >= ends:
            return PeerResponse(401, b"{}", JSON)
        answer = await self._answer(owner, body, headers["traceparent"])
        assert len(answer) <= max_bytes
        receipt = self._receipt(owner, body, answer, headers, swapped=trouble is Trouble.SWAPPED)
        if trouble is Trouble.CUT:
            answer = answer[:-2] + b" }"
        elif trouble is not Trouble.SWAPPED:
            self.answered.add(owner.city)
        return PeerResponse(200, answer, JSON, Headers({RECEIPT.lower(): receipt}))

    def _proven(self, owner: Owner, url: str, headers: Mapping[str, str]) -> Proof:
        proof = read_proof(headers[HEADER])
        authorization = headers.get("Authorization")
        token = authorization and token_digest(authorization.removeprefix("DPoP "))
        check_proof(proof, "POST", url, owner.now(), token)
        if proof.digest in owner.used:
            raise ProofError("it was used before")
        owner.used.add(proof.digest)
        return proof

    def _token(self, owner: Owner, body: bytes, thumbprint: str) -> PeerResponse:
        (grant,) = parse_qs(body.decode())["assertion"]
        claims = verify(grant, public_keys(public_jwks(self._home.key)), {GRANT_TYP})
        assert claims["aud"] == owner.issuer
        if not claims["iat"] - LEEWAY_S <= owner.now() < claims["exp"] + LEEWAY_S:
            raise JwtError("it is not of this minute")
        token = secrets.token_urlsafe(24)
        owner.tokens[token] = thumbprint, owner.now() + TOKEN_S
        told = {"access_token": token, "token_type": "DPoP", "expires_in": TOKEN_S, "scope": "data:read"}
        return PeerResponse(200, orjson.dumps(told), JSON)

    async def _answer(self, owner: Owner, body: bytes, traceparent: str) -> bytes:
        question = orjson.loads(body)
        caller = Caller(self._home.city, None, None, peer=self._home.city)
        request = Request(caller, question["query"], float("inf"), traceparent[3:35], traceparent)
        context = Context(request, owner.gate, None)  # type: ignore[arg-type]  # no directory is asked for
        result = await self._executor.execute(question["query"], question["variables"], None, context)
        assert not result.errors, result.errors
        return b'{"data":%b}' % (result.data or b"null")

    def _receipt(self, owner: Owner, body: bytes, answer: bytes, headers: Mapping[str, str], *, swapped: bool) -> str:
        stated = Receipt(
            iss=owner.issuer,
            aud=self._home.issuer,
            iat=int(owner.now()),
            request=digest(body),
            response=digest(answer),
            proof=digest(b"another" if swapped else headers[HEADER].encode()),
            trace_id=headers["traceparent"][3:35],
        )
        return make_receipt(stated, owner.key)
