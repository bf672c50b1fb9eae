"""Schemas of other versions are fetched once, and what can't be had is tried again soon."""

from __future__ import annotations

import asyncio

import pytest
from graphql import parse

from federation.errors import PeerIncompatible, PeerUnreachable
from federation.foreign import MAX_BYTES, MAX_TOKENS, NOT_TRIED_AGAIN_S, REMEMBERED_S, ForeignSchemas, _built
from federation.membership import Member
from schema.build import print_sdl
from tests.work import calls

OWN, OLD = "type Query { a: Int b: Int }", "type Query { a: Int }"
FULDA, GIESSEN = (Member(city, city, None, f"https://{city}.example", {}) for city in ("fulda", "giessen"))


class Peers:
    """Counts who is asked, and answers with what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: bytes | Exception = OLD.encode()
        self.now = 0.0
        self.schemas = ForeignSchemas(OWN, self.fetch, lambda: self.now)

    async def fetch(self, member: Member) -> bytes:
        self.asked.append(member.id)
        await asyncio.sleep(0.01)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_it_is_fetched_once_and_remembered_for_a_while():
    peers = Peers()
    assert peers.schemas.known(FULDA) is None
    first, second = await asyncio.gather(peers.schemas.learn(FULDA, 1), peers.schemas.learn(FULDA, 1))
    assert first is second is peers.schemas.known(FULDA)
    assert list(first.query_type.fields) == ["a"]
    assert await peers.schemas.learn(GIESSEN, 1) is first, "cities of one version share it"
    assert peers.asked == ["fulda", "giessen"]
    peers.now = REMEMBERED_S
    assert peers.schemas.known(FULDA) is None, "it may have been upgraded"


async def test_our_own_version_has_nothing_to_tell():
    peers = Peers()
    peers.answer = OWN.encode()
    assert await peers.schemas.learn(FULDA, 1) is None


@pytest.mark.parametrize(
    "answer", [b"type Query {", b"\xff", b"{ a }", b"type A { a: B }", b"a" * 300, PeerUnreachable("no")]
)
async def test_what_can_not_be_had_is_tried_again_soon(answer):
    peers = Peers()
    peers.answer = answer
    with pytest.raises((PeerIncompatible, PeerUnreachable)):
        await peers.schemas.learn(FULDA, 1)
    assert await peers.schemas.learn(FULDA, 1) is None
    assert peers.asked == ["fulda"]
    peers.now, peers.answer = NOT_TRIED_AGAIN_S, OLD.encode()
    assert await peers.schemas.learn(FULDA, 1) is not None


async def test_who_is_in_a_hurry_does_not_wait():
    peers = Peers()
    with pytest.raises(TimeoutError):
        await peers.schemas.learn(FULDA, 0.001)
    await peers.schemas.close()


def alike(fields: int) -> bytes:
    """Names that nearly fit: to suggest the right ones takes the square of their number."""
    unknown = " ".join(f"f{number}: Unknwn{number}" for number in range(fields))
    return f"type Query {{ {unknown} }} {' '.join(f'type Unknown{number} {{ a: Int }}' for number in range(fields))}".encode()


def test_reading_a_hostile_schema_takes_no_more_than_its_size():
    def work(fields: int) -> int:
        def read() -> None:
            with pytest.raises(PeerIncompatible, match="can't be read"):
                _built(alike(fields))

        read()
        return calls(read)

    assert work(400) < 2.5 * work(200)


def test_ours_is_far_from_the_limits():
    sdl = print_sdl()
    assert 4 * len(sdl) < MAX_BYTES
    parse(sdl, max_tokens=MAX_TOKENS // 4)
