"""What it costs to know who asks: token, proof, memory and receipt of one request, in processor time of this process.

The bound is 0.6 ms for the owner's side of a request whose token is known. Tokens and proofs are real, and so is the
PostgreSQL that remembers the proofs; its own time is not counted, since it is another process.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from federation.jose import sign
from federation.proofs import ProofKey
from federation.receipts import Exchange, Receipt, digest, make_receipt, verify_receipt
from node.auth.access_tokens import TYP
from node.auth.callers import Callers, Presented
from node.auth.token_check import TokenCheck
from node.auth.uses import ASYNCHRONOUS, Uses
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from node.store.sessions import Sessions
from tests.unit.node.auth.world import City, access_token_claims, membership_of

OWNER, HOME = City("wetzlar"), City("offenbach")
API = OWNER.identity.graphql_url
BODY = b'{"query":"query { r: datasets { edges { k: cursor } } }","variables":{}}'
ANSWER = b'{"data":' + b"x" * 2_000 + b"}"
TIMES = 2_000
AT_ONCE = 16
BOUND_MS = 0.6


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vb-") as folder, embedded_postgres(Path(folder) / "pg") as url:
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        asyncio.run(_measure(url))


async def _measure(url: str) -> None:
    members = membership_of(OWNER, HOME)
    key = ProofKey.new()
    through = {"client_id": HOME.issuer, "city": HOME.id, "act": {"sub": HOME.issuer}}
    token = sign(access_token_claims(OWNER, key.thumbprint, **through), OWNER.key, TYP)
    _timed("token, first time", 500, lambda: TokenCheck(OWNER.identity, lambda: members).verified(token))
    check = TokenCheck(OWNER.identity, lambda: members)
    _timed("token, known", TIMES, lambda: check.verified(token))
    async with Sessions(url, size=1, statement_ms=5_000, name="bench", on_open=[ASYNCHRONOUS]) as sessions:
        uses = Uses(sessions)
        callers = Callers(OWNER.identity, lambda: members, uses)
        nonce = (await uses.nonces()).current(time.time())

        def proof() -> str:
            return key.proof("POST", API, int(time.time()), token=token, nonce=nonce, body=BODY)

        async def asks(presented: Presented) -> None:
            await callers.confirm(callers.claimed(presented), BODY)

        _timed("home: proof", TIMES, proof)
        alone = await _asked("owner: token, proof, memory, one at a time", 1, asks, proof, token)
        together = await _asked(f"owner: the same, {AT_ONCE} at once", AT_ONCE, asks, proof, token)
    exchange = Exchange(BODY, ANSWER, proof(), "0" * 32)
    made = _timed("owner: receipt", TIMES, lambda: _receipt(exchange))
    signed = _receipt(exchange)
    keys = OWNER.member.keys
    _timed(
        "home: check of the receipt",
        TIMES,
        lambda: verify_receipt(signed, keys, owner=OWNER.issuer, home=HOME.issuer, exchange=exchange, now=time.time()),
    )
    for what, whole in (("one at a time", alone + made), (f"{AT_ONCE} at once", together + made)):
        print(f"  owner in all, {what}: {whole:.3f} ms, {whole / BOUND_MS:.0%} of the bound of {BOUND_MS} ms")


def _receipt(exchange: Exchange) -> str:
    stated = Receipt(
        iss=OWNER.issuer,
        aud=HOME.issuer,
        iat=int(time.time()),
        request=digest(exchange.request),
        response=digest(exchange.response),
        proof=digest(exchange.proof.encode()),
        trace_id=exchange.trace_id,
        entries=("e" * 43,),
        policy_version="0123456789abcdef",
    )
    return make_receipt(stated, OWNER.key)


async def _asked(
    what: str, at_once: int, asks: Callable[[Presented], Awaitable[None]], proof: Callable[[], str], token: str
) -> float:
    presented = [Presented("POST", API, f"DPoP {token}", [proof()]) for _ in range(TIMES)]
    await asks(Presented("POST", API, f"DPoP {token}", [proof()]))
    started = time.process_time()
    for first in range(0, TIMES, at_once):
        await asyncio.gather(*map(asks, presented[first : first + at_once]))
    return _told(what, (time.process_time() - started) / TIMES)


def _timed(what: str, times: int, work: Callable[[], object]) -> float:
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return _told(what, (time.process_time() - started) / times)


def _told(what: str, seconds: float) -> float:
    print(f"  {what:<46} {seconds * 1000:7.3f} ms")
    return seconds * 1000


if __name__ == "__main__":
    main()
