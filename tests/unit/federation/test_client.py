"""Asking a peer that misbehaves, over real HTTP: what it costs, when it is left alone, and when it is asked again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from federation.addresses import everywhere
from federation.client import PeerBounds, PeerClient
from federation.errors import PeerDenied, PeerError, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.health.breaker import IN_A_ROW
from federation.health.history import LEARN_FROM
from federation.health.peers import PeerHealths
from federation.jose import public_jwks, read_unverified, thumbprint_key
from federation.membership import Member
from federation.proofs import content_digest, read_proof
from federation.receipts import HEADER as RECEIPT
from federation.receipts import digest
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from policy.model import ANONYMOUS, Caller
from schema.document import Document
from schema.ports import Request
from tests.receipts import receipt_of

KEY = thumbprint_key(ECKey.generate_key("P-256"))
PEER_S = 0.4
SURELY_S = 10.0  # on any machine, and less than a peer hangs
LONG_AGO_S = 60.0
HOME = "https://home.example"
TRACE = "0123456789abcdef" * 2
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def good(_request: web.Request) -> web.Response:
    return web.json_response({"data": {"r": 1}})


async def hangs(_request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def trickles(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(600):
        await response.write(b" ")
        await asyncio.sleep(0.05)
    return response


async def stalls(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await asyncio.sleep(30)
    return response


async def lies_about_its_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"{}")
    assert request.transport is not None
    request.transport.close()
    return response


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def status(number: int, body: object = None) -> Behaviour:
    async def behave(_request: web.Request) -> web.Response:
        return web.json_response({} if body is None else body, status=number)

    return behave


def after(seconds: float, then: Behaviour = good) -> Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await then(request)

    return behave


class Owner:
    """A node whose GraphQL endpoint behaves as it is told, `script` first; and a home node's client to ask it."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = good
        self.script: list[Behaviour] = []
        self.bodies: list[bytes] = []
        self.proofs: list[str] = []
        self.requests = self.tokens = 0
        self.issuer = ""
        self.number = 0

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.bodies.append(body)
        self.proofs.append(request.headers["DPoP"])
        response = await (self.script.pop(0) if self.script else self.behaviour)(request)
        if isinstance(response, web.Response) and isinstance(response.body, bytes) and RECEIPT not in response.headers:
            signed = receipt_of(KEY, self.issuer, HOME, request.headers, body, response.body)
            response.headers[RECEIPT] = signed
        return response

    async def token(self, _request: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": f"t{self.tokens}", "token_type": "DPoP", "expires_in": 300})

    @web.middleware
    async def counted(self, request: web.Request, handler) -> web.StreamResponse:
        self.requests += 1
        return await handler(request)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.counted])
        app.router.add_post("/oauth/token", self.token)
        app.router.add_post("/graphql", self.graphql)
        return app

    @property
    def asked(self) -> int:
        return len(self.bodies)

    async def ask(
        self, client: PeerClient, number: int | None = None, seconds: float = 9.0, caller: Caller = ANONYMOUS
    ):
        """A question of its own, unless it has a number."""
        self.number -= 1
        document = Document("query ($n: Int) { r }", {"n": self.number if number is None else number})
        now = asyncio.get_running_loop().time()
        request = Request(caller, "", now + seconds, TRACE, f"00-{TRACE}-{'1' * 16}-01")
        member = Member("wetzlar", "Wetzlar", None, self.issuer, public_jwks(KEY))
        return await client.ask(member, document, request, min(client.deadline(request), now + seconds))


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    it = Owner()
    runner = web.AppRunner(it.app(), shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    await runner.cleanup()


async def made(peer_s: float) -> AsyncIterator[PeerClient]:
    async with PeerTransport(allows=everywhere) as transport:
        tokens = PeerTokens(HOME, lambda: KEY, transport)
        client = PeerClient(transport, tokens, PeerBounds(peer_s, 100_000), PeerHealths(8))
        yield client
        await client.close()
        await tokens.close()


@pytest.fixture
async def client() -> AsyncIterator[PeerClient]:
    async for one in made(PEER_S):
        yield one


@pytest.fixture
async def patient() -> AsyncIterator[PeerClient]:
    async for one in made(20.0):
        yield one


def make_due(client: PeerClient) -> None:
    """As if the pause were over."""
    client._healths._known["wetzlar"].breaker._until -= LONG_AGO_S


async def open_breaker(client: PeerClient, owner: Owner, behaviour: Behaviour = hangs_up) -> None:
    owner.behaviour = behaviour
    for _ in range(IN_A_ROW):
        with pytest.raises(PeerError):
            await owner.ask(client)
    await asyncio.sleep(0.01)  # until those given up are ended


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (hangs, PeerTimeout),
        (trickles, PeerTimeout),
        (stalls, PeerTimeout),
        (lies_about_its_length, PeerUnreachable),
        (hangs_up, PeerUnreachable),
        (status(503), PeerUnreachable),
        (status(429), PeerUnreachable),
        (status(502), PeerUnreachable),  # a gateway, whose node is down
        (status(504), PeerUnreachable),
    ],
)
async def test_who_does_not_answer_is_left_alone_for_a_while(client, patient, owner, behaviour, error):
    client = client if error is PeerTimeout else patient  # nobody is late on a slow machine who should not be
    owner.behaviour = behaviour
    for _ in range(IN_A_ROW):
        with pytest.raises(error):
            await asyncio.wait_for(owner.ask(client), SURELY_S)
    await asyncio.sleep(0.01)  # until those given up are ended
    asked = owner.asked
    for _ in range(50):
        with pytest.raises(error, match=r"not asked at the moment, because .*; it is tried again in 1 s"):
            await owner.ask(client)
    assert owner.asked == asked, "an open breaker answers at once"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (status(401), PeerDenied),
        (status(403), PeerDenied),
        (status(500), PeerIncompatible),
        (status(200, []), PeerIncompatible),
        (status(200, {"errors": [{"extensions": {"code": "TOO_COSTLY"}}]}), None),
    ],
)
async def test_a_refusal_is_an_answer(patient, owner, behaviour, error):
    owner.behaviour = behaviour
    for _ in range(3 * IN_A_ROW):
        if error is None:
            assert (await owner.ask(patient)).errors
        else:
            with pytest.raises(error):
                await owner.ask(patient)
    owner.behaviour = good
    assert (await owner.ask(patient)).data


