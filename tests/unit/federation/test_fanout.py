"""What a city takes that does not understand at first."""

from __future__ import annotations

import asyncio

import pytest
from graphql import print_schema

from federation.envelope import Envelope, PeerProblem
from federation.fanout import Fanout
from federation.foreign import ForeignSchemas
from federation.jose import public_jwks
from federation.membership import Member
from federation.shape import Shapes
from policy.model import ANONYMOUS
from schema.errors import CityUnavailable
from schema.ports import Request
from tests.unit.schema.test_selection import SCHEMA, tree

MEMBER = Member("fulda", "Fulda", None, "https://fulda.example", public_jwks())
PEER_S = 4.0


class Client:
    """Takes the place of `PeerClient`: the owner refuses whatever it is asked, after a second."""

    def __init__(self) -> None:
        self.now = asyncio.get_running_loop().time()
        self.ends: list[float] = []

    def deadline(self, request: Request) -> float:
        return min(request.deadline, self.now + PEER_S)

    async def ask(self, _member, _document, _request, ends: float) -> Envelope:
        self.ends.append(ends)
        self.now += 1
        return Envelope(errors=[PeerProblem(extensions={"code": "INVALID"})])


async def test_who_does_not_understand_at_first_gets_no_more_time_than_others():
    async def fetch(_member: Member) -> bytes:
        return print_schema(SCHEMA.graphql).encode()

    client = Client()
    fanout = Fanout(client, Shapes(SCHEMA.graphql), SCHEMA.graphql, ForeignSchemas("ours", fetch))
    field = await tree('{ dataset(id: "fulda:dataset:a") { title } }')
    request = Request(ANONYMOUS, "", client.now + 60, "", "")
    until = client.deadline(request)
    with pytest.raises(CityUnavailable, match="INVALID"):
        await fanout.single(field, MEMBER, request)
    assert client.ends == [until, until], "it was asked again as it understands it, in the time that was left"
