"""What a city takes that answers with what this node does not understand, or does not understand itself."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
import pytest
from graphql import print_schema

from federation.envelope import Envelope, PeerProblem
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas
from federation.jose import public_jwks
from federation.membership import Member
from federation.plan import plan_page
from federation.question import ALIAS
from federation.report import State
from federation.shape import Shapes
from policy.model import ANONYMOUS
from schema.errors import CityUnavailable
from schema.ports import Request
from tests.unit.schema.test_selection import SCHEMA, tree

MEMBER = Member("fulda", "Fulda", None, "https://fulda.example", public_jwks())
PEER_S = 4.0


class Client:
    """Takes the place of `PeerClient`: the owner answers with the same whatever it is asked, after a second."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.now = asyncio.get_running_loop().time()
        self.ends: list[float] = []

    def deadline(self, request: Request) -> float:
        return min(request.deadline, self.now + PEER_S)

    async def ask(self, _member, _document, _request, ends: float) -> Envelope:
        self.ends.append(ends)
        self.now += 1
        return self.envelope


async def test_who_does_not_understand_at_first_gets_no_more_time_than_others():
    async def fetch(_member: Member) -> bytes:
        return print_schema(SCHEMA.graphql).encode()

    client = Client(Envelope(errors=[PeerProblem(extensions={"code": "INVALID"})]))
    fanout = Fanout(client, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("ours", fetch))
    field = await tree('{ dataset(id: "fulda:dataset:a") { title } }')
    request = Request(ANONYMOUS, "", client.now + 60, "", "")
    until = client.deadline(request)
    with pytest.raises(CityUnavailable, match="INVALID"):
        await fanout.single(field, MEMBER, request)
    assert client.ends == [until, until], "it was asked again as it understands it, in the time that was left"


async def test_a_large_answer_that_does_not_fit_holds_up_nobody():
    themes = b",".join([b'"TRAN"'] * 300_000)
    answer = b'{"s": ["a"], "k": ["x"], "n0": [{"themes": [%b, 1]}], "pageInfo": {"hasNextPage": false}}' % themes
    client = Client(Envelope({ALIAS: msgspec.Raw(answer)}))
    fanout = Fanout(client, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("", nobodys))
    plan = plan_page(await tree("{ datasets(first: 3) { nodes { themes } } }"))
    request = Request(ANONYMOUS, "", client.now + 60, "", "")
    asking = asyncio.create_task(fanout.pages(plan, {"fulda": MEMBER}, {"fulda": None}, request))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await asking)["fulda"].report.state is State.INCOMPATIBLE
    assert turns > 20, "others have their turns meanwhile"


async def nobodys(_member: Member) -> bytes:
    raise AssertionError("it is not asked for its schema")


@pytest.mark.parametrize("code", ["\x1b]0;MINE\x07", "PAY HERE: EVIL.EXAMPLE", "A" * 41, "Ü"], ids=ascii)
async def test_what_a_city_writes_in_place_of_a_code_is_not_told_to_callers(code):
    client = Client(Envelope(errors=[PeerProblem(extensions={"code": code}), PeerProblem(extensions={"code": "BAD"})]))
    fanout = Fanout(client, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("ours", None))
    field = await tree('{ dataset(id: "fulda:dataset:a") { title } }')
    with pytest.raises(CityUnavailable, match=r"answered with errors \(BAD\)$"):
        await fanout.single(field, MEMBER, Request(ANONYMOUS, "", client.now + 60, "", ""))


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(data={ALIAS: msgspec.Raw(b'{"nonsense": 1}')}),
        Envelope(errors=[PeerProblem(extensions={"code": "INTERNAL"})]),
    ],
    ids=["nonsense", "errors"],
)
async def test_what_a_city_has_signed_is_kept_though_it_is_of_no_use(envelope):
    envelope.receipt, envelope.request = "signed", b"q" * 32
    client = Client(envelope)
    fanout = Fanout(client, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("ours", None))
    plan = plan_page(await tree("{ datasets { nodes { title } } }"))
    request = Request(ANONYMOUS, "", client.now + 60, "", "")
    outcome = (await fanout.pages(plan, {"fulda": MEMBER}, {"fulda": None}, request))["fulda"]
    assert (outcome.given, outcome.report.state) == (None, State.INCOMPATIBLE)
    assert (outcome.report.receipt, outcome.report.request) == ("signed", b"q" * 32)
    assert outcome.report.response == sha256((envelope.data or {}).get(ALIAS, b"null")).digest()
