"""From the home node's token cache to the owner's bearer check, over HTTP: identity chaining end to end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from federation.addresses import everywhere
from federation.errors import PeerDenied
from federation.membership import MemberStatus
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.auth.token_check import InvalidToken
from policy.model import ANONYMOUS, Caller
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import City, membership_of, new_key

CALLER = Caller(city="offenbach", application="verkehrsmodell", purpose="statistics", scopes=frozenset({"data:read"}))


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Node]:
    async with running_node("offenbach", database_url) as node:
        yield node


@pytest.fixture
async def owner(postgres_url: str, database_url: str) -> AsyncIterator[Node]:
    name = "owner_of_crossing"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"create database {name} template verbund_template")
    head, _, tail = postgres_url.rpartition("/verbund?")
    async with running_node("wetzlar", f"{head}/{name}?{tail}") as node:
        yield node
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def tokens(home: Node, owner: Node) -> AsyncIterator[PeerTokens]:
    members = membership_of(home.city, owner.city)
    home.members.append(members)
    owner.members.append(members)
    async with PeerTransport(allows=everywhere) as transport:
        made = PeerTokens(home.city.issuer, lambda: home.city.key, transport)
        yield made
        await made.close()


BODY = b'{"query": "{ cities { id } }"}'


async def arrived(tokens: PeerTokens, node: Node, token: str) -> Caller:
    """The caller that the node takes a question of the other one for."""
    authorized = tokens.authorize(node.city.member, token, "POST", node.city.identity.graphql_url, BODY)
    return await node.caller(authorized.headers, BODY)


async def test_an_application_arrives_with_city_and_purpose(tokens: PeerTokens, home: Node, owner: Node) -> None:
    token = await tokens.token_for(owner.city.member, CALLER, "data:read", 5)
    caller = await arrived(tokens, owner, token)
    assert (caller.application, caller.city, caller.purpose) == ("verkehrsmodell", "offenbach", "statistics")
    assert (caller.peer, caller.scopes) == ("offenbach", frozenset({"data:read"}))
    assert caller.token_id


async def test_a_caller_without_token_arrives_as_such(tokens: PeerTokens, owner: Node) -> None:
    token = await tokens.token_for(owner.city.member, ANONYMOUS, "data:read", 5)
    caller = await arrived(tokens, owner, token)
    assert caller.is_anonymous
    assert caller.peer == "offenbach"


async def test_both_directions(tokens: PeerTokens, home: Node, owner: Node) -> None:
    async with PeerTransport(allows=everywhere) as transport:
        back = PeerTokens(owner.city.issuer, lambda: owner.city.key, transport)
        caller = Caller(city="wetzlar", application="app-9", purpose="research")
        token = await back.token_for(home.city.member, caller, "data:read", 5)
        assert (await arrived(back, home, token)).city == "wetzlar"


async def test_the_owners_token_opens_no_other_door(tokens: PeerTokens, home: Node, owner: Node) -> None:
    token = await tokens.token_for(owner.city.member, CALLER, "data:read", 5)
    with pytest.raises(InvalidToken):
        await arrived(tokens, home, token)


async def test_a_scope_for_own_auditors_is_denied(tokens: PeerTokens, owner: Node) -> None:
    with pytest.raises(PeerDenied) as caught:
        await tokens.token_for(owner.city.member, CALLER, "audit:read", 5)
    assert caught.value.error == "invalid_scope"


async def test_an_unknown_purpose_is_denied(tokens: PeerTokens, owner: Node) -> None:
    caller = Caller(city="offenbach", application="verkehrsmodell", purpose="world-domination")
    with pytest.raises(PeerDenied) as caught:
        await tokens.token_for(owner.city.member, caller, "data:read", 5)
    assert caught.value.error == "invalid_grant"


async def test_a_suspended_member_is_denied_and_its_tokens_end_at_once(
    tokens: PeerTokens, home: Node, owner: Node
) -> None:
    token = await tokens.token_for(owner.city.member, CALLER, "data:read", 5)
    suspended = City("offenbach", home.city.issuer, home.city.key, MemberStatus.SUSPENDED)
    owner.members.append(membership_of(suspended, owner.city))
    with pytest.raises(InvalidToken, match="not an active member"):
        await arrived(tokens, owner, token)
    tokens.forget("wetzlar")
    with pytest.raises(PeerDenied) as caught:
        await tokens.token_for(owner.city.member, CALLER, "data:read", 5)
    assert caught.value.error == "invalid_client"


async def test_a_node_with_another_key_than_the_listed_one_is_denied(home: Node, owner: Node) -> None:
    owner.members.append(membership_of(home.city, owner.city))
    async with PeerTransport(allows=everywhere) as transport:
        impostor = PeerTokens(home.city.issuer, new_key, transport)
        with pytest.raises(PeerDenied) as caught:
            await impostor.token_for(owner.city.member, CALLER, "data:read", 5)
    assert caught.value.error == "invalid_client"
