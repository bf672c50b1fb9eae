"""Who asks, on a real database: proofs count once at all replicas, a stolen token is of no use, revocation is at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.addresses import everywhere
from federation.proofs import ProofKey
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.auth.applications import ApplicationStatus, add_application, set_status
from node.auth.callers import Callers
from node.auth.nonces import PERIOD_S, Nonces
from node.auth.revocation import allow_foreign, refuse_foreign
from node.auth.token_check import InvalidToken
from node.auth.token_client import Access, obtain_token
from node.auth.uses import ASYNCHRONOUS, Uses
from node.store.engine import make_engine
from node.store.sessions import Sessions
from node.store.spending import Verdict
from policy.model import Caller
from schema.errors import Unavailable
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import App, City, membership_of

APP = App()
BODY = b'{"query": "{ cities { id } }"}'


@dataclass
class Scene:
    """A node with an application, and another city that may ask it."""

    node: Node
    home: City
    url: str
    database_url: str
    tokens: PeerTokens
    held: Access | None = None

    async def access(self, purpose: str = "statistics") -> Access:
        return await obtain_token(self.node.city.issuer, APP.id, APP.key, purpose, None)

    async def from_home(self, body: bytes = BODY, application: str = "verkehrsmodell") -> dict[str, str]:
        caller = Caller(city="offenbach", application=application, purpose="statistics")
        token = await self.tokens.token_for(self.node.city.member, caller, "data:read", 5)
        return self.tokens.authorize(self.node.city.member, token, "POST", self.url, body).headers

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    engine = make_engine(database_url)
    add_application(engine, APP.registration)
    engine.dispose()
    async with running_node("wetzlar", database_url) as node, PeerTransport(allows=everywhere) as transport:
        home = City("offenbach")
        node.members.append(membership_of(node.city, home))
        tokens = PeerTokens(home.issuer, lambda: home.key, transport)
        yield Scene(node, home, node.city.identity.graphql_url, database_url, tokens)
        await tokens.close()


async def refused(node: Node, headers: dict[str, str], error: str, reason: str, body: bytes | None = None) -> None:
    with pytest.raises(InvalidToken, match=reason) as caught:
        await node.caller(headers, body)
    assert caught.value.error == error


async def test_an_application_is_let_in_with_a_proof_for_each_request(scene: Scene) -> None:
    access = await scene.access()
    for _ in range(3):
        assert (await scene.node.caller(access.headers("POST", scene.url), BODY)).application == APP.id


async def test_a_proof_counts_once(scene: Scene) -> None:
    headers = (await scene.access()).headers("POST", scene.url)
    await scene.node.caller(headers)
    await refused(scene.node, headers, "invalid_dpop_proof", "used before")


async def test_of_many_uses_of_a_proof_at_the_same_time_one_counts_at_all_replicas(scene: Scene) -> None:
    headers = (await scene.access()).headers("POST", scene.url)
    async with Sessions(
        scene.database_url, size=1, statement_ms=5_000, name="replica", on_open=[ASYNCHRONOUS]
    ) as sessions:
        replica = replace(scene.node, callers=Callers(scene.node.city.identity, lambda: None, Uses(sessions)))
        nodes = [scene.node, replica] * 10
        found = await asyncio.gather(*(node.caller(headers) for node in nodes), return_exceptions=True)
    assert sum(isinstance(one, Caller) for one in found) == 1
    assert {str(one) for one in found if not isinstance(one, Caller)} == {Verdict.REPLAYED.value}


async def test_a_stolen_token_is_of_no_use_without_its_key(scene: Scene) -> None:
    stolen = replace(await scene.access(), key=ProofKey.new())
    await refused(scene.node, stolen.headers("POST", scene.url), "invalid_token", "not made with the key")


async def test_a_token_is_no_bearer_token(scene: Scene) -> None:
    access = await scene.access()
    headers = access.headers("POST", scene.url)
    await refused(scene.node, headers | {"Authorization": f"Bearer {access.token}"}, "invalid_token", "DPoP, a space")
    await refused(scene.node, headers | {"DPoP": ""}, "invalid_dpop_proof", "proof")
    claimed = {"Authorization": headers["Authorization"]}
    await refused(scene.node, claimed, "invalid_dpop_proof", "proof")


async def test_a_proof_is_for_one_method_address_and_token(scene: Scene) -> None:
    access, other = await scene.access(), await scene.access("traffic-planning")
    await refused(scene.node, access.headers("GET", scene.url), "invalid_dpop_proof", "htm")
    elsewhere = access.headers("POST", "https://daten.giessen.example/graphql")
    await refused(scene.node, elsewhere, "invalid_dpop_proof", "htu")
    mixed = access.headers("POST", scene.url) | {"Authorization": f"DPoP {other.token}"}
    await refused(scene.node, mixed, "invalid_dpop_proof", "ath")


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_the_scheme_in_any_case(scene: Scene, scheme: str) -> None:
    access = await scene.access()
    headers = access.headers("POST", scene.url) | {"Authorization": f"{scheme} {access.token}"}
    assert (await scene.node.caller(headers)).application == APP.id


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_the_headers_say_nobody_is_let_in(scene: Scene, authorization: str, proof: str) -> None:
    for headers in (
        {"Authorization": authorization, "DPoP": proof},
        {"Authorization": f"DPoP {authorization}", "DPoP": proof},
    ):
        with pytest.raises(InvalidToken):
            await scene.node.caller(headers)


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_stands_for_the_proof_a_token_alone_lets_nobody_in(scene: Scene, proof: str) -> None:
    held = await _held(scene)
    with pytest.raises(InvalidToken) as caught:
        await scene.node.caller({"Authorization": f"DPoP {held.token}", "DPoP": proof})
    assert caught.value.error == "invalid_dpop_proof"


async def _held(scene: Scene) -> Access:
    if scene.held is None:
        scene.held = await scene.access()
    return scene.held


class TestNonces:
    async def test_a_missing_or_foreign_nonce(self, scene: Scene) -> None:
        access = await scene.access()
        for nonce in (None, "", "made-up", Nonces(b"another node's secret, 32 bytes..").current(time.time())):
            headers = replace(access, nonce=nonce).headers("POST", scene.url)
            await refused(scene.node, headers, "use_dpop_nonce", "DPoP-Nonce")

    async def test_one_of_the_period_before_is_good_and_a_new_one_is_told(self, scene: Scene) -> None:
        access, nonces = await scene.access(), await scene.node.uses.nonces()
        now = time.time()
        older = replace(access, nonce=nonces.current(now - PERIOD_S))
        claimed = scene.node.claimed(older.headers("POST", scene.url))
        assert await scene.node.callers.confirm(claimed, None) == nonces.current(time.time())
        oldest = replace(access, nonce=nonces.current(now - 2 * PERIOD_S - 1))
        await refused(scene.node, oldest.headers("POST", scene.url), "use_dpop_nonce", "DPoP-Nonce")

    async def test_who_is_up_to_date_is_told_none(self, scene: Scene) -> None:
        access = await scene.access()
        current = replace(access, nonce=(await scene.node.uses.nonces()).current(time.time()))
        assert await scene.node.callers.confirm(scene.node.claimed(current.headers("POST", scene.url)), None) is None

    async def test_all_replicas_have_the_same_ones(self, scene: Scene) -> None:
        async with Sessions(scene.database_url, size=1, statement_ms=5_000, name="replica") as sessions:
            theirs = await Uses(sessions).nonces()
        now = time.time()
        assert theirs.current(now) == (await scene.node.uses.nonces()).current(now)


class TestBodies:
    async def test_a_node_signs_what_it_sends(self, scene: Scene) -> None:
        assert (await scene.node.caller(await scene.from_home(), BODY)).peer == "offenbach"

    async def test_a_changed_body(self, scene: Scene) -> None:
        await refused(scene.node, await scene.from_home(), "invalid_dpop_proof", "not that of the body", BODY + b" ")

    async def test_a_node_that_does_not_sign_its_body(self, scene: Scene) -> None:
        headers = await scene.from_home(None)
        await refused(scene.node, headers, "invalid_dpop_proof", "content_digest is missing", BODY)

    async def test_an_application_may_sign_its_body_as_well(self, scene: Scene) -> None:
        access = await scene.access()
        await scene.node.caller(access.headers("POST", scene.url, BODY), BODY)
        signed = access.headers("POST", scene.url, BODY)
        await refused(scene.node, signed, "invalid_dpop_proof", "not that of the body", b"{}")


class TestRevocation:
    async def test_of_an_application_is_at_once_and_new_tokens_come_with_activation(self, scene: Scene) -> None:
        access = await scene.access()
        await scene.node.caller(access.headers("POST", scene.url))
        engine = make_engine(scene.database_url)
        set_status(engine, APP.id, ApplicationStatus.SUSPENDED)
        await refused(scene.node, access.headers("POST", scene.url), "invalid_token", "revoked")
        await asyncio.sleep(1)  # tokens have whole seconds
        set_status(engine, APP.id, ApplicationStatus.ACTIVE)
        engine.dispose()
        await refused(scene.node, access.headers("POST", scene.url), "invalid_token", "revoked")
        assert (await scene.node.caller((await scene.access()).headers("POST", scene.url))).application == APP.id

    async def test_an_owner_refuses_one_application_of_another_city(self, scene: Scene) -> None:
        await scene.node.caller(await scene.from_home(), BODY)
        engine = make_engine(scene.database_url)
        refuse_foreign(engine, "offenbach/verkehrsmodell")
        await refused(scene.node, await scene.from_home(), "invalid_token", "not let in", BODY)
        assert (await scene.node.caller(await scene.from_home(application="andere"), BODY)).application == "andere"
        allow_foreign(engine, "offenbach/verkehrsmodell")
        engine.dispose()

    async def test_somebody_hears_of_it(self, scene: Scene) -> None:
        heard: list[Caller] = []
        scene.node.callers._on_revoked = heard.append
        access = await scene.access()
        engine = make_engine(scene.database_url)
        set_status(engine, APP.id, ApplicationStatus.SUSPENDED)
        engine.dispose()
        await refused(scene.node, access.headers("POST", scene.url), "invalid_token", "revoked")
        assert [caller.application for caller in heard] == [APP.id]


async def test_without_the_memory_nobody_with_a_token_is_let_in(scene: Scene) -> None:
    access = await scene.access()
    scene.sql("alter table used_proof rename to gone")
    with pytest.raises(Unavailable):
        await scene.node.caller(access.headers("POST", scene.url))
    scene.sql("alter table gone rename to used_proof")
    assert await scene.node.caller(access.headers("POST", scene.url))


async def test_the_memory_is_cleared_of_what_has_ended(scene: Scene) -> None:
    scene.sql("insert into used_proof values ('\\x00', now() - interval '1 s'), ('\\x01', now() + interval '1 s')")
    scene.sql("insert into revocation values ('token:old', now() - interval '1 h'), ('token:new', now())")
    await scene.node.caller((await scene.access()).headers("POST", scene.url))
    assert scene.node.uses._pruner is not None, "it begins by itself"
    await scene.node.uses._pruner
    with psycopg.connect(scene.database_url) as connection:
        assert connection.execute("select count(*) from used_proof where length(digest) = 1").fetchone() == (1,)
        assert connection.execute("select subject from revocation").fetchall() == [("token:new",)]
