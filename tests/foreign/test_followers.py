"""Clients of subscriptions by others: graphql-sse and graphql-ws follow what arrives."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.bench.read.npm import environment, program
from tests.federation.follower import Network

QUERY = """subscription ($ids: [ID!]!, $after: String) { observations(datastreams: $ids, after: $after) {
  nodes { result } cursor } }"""
DATASTREAM = "giessen:datastream:rad-ein"
WAIT_S = 60


@pytest.fixture(scope="module")
def network(scene) -> Network:
    return Network(scene.town)


async def followed(scene, network, by: str, count: int, after: str | None = None) -> tuple[str, dict, list[float]]:
    """The first cursor, what came of it, and what was told once the client was there."""
    job = {
        "api": scene.town.settings.graphql_url,
        "by": by,
        "query": QUERY,
        "variables": {"ids": [DATASTREAM], "after": after},
        "count": count,
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


@pytest.mark.parametrize("by", ["sse", "ws"])
async def test_a_foreign_client_is_told_what_is_wrong(scene, by):
    process = await asyncio.create_subprocess_exec(
        program("node"), "follower.mjs", cwd=scene.packages, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    job = {"api": scene.town.settings.graphql_url, "by": by, "query": QUERY, "variables": {"ids": []}, "count": 1}
    out, err = await asyncio.wait_for(process.communicate(json.dumps(job).encode()), WAIT_S)
    assert json.loads(out)["errors"][0]["extensions"]["code"] == "BAD_INPUT", err.decode()[-2_000:]
