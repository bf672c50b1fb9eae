"""The cities witness each other's logs, and compare them."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from tests.federation.cities import NAMES

LOGS = "{ cities { id log { state size reason } } }"
SHARED = '{ dataset(id: "giessen:dataset:kfz") { title } }'
WAIT_S = 90


async def until(found, what: str) -> None:
    ends = asyncio.get_running_loop().time() + WAIT_S
    while not await found():
        assert asyncio.get_running_loop().time() < ends, what
        await asyncio.sleep(0.3)


async def states(town) -> dict[str, str]:
    return {city["id"]: city["log"]["state"] for city in (await town.ask(LOGS)).data["cities"]}


async def command(town, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node.cli", "--home", str(town.settings.home), "audit", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def test_heads_are_cosigned_by_a_quorum_and_all_logs_are_known_as_consistent(federation):
    for town in federation.towns.values():
        await town.ask("{ datasets { nodes { id } } }")

    async def cosigned() -> bool:
        counts = [
            town.sql("select count(*) from log_checkpoint where cosigned_at is not null")[0][0]
            for town in federation.towns.values()
        ]
        return all(counts)

    async def consistent() -> bool:
        seen = [await states(town) for town in federation.towns.values()]
        return all(set(one.values()) == {"CONSISTENT"} for one in seen)

    await until(cosigned, "heads are cosigned")
    await until(consistent, "each city knows all logs")
    [(note, keys)] = federation["giessen"].sql(
        "select note, witness_keys from log_checkpoint where cosigned_at is not null order by size desc limit 1"
    )
    assert note.count("\n— ") >= 3, "its own signature, and two of the three others'"
    assert set(keys) <= set(NAMES) - {"giessen"}
    answer = await federation["fulda"].ask("{ datasets(first: 1) { federation { cities { city log } } } }")
    assert {row["log"] for row in answer.data["datasets"]["federation"]["cities"]} == {"CONSISTENT"}


async def test_both_sides_records_fit_until_one_of_them_is_changed(federation):
    home, owner = federation["offenbach"], federation["giessen"]
    start = datetime.now(UTC)
    token = await home.token()
    traces = [(await home.ask(SHARED, token)).trace for _ in range(3)]
    (asked,), (answered,) = home.records(traces[0]), owner.records(traces[0])
    assert answered["leaf"].hex() in _receipt(asked["receipt"])["entries"]
    assert asked["request_digest"] == answered["request_digest"] is not None
    assert asked["response_digest"] == answered["response_digest"] is not None
    period = (
        "--from",
        f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "--until",
        f"{datetime.now(UTC) + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}",
    )
    code, told = await command(home, "reconcile", "giessen", *period)
    assert (code, "no differences" in told) == (0, True), told
    owner.sql(
        "begin; set local session_replication_role = replica;"
        f" delete from access_record where trace_id = '{traces[1]}'; commit"
    )
    home.sql(
        "begin; set local session_replication_role = replica;"
        f" update access_record set response_digest = sha256('x') where trace_id = '{traces[2]}'; commit"
    )
    code, told = await command(home, "reconcile", "giessen", *period)
    assert code == 3, told
    assert f"DISAGREEMENT: trace {traces[1]}: the owner signed for leaf" in told
    assert f"DISAGREEMENT: trace {traces[2]}: the responses have different digests" in told


def _receipt(token: str) -> dict:
    from federation.jose import read_unverified

    return read_unverified(token).claims