async def test_a_good_probe_brings_it_back(client, owner):
    await open_breaker(client, owner)
    make_due(client)
    owner.behaviour = good
    assert (await owner.ask(client)).data
    answers = await asyncio.gather(*(owner.ask(client) for _ in range(8)))
    assert all(answer.data for answer in answers)


async def test_a_bad_probe_makes_the_pause_longer(client, owner):
    await open_breaker(client, owner)
    make_due(client)
    asked = owner.asked
    with pytest.raises(PeerUnreachable):
        await owner.ask(client)
    assert owner.asked <= asked + 2, "the probe, and once more for its lost connection"
    with pytest.raises(PeerUnreachable, match=r"tried again in [12] s"):
        await owner.ask(client)


async def test_a_probe_of_a_peer_that_still_hangs_holds_up_nobody(client, owner):
    await open_breaker(client, owner, hangs)
    make_due(client)
    asked = owner.asked
    refused = await asyncio.gather(*(owner.ask(client) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(error, PeerTimeout) and "not asked" in error.reason for error in refused)
    assert owner.asked == asked + 1, "one probe"
    await asyncio.sleep(PEER_S + 0.1)
    with pytest.raises(PeerTimeout, match=r"tried again in \d s"):
        await owner.ask(client)


async def test_a_slow_probe_goes_on_without_its_caller_and_counts(patient, owner):
    await open_breaker(patient, owner)
    make_due(patient)
    owner.behaviour = after(0.3)
    with pytest.raises(PeerUnreachable, match="being tried again"):
        await owner.ask(patient)
    await asyncio.sleep(0.4)
    assert (await owner.ask(patient)).data


async def test_callers_in_a_hurry_do_not_open_it_for_the_others(client, owner):
    owner.behaviour = after(0.2)
    for _ in range(3 * IN_A_ROW):
        with pytest.raises(PeerTimeout):
            await owner.ask(client, seconds=0.02)
    assert (await owner.ask(client)).data


async def test_heavy_questions_do_not_open_it_while_others_are_answered(client, owner):
    async def by_weight(request: web.Request) -> web.StreamResponse:
        return await (hangs if b'"n":1000' in owner.bodies[-1] else good)(request)

    owner.behaviour = by_weight
    heavy = [asyncio.create_task(owner.ask(client, number)) for number in range(1000, 1007)]
    for _ in range(12):
        await asyncio.sleep(0.05)
        assert (await owner.ask(client)).data
    errors = await asyncio.gather(*heavy, return_exceptions=True)
    assert [type(error) for error in errors if isinstance(error, Exception)] == [PeerTimeout]
    assert (await owner.ask(client)).data


async def test_a_peer_known_to_be_quick_is_not_waited_for_when_it_hangs(patient, owner):
    for _ in range(LEARN_FROM):
        await owner.ask(patient)
    owner.behaviour = hangs
    with pytest.raises(PeerTimeout):
        await asyncio.wait_for(owner.ask(patient), SURELY_S)  # twice as much is set


async def test_a_question_that_is_slow_while_others_are_answered_gets_all_its_time(patient, owner):
    for _ in range(LEARN_FROM):
        await owner.ask(patient)
    owner.script = [after(1.4), after(1.4)]
    slow = asyncio.create_task(owner.ask(patient))
    for _ in range(6):
        await asyncio.sleep(0.1)
        await owner.ask(patient)
    assert (await slow).data


async def test_a_hanging_question_is_asked_once_more_of_a_quick_peer(patient, owner):
    for _ in range(LEARN_FROM):
        await owner.ask(patient)
    owner.script = [hangs]
    assert (await owner.ask(patient)).data
    assert owner.asked == LEARN_FROM + 2


async def test_a_lost_connection_is_tried_again_within_the_budget(patient, owner):
    owner.script = [hangs_up]
    assert (await owner.ask(patient)).data
    assert owner.asked == 2


async def test_an_ailing_peer_gets_at_most_a_tenth_more(patient, owner):
    questions = 60
    for number in range(questions):
        owner.script = [hangs_up] if number % 3 == 0 else []
        try:
            await owner.ask(patient)
        except PeerUnreachable:
            continue
    assert questions < owner.asked <= questions * 1.1 + 1


async def test_identical_questions_in_flight_are_asked_once(patient, owner):
    owner.behaviour = after(0.05)
    answers = await asyncio.gather(*(owner.ask(patient, 1) for _ in range(30)))
    assert owner.asked == 1
    assert all(answer.data for answer in answers)
    await owner.ask(patient, 1)
    assert owner.asked == 2, "nothing is kept"


async def test_only_the_same_question_with_the_same_grant_is_shared(patient, owner):
    owner.behaviour = after(0.05)
    one = Caller("giessen", "app-1", "statistics", frozenset({"data:read"}))
    callers = [ANONYMOUS, one, replace(one, application="app-2"), replace(one, purpose="traffic-planning")]
    await asyncio.gather(*(owner.ask(patient, number, caller=caller) for caller in callers * 3 for number in (1, 2)))
    assert owner.asked == 2 * len(callers)


async def test_who_shares_a_question_keeps_its_own_deadline(client, owner):
    released = asyncio.Event()

    async def when_released(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return await good(request)

    owner.behaviour = when_released
    patient = asyncio.create_task(owner.ask(client, 1))
    with pytest.raises(PeerTimeout):
        await owner.ask(client, 1, seconds=0.05)
    assert not patient.done()
    released.set()
    assert (await patient).data
    assert owner.asked == 1


async def test_an_expired_certificate_is_told_and_opens_it(tmp_path):
    it = Owner()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(expired(tmp_path))
    runner = web.AppRunner(it.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    it.issuer = f"https://localhost:{runner.addresses[0][1]}"
    trusting = ssl.create_default_context(cafile=tmp_path / "node.pem")
    try:
        async with PeerTransport(allows=everywhere, ssl_context=trusting) as transport:
            tokens = PeerTokens(HOME, lambda: KEY, transport)
            client = PeerClient(transport, tokens, PeerBounds(PEER_S, 100_000), PeerHealths(8))
            for reason in ["certificate can't be verified"] * IN_A_ROW + ["not asked at the moment.*certificate"]:
                with pytest.raises(PeerUnreachable, match=reason):
                    await it.ask(client)
            assert it.asked == 0
            await client.close()
            await tokens.close()
    finally:
        await runner.cleanup()


def expired(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=9), now - timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    path = directory / "node.pem"
    path.write_bytes(pem)
    return path


async def test_first_contact_is_two_round_trips_and_then_it_is_one(patient, owner):
    for requests in (2, 3, 4):
        assert (await owner.ask(patient)).data
        assert owner.requests == requests


async def test_an_owner_that_wants_a_nonce_is_asked_again_with_it(patient, owner):
    async def wants_a_nonce(_request):
        headers = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "fresh"}
        return web.json_response({}, status=401, headers=headers)

    owner.script = [wants_a_nonce]
    assert (await owner.ask(patient)).data
    assert [read_proof(proof).nonce for proof in owner.proofs] == [None, "fresh"]
    assert owner.requests == 3, "with the same token"


async def test_a_token_that_is_good_no_more_costs_no_question_of_those_under_way(patient, owner):
    await owner.ask(patient)
    everybody = asyncio.Barrier(8)

    async def behave(request):
        if request.headers["Authorization"] == "DPoP t1":
            await everybody.wait()
            return await status(401)(request)
        return await good(request)

    owner.behaviour = behave
    answers = await asyncio.gather(*(owner.ask(patient) for _ in range(8)), return_exceptions=True)
    assert [type(one).__name__ for one in answers] == ["Envelope"] * 8
    assert owner.tokens == 2, "a new one for all"


async def test_each_request_has_a_proof_of_its_own_for_its_body(patient, owner):
    for _ in range(3):
        await owner.ask(patient)
    proofs = [read_proof(proof) for proof in owner.proofs]
    assert len({proof.digest for proof in proofs}) == 3
    assert [proof.content_digest for proof in proofs] == [content_digest(body) for body in owner.bodies]


class TestReceipts:
    async def test_an_answer_comes_with_its_receipt(self, client, owner):
        envelope = await owner.ask(client)
        assert read_unverified(envelope.receipt).claims["request"] == digest(owner.bodies[0])

    @pytest.mark.parametrize("receipt", ["", "x", "a.b.c", "é"])
    async def test_none_or_rubbish(self, client, owner, receipt):
        async def behave(_request):
            return web.json_response({"data": {"r": 1}}, headers={RECEIPT: receipt})

        owner.behaviour = behave
        with pytest.raises(PeerIncompatible, match="receipt"):
            await owner.ask(client)

    async def test_of_a_key_that_is_not_the_owners(self, client, owner):
        other = thumbprint_key(ECKey.generate_key("P-256"))

        async def behave(request):
            body, told = await request.read(), b'{"data": {"r": 1}}'
            signed = receipt_of(other, owner.issuer, HOME, request.headers, body, told)
            return web.Response(body=told, headers={RECEIPT: signed})

        owner.behaviour = behave
        with pytest.raises(PeerIncompatible, match="kid"):
            await owner.ask(client)

    async def test_a_key_that_is_new_is_asked_for_and_then_accepted(self, client, owner, monkeypatch):
        """The owner has rotated while the question was under way."""
        newer = thumbprint_key(ECKey.generate_key("P-256"))
        asked = []

        async def learn(member, _timeout_s):
            asked.append(member.id)
            return replace(member, jwks=public_jwks(newer, KEY))

        async def behave(request):
            body, told = await request.read(), b'{"data": {"r": 1}}'
            signed = receipt_of(newer, owner.issuer, HOME, request.headers, body, told)
            return web.Response(body=told, headers={RECEIPT: signed})

        monkeypatch.setattr(client, "_learn", learn)
        owner.behaviour = behave
        assert (await owner.ask(client)).receipt
        assert asked == ["wetzlar"]

    async def test_two_answers_swapped(self, client, owner):
        """Both are the owner's, both are to this node, and both questions are the same but for who asks."""
        seen = []
        both = asyncio.Event()

        async def swaps(request):
            told = b'{"data": {"r": %d}}' % len(seen)
            signed = receipt_of(KEY, owner.issuer, HOME, request.headers, await request.read(), told)
            seen.append(web.Response(body=told, headers={RECEIPT: signed}))
            mine = len(seen) - 1
            if len(seen) == 2:
                both.set()
            await both.wait()
            return seen[1 - mine]

        owner.behaviour = swaps
        callers = [Caller("home", name, "research") for name in ("one", "two")]
        found = await asyncio.gather(
            *(owner.ask(client, 7, caller=caller) for caller in callers), return_exceptions=True
        )
        assert [type(one) for one in found] == [PeerIncompatible] * 2
        assert all("another request" in one.reason for one in found)

    async def test_an_answer_that_was_changed_on_its_way(self, client, owner):
        async def behave(request):
            signed = receipt_of(KEY, owner.issuer, HOME, request.headers, await request.read(), b'{"data": {"r": 1}}')
            return web.Response(body=b'{"data": {"r": 2}}', headers={RECEIPT: signed})

        owner.behaviour = behave
        with pytest.raises(PeerIncompatible, match="another answer"):
            await owner.ask(client)

    async def test_the_body_can_not_name_its_own(self, client, owner):
        async def behave(_request):
            return web.json_response({"data": {"r": 1}, "receipt": "claimed"})

        owner.behaviour = behave
        assert (await owner.ask(client)).receipt != "claimed"
