"""Revocation and introspection over HTTP, on a real database, and what operators do to applications."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.grants import ASSERTION_TYPE
from federation.jose import public_jwks, sign
from federation.proofs import ProofKey
from node.auth.applications import add_application, set_keys
from node.auth.callers import Callers
from node.auth.revocation import refuse_foreign
from node.auth.token_check import InvalidToken, TokenCheck
from node.auth.token_client import Access, obtain_token
from node.auth.uses import Uses
from node.store.engine import make_engine
from node.store.sessions import Sessions
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import App, City, assertion, grant, membership_of, new_key, peer_form

APP = App(purposes=("statistics",))
OPERATOR = App("betrieb", scopes=("tokens:introspect",), purposes=("operations",))
HOME = City("offenbach")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    engine = make_engine(database_url)
    for app in (APP, OPERATOR):
        add_application(engine, app.registration)
    engine.dispose()
    async with running_node("wetzlar", database_url) as it:
        it.members.append(membership_of(it.city, HOME))
        yield it


async def access(node: Node, app: App = APP) -> Access:
    return await obtain_token(node.city.issuer, app.id, app.key, None, None)


async def post(node: Node, path: str, app: App | City, **fields: str | None) -> tuple[int, dict[str, Any]]:
    client = app.id if isinstance(app, App) else app.issuer
    proof = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(client, app.key, node.city.issuer),
    }
    form = {name: value for name, value in {**proof, **fields}.items() if value is not None}
    headers = {"Content-Type": FORM}
    if path == "/oauth/token":
        headers["DPoP"] = KEY.proof("POST", node.city.identity.token_endpoint, int(time.time()))
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{node.city.issuer}{path}", data=urlencode(form), headers=headers) as answer,
    ):
        return answer.status, json.loads(await answer.read())


KEY = ProofKey.new()


async def is_let_in(node: Node, held: Access) -> bool:
    try:
        await node.caller(held.headers("POST", node.city.identity.graphql_url))
    except InvalidToken as error:
        assert "revoked" in str(error)
        return False
    return True


class TestRevocation:
    async def test_a_token_that_was_verified_before_ends_at_once_at_every_replica(
        self, node: Node, database_url: str
    ) -> None:
        held, other = await access(node), await access(node)
        async with Sessions(database_url, size=1, statement_ms=5_000, name="replica") as sessions:
            replica = Callers(node.city.identity, lambda: node.members[-1], Uses(sessions))
            nodes = [node, Node(**{**vars(node), "callers": replica})]
            assert [await is_let_in(one, held) for one in nodes] == [True, True]
            assert await post(node, "/oauth/revoke", APP, token=held.token) == (200, {})
            assert [await is_let_in(one, held) for one in nodes] == [False, False]
            assert [await is_let_in(one, other) for one in nodes] == [True, True], "another token of the application"

    async def test_a_clock_ahead_of_the_databases_does_not_save_a_token(self, node: Node) -> None:
        now = int(time.time())
        claims = {"iss": node.city.issuer, "aud": node.city.identity.graphql_url, "sub": APP.id, "client_id": APP.id}
        claims |= {"iat": now + 4, "exp": now + 300, "jti": "j" * 22, "scope": "data:read", "cnf": {"jkt": "k" * 43}}
        claims |= {"city": node.city.id, "application": APP.id, "purpose": "statistics"}
        token = sign(claims, node.city.key, "at+jwt")
        assert await post(node, "/oauth/revoke", APP, token=token) == (200, {})
        ended = TokenCheck(node.city.identity, lambda: node.members[-1]).verified(token)
        assert await node.uses.are_ended(ended.issued_at, ended.subjects)

    async def test_of_another_applications_token_is_refused(self, node: Node) -> None:
        held = await access(node)
        status, body = await post(node, "/oauth/revoke", OPERATOR, token=held.token)
        assert (status, body["error"]) == (400, "invalid_grant")
        assert await is_let_in(node, held)

    @pytest.mark.parametrize("token", ["rubbish", "a.b.c", "x" * 5_000])
    async def test_of_what_is_no_token_is_no_error(self, node: Node, token: str) -> None:
        assert await post(node, "/oauth/revoke", APP, token=token, token_type_hint="refresh_token") == (200, {})

    async def test_without_a_token_or_a_client(self, node: Node) -> None:
        assert (await post(node, "/oauth/revoke", APP))[1]["error"] == "invalid_request"
        status, body = await post(node, "/oauth/revoke", APP, token="x", client_assertion=None)
        assert (status, body["error"]) == (400, "invalid_client")

    async def test_an_assertion_counts_once_here_too(self, node: Node) -> None:
        once = assertion(APP.id, APP.key, node.city.issuer)
        assert (await post(node, "/oauth/revoke", APP, token="x", client_assertion=once))[0] == 200
        assert (await post(node, "/oauth/introspect", APP, token="x", client_assertion=once))[1][
            "error"
        ] == "invalid_client"


class TestIntrospection:
    async def test_an_operator_hears_what_a_token_says_until_it_ends(self, node: Node) -> None:
        held = await access(node)
        status, told = await post(node, "/oauth/introspect", OPERATOR, token=held.token)
        assert (status, told["active"], told["token_type"]) == (200, True, "DPoP")
        assert (told["client_id"], told["city"], told["purpose"]) == (APP.id, "wetzlar", "statistics")
        assert told["cnf"] == {"jkt": held.key.thumbprint}
        await post(node, "/oauth/revoke", APP, token=held.token)
        assert (await post(node, "/oauth/introspect", OPERATOR, token=held.token))[1] == {"active": False}

    async def test_others_hear_nothing(self, node: Node) -> None:
        held = await access(node)
        assert (await post(node, "/oauth/introspect", APP, token=held.token))[1] == {"active": False}
        assert (await post(node, "/oauth/introspect", OPERATOR, token="a.b.c"))[1] == {"active": False}

    @given(token=st.text(max_size=200))
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_whatever_stands_for_a_token_there_is_an_answer(self, node: Node, token: str) -> None:
        for path in ("/oauth/introspect", "/oauth/revoke"):
            assert (await post(node, path, OPERATOR, token=token))[0] in {200, 400}


class TestKeys:
    async def test_rotation_has_both_keys_until_the_old_one_is_dropped(self, node: Node, database_url: str) -> None:
        engine, new = make_engine(database_url), new_key()
        held = await access(node)
        set_keys(engine, APP.id, public_jwks(new), drop_old=False)
        for key in (APP.key, new):
            assert await obtain_token(node.city.issuer, APP.id, key, None, None)
        assert await is_let_in(node, held)
        set_keys(engine, APP.id, public_jwks(new), drop_old=True)
        engine.dispose()
        assert not await is_let_in(node, held), "tokens that were got with the old key end with it"
        assert (await post(node, "/oauth/introspect", APP, token="x"))[1]["error"] == "invalid_client"


async def test_a_refused_application_of_another_city_gets_no_token(node: Node, database_url: str) -> None:
    engine = make_engine(database_url)
    refuse_foreign(engine, "offenbach/verkehrsmodell")
    engine.dispose()

    async def ask(application: str) -> tuple[int, dict[str, Any]]:
        made = grant(HOME, node.city, sub=f"{HOME.issuer}#{application}")
        return await post(node, "/oauth/token", HOME, **peer_form(node.city, made, "", client_assertion=None))

    status, body = await ask("verkehrsmodell")
    assert (status, body["error"]) == (400, "access_denied")
    assert (await ask("andere"))[0] == 200
