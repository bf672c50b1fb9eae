"""Tokens for peers against an owner whose answers the tests choose."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from federation import tokens as tokens_module
from federation.addresses import everywhere
from federation.errors import PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.grants import ASSERTION_TYPE, JWT_BEARER
from federation.jose import public_jwks, public_keys, thumbprint_key, verify
from federation.membership import Member, MemberStatus
from federation.proofs import check_proof, content_digest, read_proof, token_digest
from federation.tokens import PeerTokens
from federation.transport import PeerResponse, PeerTransport
from policy.model import ANONYMOUS, Caller

HOME = "https://daten.offenbach.example"
KEY = thumbprint_key(ECKey.generate_key("P-256"))
CALLER = Caller(city="offenbach", application="app-1", purpose="statistics", scopes=frozenset({"data:read"}))


class Owner:
    """A node's OAuth side: what it was asked, and the answers it gives."""

    def __init__(self) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.requests = 0
        self.proofs: list[str] = []
        self.nonce: str | None = None
        self.issuer = ""
        self.status = 200
        self.answer: Any = None
        self.expires_in = 300
        self.delay_s = 0.0

    @property
    def member(self) -> Member:
        return Member("wetzlar", "Wetzlar", None, self.issuer, public_jwks(KEY))

    @web.middleware
    async def counted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests += 1
        return await handler(request)

    async def serve_token(self, request: web.Request) -> web.Response:
        self.proofs.append(request.headers["DPoP"])
        self.forms.append(parse_qs((await request.read()).decode()))
        number = len(self.forms)
        await asyncio.sleep(self.delay_s)
        token = {
            "access_token": f"token-{number}",
            "token_type": "DPoP",
            "expires_in": self.expires_in,
            "scope": "data:read",
        }
        headers = {} if self.nonce is None else {"DPoP-Nonce": self.nonce}
        content = _encoded(token if self.answer is None else self.answer)
        return web.Response(body=content, status=self.status, headers=headers)


