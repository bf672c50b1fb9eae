"""This node as a witness: it cosigns what grows, and catches what does not."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation.errors import PeerIncompatible
from federation.log_keys import LogKeys, NamedKey
from federation.membership import Member
from federation.tlog.checkpoint import Checkpoint, cosigned_at, open_checkpoint
from federation.tlog.note import COSIGNATURE, Note, read_signatures, sign, verifier_key
from federation.tlog.tree import consistency_proof, leaf_hash, root_of
from federation.tlog.witness import SIZE_TYPE, Submission
from federation.transport import PeerResponse, PeerTransport
from node.audit.peers import PeerLogs
from node.audit.watch import LogWatch
from node.audit.witness import LogState, Witness, WitnessStore
from node.store.pool import make_pool
from tests.integration.audit.conftest import KEY, PRIVATE

FULDA = Member("fulda", "Fulda", None, "https://fulda.example", {"keys": []})
OWN = NamedKey(verifier_key("giessen.example/witness", COSIGNATURE, PRIVATE), PRIVATE)


class OneLog:
    """The log of one member, in memory; takes the place of `PeerLogs`."""

    def __init__(self, leaves: int) -> None:
        self.leaves = [leaf_hash(b"%d" % number) for number in range(leaves)]

    def member_of(self, origin: str) -> Member | None:
        return FULDA if origin == KEY.key.name else None

    async def opened(self, member: Member, text: str):
        return (*open_checkpoint(text, KEY.key), LogKeys(KEY.key, OWN.key))

    async def head(self, member: Member):
        if not self.leaves:
            return None
        return self.checkpoint(), self.note(), LogKeys(KEY.key, OWN.key)

    async def consistency(self, member: Member, old: int, new: int) -> list[bytes]:
        return consistency_proof(
            old, new, lambda level, index: root_of(self.leaves[index << level : (index + 1) << level])
        )

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(KEY.key.name, len(self.leaves), root_of(self.leaves))

    def note(self, private: Ed25519PrivateKey = PRIVATE) -> str:
        return str(sign(self.checkpoint().text(), KEY.key, private))

    def grow(self, count: int) -> None:
        self.leaves += [leaf_hash(b"more %d" % number) for number in range(count)]

    async def submission(self, old: int, note: str | None = None) -> str:
        proof = await self.consistency(FULDA, old, len(self.leaves)) if old <= len(self.leaves) else []
        return Submission(old, proof, note or self.note()).body()


@pytest.fixture
async def pool(database_url):
    async with make_pool(database_url, size=4, statement_ms=5_000) as opened:
        yield opened


async def test_it_cosigns_what_extends_the_tree_that_it_knows(pool):
    logs = OneLog(5)
    witness = Witness(logs, WitnessStore(pool), lambda: OWN)
    first = await witness.add_checkpoint(await logs.submission(0))
    assert first.status == 200
    note = Note(logs.checkpoint().text(), read_signatures(first.body))
    assert cosigned_at(note, OWN.key) is not None
    again = await witness.add_checkpoint(await logs.submission(5))
    assert again.status == 200, "the same head may be cosigned anew, for its time"
    logs.grow(300)
    stale = await witness.add_checkpoint(await logs.submission(0))
    assert (stale.status, stale.body, stale.content_type) == (409, "5\n", SIZE_TYPE)
    assert (await witness.add_checkpoint(await logs.submission(5))).status == 200
    assert (await WitnessStore(pool).get("fulda")).size == 305


async def test_it_refuses_what_it_must_not_cosign(pool):
    logs = OneLog(5)
    witness = Witness(logs, WitnessStore(pool), lambda: OWN)
    assert (await witness.add_checkpoint("nonsense")).status == 400
    assert (await witness.add_checkpoint(await logs.submission(6))).status == 400
    assert (
        await witness.add_checkpoint(await logs.submission(0, logs.note(Ed25519PrivateKey.generate())))
    ).status == 403
    other = sign(
        Checkpoint("gotham.example/log", 5, bytes(32)).text(), verifier_key("gotham.example/log", 1, PRIVATE), PRIVATE
    )
    assert (await witness.add_checkpoint(await logs.submission(0, str(other)))).status == 404
    assert (await witness.add_checkpoint(await logs.submission(0))).status == 200
    logs.grow(1)
    wrong = Submission(5, [bytes(32)], logs.note()).body()
    assert (await witness.add_checkpoint(wrong)).status == 422
    assert (await WitnessStore(pool).get("fulda")).size == 5


async def test_of_two_submissions_at_once_one_wins(pool):
    logs = OneLog(5)
    witness = Witness(logs, WitnessStore(pool), lambda: OWN)
    await witness.add_checkpoint(await logs.submission(0))
    bodies = []
    for _ in range(6):
        logs.grow(1)
        bodies.append(await logs.submission(5))
    replies = await asyncio.gather(*(witness.add_checkpoint(body) for body in bodies))
    assert sorted(reply.status for reply in replies) == [200, 409, 409, 409, 409, 409]


@pytest.mark.parametrize("old", [5, 4, 0])
async def test_a_fork_that_is_submitted_is_caught_and_never_cosigned_again(pool, old):
    logs, forked = OneLog(5), OneLog(4)
    witness = Witness(logs, WitnessStore(pool), lambda: OWN)
    await witness.add_checkpoint(await logs.submission(0))
    forked.grow(1)
    assert (await witness.add_checkpoint(await forked.submission(old))).status == 409
    assert (await WitnessStore(pool).get("fulda")).state is LogState.FORKED
    logs.grow(1)
    assert (await witness.add_checkpoint(await logs.submission(5))).status == 422


async def test_many_submissions_at_once_ask_for_a_members_keys_once():
    """Anybody may submit a head in a member's name."""
    answering = asyncio.Event()

    async def get(url, **_):
        await answering.wait()
        return PeerResponse(500, b"", "text/plain")

    transport = Mock(PeerTransport, get=AsyncMock(side_effect=get))
    logs = PeerLogs(transport, Mock(), lambda: 0.0)
    asked = [asyncio.create_task(logs.keys(FULDA)) for _ in range(20)]
    await asyncio.sleep(0)
    answering.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {PeerIncompatible}
    assert transport.get.await_count == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [(b'{"detail":"the log is empty"}', None), (b"<h1>404 Not Found</h1> nginx", PeerIncompatible)],
)
async def test_a_gateway_that_knows_no_such_page_says_nothing_of_the_log(body, told):
    """What a log is held against for good is told by the log's own node."""
    transport = Mock(PeerTransport, get=AsyncMock(return_value=PeerResponse(404, body, "text/html")))
    logs = PeerLogs(transport, Mock(), lambda: 0.0)
    if told is None:
        assert await logs.head(FULDA) is None
    else:
        with pytest.raises(told):
            await logs.head(FULDA)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda log: log.leaves.pop(), LogState.TRUNCATED),
        (lambda log: log.leaves.clear(), LogState.TRUNCATED),
        (lambda log: log.leaves.__setitem__(3, bytes(32)), LogState.FORKED),
        (lambda log: log.leaves.__setitem__(slice(2, 4), [log.leaves[3], log.leaves[2]]), LogState.FORKED),
        (lambda log: (log.leaves.__setitem__(0, bytes(32)), log.grow(2)), LogState.REWRITTEN),
        (lambda log: (log.leaves.pop(1), log.grow(2)), LogState.REWRITTEN),
        (lambda log: log.leaves.insert(2, bytes(32)), LogState.REWRITTEN),
        (lambda log: log.grow(3), LogState.CONSISTENT),
        (lambda log: None, LogState.CONSISTENT),
    ],
)
async def test_watching_tells_growth_from_every_other_change(pool, change, state):
    logs, store = OneLog(5), WitnessStore(pool)
    watch = LogWatch(logs, store)
    await watch.look([FULDA])
    assert (await store.get("fulda")).state is LogState.CONSISTENT
    change(logs)
    await watch.look([FULDA])
    seen = await store.get("fulda")
    assert seen.state is state
    assert (seen.reason is None) == (state is LogState.CONSISTENT)
    logs.grow(10)
    await watch.look([FULDA])
    assert (await store.get("fulda")).state is state, "what was caught stays known"


async def test_the_evidence_has_both_heads(pool):
    logs, store = OneLog(5), WitnessStore(pool)
    watch = LogWatch(logs, store)
    await watch.look([FULDA])
    before = logs.note()
    logs.leaves[0] = bytes(32)
    await watch.look([FULDA])
    async with pool.connection() as connection:
        (evidence,) = await (await connection.execute("select evidence from witnessed_log")).fetchone()
    assert evidence == f"{before}\n{logs.note()}"
