"""Between nodes: each request is proven, each answer signed; what was taken from the wire is of no use."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest

from federation.addresses import everywhere
from federation.jose import public_keys
from federation.membership import Member
from federation.proofs import HEADER, ProofKey
from federation.receipts import HEADER as RECEIPT
from federation.receipts import Exchange, verify_receipt
from federation.tokens import Authorized, PeerTokens
from federation.transport import PeerTransport
from node.auth.keys import load_signing_key
from policy.model import Caller
from tests.federation.cities import Answer, Town

QUERY = '{ dataset(id: "giessen:dataset:kfz") { id tier } }'
BODY = orjson.dumps({"query": QUERY})
TRACE = "0123456789abcdef" * 2


@dataclass
class Wire:
    """What somebody who acts as Offenbach's node can send to Gießen's."""

    owner: Town
    home: Town
    tokens: PeerTokens
    member: Member
    token: str

    def authorized(self, body: bytes = BODY) -> Authorized:
        return self.tokens.authorize(self.member, self.token, "POST", self.owner.settings.graphql_url, body)

    async def send(self, headers: dict[str, str], body: bytes = BODY, path: str = "/graphql") -> Answer:
        return await self.owner.post(body, path, {"traceparent": f"00-{TRACE}-{'1' * 16}-01", **headers})


@pytest.fixture
async def wire(federation) -> AsyncIterator[Wire]:
    home, owner = federation["offenbach"], federation["giessen"]
    key = load_signing_key(home.settings.signing_key_file)
    jwks = (await owner.get("/oauth/jwks")).body
    member = Member("giessen", "Gießen", None, owner.settings.issuer, jwks)
    caller = Caller("offenbach", "verkehrsportal", "traffic-planning")
    async with PeerTransport(allows=everywhere) as transport:
        tokens = PeerTokens(home.settings.issuer, lambda: key, transport)
        yield Wire(owner, home, tokens, member, await tokens.token_for(member, caller, "data:read", 5))
        await tokens.close()


async def test_the_owner_signs_what_it_was_asked_and_what_it_answered(wire: Wire) -> None:
    authorized = wire.authorized()
    answer = await wire.send(authorized.headers)
    assert answer.data["dataset"]["tier"] == "SHARED"
    signed = answer.headers[RECEIPT]
    response = orjson.dumps(answer.body)  # as the node writes it
    receipt = verify_receipt(
        signed,
        public_keys(wire.member.jwks),
        owner=wire.owner.settings.issuer,
        home=wire.home.settings.issuer,
        exchange=Exchange(BODY, response, authorized.proof, TRACE),
        now=time.time(),
    )
    (record,) = wire.owner.records(TRACE)[-1:]
    assert receipt.policy_version == record["policy_version"]


DEFERRING = orjson.dumps(
    {"query": "{ datasets(first: 2) { nodes { id } } ... @defer { things(first: 1) { nodes { id } } } }"}
)


@pytest.mark.parametrize("accept", ["multipart/mixed, application/json", "multipart/mixed", "text/event-stream"])
async def test_a_node_is_answered_whole_whatever_it_accepts(wire: Wire, accept: str) -> None:
    authorized = wire.authorized(DEFERRING)
    answer = await wire.send({**authorized.headers, "Accept": accept}, DEFERRING)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert {"datasets", "things"} == answer.data.keys()
    receipt = verify_receipt(
        answer.headers[RECEIPT],
        public_keys(wire.member.jwks),
        owner=wire.owner.settings.issuer,
        home=wire.home.settings.issuer,
        exchange=Exchange(DEFERRING, orjson.dumps(answer.body), authorized.proof, TRACE),
        now=time.time(),
    )
    assert len(receipt.entries) == 2, "one record for each root field"


async def test_a_request_taken_from_the_wire_is_not_answered_again(wire: Wire) -> None:
    headers = wire.authorized().headers
    assert (await wire.send(headers)).status == 200
    again = await wire.send(headers)
    assert (again.status, again.code) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_dpop_proof"' in again.headers["WWW-Authenticate"]
    assert RECEIPT not in again.headers


async def test_nor_with_another_body_address_or_key(wire: Wire) -> None:
    other = orjson.dumps({"query": '{ dataset(id: "giessen:dataset:rad") { id } }'})
    assert (await wire.send(wire.authorized().headers, other)).status == 401
    assert (await wire.send(wire.authorized().headers, path="/graphql/")).status == 401
    url = wire.owner.settings.graphql_url
    stolen = ProofKey.new().proof("POST", url, int(time.time()), token=wire.token, body=BODY)
    answer = await wire.send({**wire.authorized().headers, HEADER: stolen})
    assert (answer.status, 'error="invalid_token"' in answer.headers["WWW-Authenticate"]) == (401, True)


async def test_another_city_has_no_use_for_the_owners_token(wire: Wire, federation) -> None:
    third = federation["wetzlar"]
    url = third.settings.graphql_url
    answer = await third.post(BODY, headers=wire.tokens.authorize(wire.member, wire.token, "POST", url, BODY).headers)
    assert answer.status == 401


async def test_neither_tokens_nor_proofs_are_in_the_logs(wire: Wire) -> None:
    access = await wire.home.token()
    authorized = wire.authorized()
    for _ in range(2):  # the second is refused
        await wire.send(authorized.headers)
    await wire.home.ask(QUERY, access)
    await wire.home.ask(QUERY, access, DPoP="rubbish")
    secrets = [wire.token, access.token, authorized.proof]
    for town in (wire.home, wire.owner):
        told = town.process.log_file.read_text(encoding="utf-8")
        assert not any(part in told for secret in secrets for part in secret.split(".")[1:])
        rows = town.sql("select array_agg(r::text) from access_record r") + town.sql(
            "select array_agg(u::text) from used_proof u"
        )
        assert not any(secret.split(".")[2] in str(rows) for secret in secrets)


@pytest.mark.parametrize(
    "document",
    [
        '{ datasets(cities: ["giessen"]) { nodes { id } } }',
        QUERY,
        '{ dataset(id: "wetzlar:dataset:kfz") { id } }',
        "{ datasets { nodes { id } federation { complete } } }",
        '{ a: datasets(cities: ["giessen"]) { nodes { id } } b: things(cities: ["giessen"]) { nodes { id } } }',
        "{ cities { id } }",
        "{ datasets { nothing } }",
        "mutation { recordObservations(series: []) { accepted } }",
    ],
    ids=[
        "own list",
        "own object",
        "another's object",
        "several cities",
        "two fields",
        "directory",
        "invalid",
        "mutation",
    ],
)
async def test_a_proof_counts_once_whatever_is_asked(federation, document: str) -> None:
    town = federation["giessen"]
    access = await town.token()
    body = orjson.dumps({"query": document})
    headers = access.headers("POST", town.settings.graphql_url, body)
    first = await town.post(body, headers=headers)
    assert first.status == 200
    recorded = len(town.records(first.trace))
    again = await town.post(body, headers=headers)
    assert again.status == 401
    assert "data" not in again.body
    assert "used before" in again.body["errors"][0]["message"]
    assert "a proof of its own for each request" in again.body["errors"][0]["extensions"]["hint"]
    assert town.records(again.body["errors"][0]["extensions"]["traceId"]) == []
    assert len(town.records(first.trace)) == recorded
