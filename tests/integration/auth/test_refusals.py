"""Who refuses a token or a proof tells of it, and names nobody whom this node does not know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from node.auth.applications import add_application
from node.auth.callers import USE_NONCE, Callers, Presented
from node.auth.revocation import refuse_foreign
from node.auth.service import TokenService
from node.auth.token_check import InvalidToken
from node.store.engine import make_engine
from policy.model import ANONYMOUS, Caller
from tests.integration.auth.nodes import running_node
from tests.integration.auth.test_token_endpoint import APP, HOME, Node, app_form, node_form, proof_for
from tests.unit.node.auth.world import membership_of

OWN = Caller("wetzlar", APP.id)
PEER = Caller("offenbach", peer="offenbach")


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    engine = make_engine(database_url)
    add_application(engine, APP.registration)
    refuse_foreign(engine, "offenbach/verkehrsmodell")
    engine.dispose()
    async with running_node("wetzlar", database_url) as it:
        it.members.append(membership_of(it.city, HOME))
        yield it


async def test_the_token_endpoint_tells_what_it_refused_and_to_whom(node: Node) -> None:
    told: list[tuple[str, Caller]] = []
    service = TokenService(
        node.city.identity, lambda: node.members[-1], node.pool, node.uses, on_refused=lambda *what: told.append(what)
    )

    async def ask(form: dict[str, str], proofs: list[str] | None = None) -> int:
        reply = await service.token(urlencode(form).encode(), [proof_for(node)] if proofs is None else proofs)
        return reply.status

    once = app_form(node)
    assert await ask(once) == 200
    assert told == []
    assert await ask(once) != 200
    assert await ask(app_form(node), proofs=[]) != 200
    assert await ask(app_form(node, client_assertion="a.b.c")) != 200
    assert await ask(app_form(node, scope="everything")) != 200
    assert await ask(node_form(node, assertion="a.b.c")) != 200
    assert await ask(node_form(node)) != 200
    assert told == [
        ("invalid_client", OWN),
        ("invalid_dpop_proof", OWN),
        ("invalid_client", ANONYMOUS),
        ("invalid_scope", OWN),
        ("invalid_grant", PEER),
        ("access_denied", PEER),
    ]


async def test_refused_tokens_and_proofs_are_told_and_missing_nonces_are_not(node: Node) -> None:
    told: list[tuple[str, Caller]] = []
    callers = Callers(
        node.city.identity, lambda: node.members[-1], node.uses, on_refused=lambda *what: told.append(what)
    )
    with pytest.raises(InvalidToken) as caught:
        callers.claimed(Presented("GET", "https://a/graphql", "DPoP a.b.c", []))
    assert await callers.refused(caught.value)
    assert await callers.refused(InvalidToken("again", USE_NONCE, OWN))
    assert await callers.refused(InvalidToken("used before", "invalid_dpop_proof", OWN))
    assert told == [("invalid_token", ANONYMOUS), ("invalid_dpop_proof", OWN)]
