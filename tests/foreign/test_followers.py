"""Clients of subscriptions by others: graphql-sse and graphql-ws follow what arrives."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode

import pytest

from node.auth.revocation import end_tokens, token_subject
from node.store.engine import make_engine
from tests.bench.read.npm import environment, program
from tests.federation.follower import Network

QUERY = """subscription ($ids: [ID!]!, $after: String) { observations(datastreams: $ids, after: $after) {
  nodes { result } cursor } }"""
DATASTREAM = "giessen:datastream:rad-ein"
WAIT_S = 60


@pytest.fixture(scope="module")
def network(scene) -> Network:
    return Network(scene.town)


async def followed(
    scene, network, by: str, count: int, after: str | None = None, then=None, **more: object
) -> tuple[str, dict, list[float]]:
    """The first cursor, what came of it, and what was told once the client was there and what `then` does was done."""
    job = {
        "api": scene.town.settings.graphql_url,
        "by": by,
        "query": QUERY,
        "variables": {"ids": [DATASTREAM], "after": after},
        "count": count,
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        program("node"), "follower.mjs", cwd=scene.packages, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WAIT_S):
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()[-2_000:]
            if then is not None:
                await asyncio.to_thread(then)
            told = [*await network.tell(2), *await network.tell(1)] if after is None else []
            answer = json.loads(await process.stdout.readline())
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(line)["cursor"], answer, told


@pytest.mark.parametrize("by", ["sse", "ws"])
async def test_a_foreign_client_follows_and_goes_on_from_its_cursor(scene, network, by):
    cursor, answer, told = await followed(scene, network, by, 3)
    assert answer == {"results": told}
    _, again, _ = await followed(scene, network, by, 3, after=cursor)
    assert again == answer


async def test_a_foreign_client_comes_again_by_itself_with_a_new_token(scene, network):
    """graphql-ws connects anew when the connection is closed because its token has ended."""
    town = scene.town
    tokens = [await town.token() for _ in range(2)]
    params = [
        {"authorization": headers["Authorization"], "dpop": headers["DPoP"]}
        for headers in (token.headers("GET", town.settings.graphql_url) for token in tokens)
    ]
    claims = tokens[0].token.split(".")[1]
    first = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]
    engine = make_engine(town.database_url)

    def revoke() -> None:
        with engine.begin() as connection:
            end_tokens(connection, token_subject(first))

    _, answer, told = await followed(scene, network, "ws", 3, then=revoke, params=params)
    engine.dispose()
    assert answer == {"results": told, "unused": 0}


@pytest.mark.parametrize("by", ["sse", "ws"])
async def test_a_foreign_client_is_told_what_is_wrong(scene, by):
    process = await asyncio.create_subprocess_exec(
        program("node"), "follower.mjs", cwd=scene.packages, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    job = {"api": scene.town.settings.graphql_url, "by": by, "query": QUERY, "variables": {"ids": []}, "count": 1}
    out, err = await asyncio.wait_for(process.communicate(json.dumps(job).encode()), WAIT_S)
    assert json.loads(out)["errors"][0]["extensions"]["code"] == "BAD_INPUT", err.decode()[-2_000:]