def _encoded(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    it = Owner()
    app = web.Application(middlewares=[it.counted])
    app.router.add_post("/oauth/token", it.serve_token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    await runner.cleanup()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(clock: Clock) -> AsyncIterator[PeerTokens]:
    async with PeerTransport(allows=everywhere) as transport:
        made = PeerTokens(HOME, lambda: KEY, transport, monotonic=clock)
        yield made
        await made.close()


async def ask(tokens: PeerTokens, owner: Owner, caller: Caller = CALLER, timeout_s: float = 5.0) -> str:
    return await tokens.token_for(owner.member, caller, "data:read", timeout_s)


async def test_a_token_takes_one_round_trip_and_a_kept_one_none(tokens: PeerTokens, owner: Owner) -> None:
    for _ in range(3):
        assert await ask(tokens, owner) == "token-1"
    assert owner.requests == 1


async def test_the_request_and_its_use_are_bound_to_one_key(tokens: PeerTokens, owner: Owner) -> None:
    owner.nonce = "nonce-1"
    token = await ask(tokens, owner)
    asked = read_proof(owner.proofs[0])
    check_proof(asked, "POST", f"{owner.issuer}/oauth/token", time.time())
    url = f"{owner.issuer}/graphql"
    authorized = tokens.authorize(owner.member, token, "POST", url, b"body")
    used = read_proof(authorized.headers["DPoP"])
    check_proof(used, "POST", url, time.time(), token_digest(token))
    assert authorized.headers["Authorization"] == f"DPoP {token}"
    assert (used.thumbprint, used.nonce, used.content_digest) == (asked.thumbprint, "nonce-1", content_digest(b"body"))
    assert tokens.authorize(owner.member, token, "POST", url, b"body").proof != authorized.proof


@pytest.mark.parametrize("nonce", ["a b", 'x"y', "n" * 201, ""])
async def test_a_nonce_that_is_none_is_not_taken(tokens: PeerTokens, owner: Owner, nonce: str) -> None:
    owner.nonce = nonce
    token = await ask(tokens, owner)
    assert read_proof(tokens.authorize(owner.member, token, "POST", "u").proof).nonce is None


async def test_a_refusal_for_want_of_a_nonce_costs_no_token(tokens: PeerTokens, owner: Owner) -> None:
    token = await ask(tokens, owner)
    told = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "nonce-2"}
    tokens.refused(owner.member, CALLER, token, PeerResponse(401, b"", "", told))
    assert await ask(tokens, owner) == token
    assert read_proof(tokens.authorize(owner.member, token, "POST", "u").proof).nonce == "nonce-2"
    told = {"WWW-Authenticate": 'DPoP error="invalid_token"'}
    tokens.refused(owner.member, CALLER, token, PeerResponse(401, b"", "", told))
    assert await ask(tokens, owner) != token


async def test_a_refusal_costs_one_applications_tokens_only(tokens: PeerTokens, owner: Owner) -> None:
    other = dataclasses.replace(CALLER, application="app-2")
    kept = await ask(tokens, owner, other)
    token = await ask(tokens, owner)
    tokens.refused(owner.member, CALLER, token, PeerResponse(401, b"", ""))
    assert await ask(tokens, owner, other) == kept
    assert await ask(tokens, owner) != token


async def test_tokens_of_a_revoked_application_are_dropped(tokens: PeerTokens, owner: Owner) -> None:
    token = await ask(tokens, owner)
    tokens.forget(application="app-2")
    assert await ask(tokens, owner) == token
    tokens.forget(application="app-1")
    assert await ask(tokens, owner) != token


async def test_the_request_vouches_for_the_application(tokens: PeerTokens, owner: Owner) -> None:
    await ask(tokens, owner)
    (form,) = owner.forms
    grant = verify(form["assertion"][0], public_keys(public_jwks(KEY)), {"authorization-grant+jwt"})
    proof = verify(form["client_assertion"][0], public_keys(public_jwks(KEY)), {"client-authentication+jwt"})
    assert form["grant_type"] == [JWT_BEARER]
    assert form["client_assertion_type"] == [ASSERTION_TYPE]
    assert (form["scope"], form["resource"]) == (["data:read"], [f"{owner.issuer}/graphql"])
    assert (grant["iss"], grant["client_id"], grant["aud"]) == (HOME, HOME, owner.issuer)
    assert (grant["sub"], grant["purpose"], grant["scope"]) == (f"{HOME}#app-1", "statistics", "data:read")
    assert (proof["iss"], proof["sub"], proof["aud"]) == (HOME, HOME, owner.issuer)
    assert grant["exp"] - grant["iat"] == proof["exp"] - proof["iat"] == 60
    assert grant["jti"] != proof["jti"]


async def test_a_caller_without_token_is_vouched_for_as_such(tokens: PeerTokens, owner: Owner) -> None:
    await ask(tokens, owner, ANONYMOUS)
    grant = verify(owner.forms[0]["assertion"][0], public_keys(public_jwks(KEY)), {"authorization-grant+jwt"})
    assert grant["sub"] == f"{HOME}#anonymous"
    assert "purpose" not in grant


async def test_a_token_is_kept_until_shortly_before_its_end(tokens: PeerTokens, owner: Owner, clock: Clock) -> None:
    first = await ask(tokens, owner)
    clock.seconds += 269
    assert await ask(tokens, owner) == first
    clock.seconds += 2
    assert await ask(tokens, owner) == "token-2"


@pytest.mark.parametrize("other", [
    Caller(city="offenbach", application="app-2", purpose="statistics"),
    Caller(city="offenbach", application="app-1", purpose="research"),
    Caller(city="offenbach", application="app-1", purpose="statistics", legal_basis="§ 3 HDSIG"),
    Caller(city="offenbach", application="app-1", purpose="statistics", agreement="verkehr-2026"),
    ANONYMOUS,
])  # fmt: skip
async def test_a_token_is_for_one_application_and_purpose(tokens: PeerTokens, owner: Owner, other: Caller) -> None:
    assert await ask(tokens, owner) != await ask(tokens, owner, other)


async def test_a_token_is_for_one_scope(tokens: PeerTokens, owner: Owner) -> None:
    await ask(tokens, owner)
    owner.answer = {"access_token": "b", "token_type": "dpop", "expires_in": 9}
    assert await tokens.token_for(owner.member, CALLER, "audit:read", 5) == "b"


async def test_a_late_refusal_does_not_cost_the_token_that_came_since(tokens: PeerTokens, owner: Owner) -> None:
    token = await ask(tokens, owner)
    for number in range(9):  # asked at once, and refused one after the other
        is_replaced = tokens.refused(owner.member, CALLER, token, PeerResponse(401, b"", ""))
        assert is_replaced is (number > 0)
        assert await ask(tokens, owner) == "token-2"


async def test_many_at_once_make_one_request(tokens: PeerTokens, owner: Owner) -> None:
    owner.delay_s = 0.05
    assert set(await asyncio.gather(*(ask(tokens, owner) for _ in range(50)))) == {"token-1"}
    assert owner.requests == 1


async def test_who_gives_up_does_not_take_the_token_from_the_others(tokens: PeerTokens, owner: Owner) -> None:
    owner.delay_s = 0.1
    hasty = asyncio.create_task(ask(tokens, owner))
    patient = asyncio.create_task(ask(tokens, owner))
    await asyncio.sleep(0.05)
    hasty.cancel()
    assert await patient == "token-1"
    with pytest.raises(asyncio.CancelledError):
        await hasty


async def test_who_is_in_a_hurry_does_not_cut_the_others_short(tokens: PeerTokens, owner: Owner) -> None:
    owner.delay_s = 0.3
    hasty, patient = await asyncio.gather(ask(tokens, owner, timeout_s=0.1), ask(tokens, owner), return_exceptions=True)
    assert isinstance(hasty, PeerTimeout)
    assert (patient, len(owner.forms)) == ("token-1", 1)


async def test_a_suspended_member_is_not_asked(tokens: PeerTokens, owner: Owner) -> None:
    suspended = dataclasses.replace(owner.member, status=MemberStatus.SUSPENDED)
    with pytest.raises(PeerDenied, match="suspended"):
        await tokens.token_for(suspended, CALLER, "data:read", 5)
    assert owner.requests == 0


async def test_a_failure_is_told_to_all_that_wait_and_not_remembered(tokens: PeerTokens, owner: Owner) -> None:
    owner.status, owner.delay_s = 503, 0.05
    results = await asyncio.gather(*(ask(tokens, owner) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {PeerUnreachable}
    assert len(owner.forms) == 1
    owner.status = 200
    assert await ask(tokens, owner) == "token-2"


async def test_forgetting_a_member(tokens: PeerTokens, owner: Owner) -> None:
    await ask(tokens, owner)
    tokens.forget("fulda")
    assert await ask(tokens, owner) == "token-1"
    tokens.forget("wetzlar")
    assert await ask(tokens, owner) == "token-2"


async def test_there_is_a_bound(tokens: PeerTokens, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "MAX_TOKENS", 3)
    for number in range(5):
        await ask(tokens, owner, Caller(application=f"app-{number}", purpose="statistics"))
    assert len(tokens._tokens) == 3
    assert await ask(tokens, owner, Caller(application="app-4", purpose="statistics")) == "token-5"


async def test_one_hop_only(tokens: PeerTokens, owner: Owner) -> None:
    with pytest.raises(ValueError, match="not passed on"):
        await ask(tokens, owner, Caller(city="fulda", application="app-1", purpose="research", peer="fulda"))
    assert owner.requests == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_carries_the_owners_code(tokens: PeerTokens, owner: Owner, status: int) -> None:
    owner.status, owner.answer = status, {"error": "invalid_grant", "error_description": "<script>secret</script>"}
    with pytest.raises(PeerDenied) as caught:
        await ask(tokens, owner)
    assert (caught.value.error, caught.value.code) == ("invalid_grant", "PEER_DENIED")
    assert "script" not in caught.value.reason


@pytest.mark.parametrize("answer", [b"", b"no", [], {"error": 1}, {"error": "<b>"}, {"error": "x" * 99}, b"[" * 9_000])
async def test_a_refusal_without_a_proper_code(tokens: PeerTokens, owner: Owner, answer: Any) -> None:
    owner.status, owner.answer = 400, answer
    with pytest.raises(PeerDenied) as caught:
        await ask(tokens, owner)
    assert caught.value.error is None


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_who_can_not_serve_does_not_refuse(tokens: PeerTokens, owner: Owner, status: int) -> None:
    owner.status = status
    with pytest.raises(PeerUnreachable):
        await ask(tokens, owner)


GOOD = {"access_token": "abc", "token_type": "DPoP", "expires_in": 300}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"rubbish",
        b"[" * 20_000,
        b"\xff",
        [],
        {},
        {**GOOD, "access_token": ""},
        {**GOOD, "access_token": "a b"},
        {**GOOD, "access_token": "a\r\nX: y"},
        {**GOOD, "access_token": 7},
        {**GOOD, "token_type": "Bearer"},
        {**GOOD, "expires_in": "300"},
        {**GOOD, "expires_in": -1},
        {**GOOD, "expires_in": 10**9},
        {**GOOD, "scope": "other"},
    ],
)
async def test_an_answer_that_is_no_token(tokens: PeerTokens, owner: Owner, answer: Any) -> None:
    owner.answer = answer
    with pytest.raises(PeerIncompatible):
        await ask(tokens, owner)


async def test_the_deadline_covers_the_round_trip(tokens: PeerTokens, owner: Owner) -> None:
    owner.delay_s = 5
    with pytest.raises(PeerTimeout):
        await ask(tokens, owner, timeout_s=0.2)


async def test_a_member_that_is_away(tokens: PeerTokens, owner: Owner) -> None:
    owner.issuer = "http://127.0.0.1:9"
    with pytest.raises(PeerUnreachable):
        await ask(tokens, owner)
