"""The cities witness each other's logs, and compare them."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import psycopg

from federation.tlog.note import is_signed, read
from node.audit.sequencer import Sequencer
from node.auth.log_keys import load_log_keys
from tests.federation.cities import NAMES
from tests.log import append

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


async def command(town, *words: str, group: str | None = "audit") -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node.cli", "--home", str(town.settings.home), *([group] if group else []), *words,
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


async def test_keys_of_a_log_and_its_witness_are_rotated_while_all_run(federation):
    town, other = federation["giessen"], federation["fulda"]
    keys = load_log_keys(town.settings)
    old_log, old_witness = keys.log.key, keys.witness.key
    for use in ("log", "witness"):
        code, told = await command(town, "key", "rotate", "--use", use, "--after", "0", group=None)
        assert code == 0, told
    new = load_log_keys(town.settings)
    assert new.log.key != old_log
    assert new.witness.key != old_witness
    await other.ask("{ datasets { nodes { id } } }")

    async def changed() -> bool:
        own = town.sql("select note from log_checkpoint where cosigned_at is not null order by size desc limit 1")
        keys = other.sql(
            "select witness_keys from log_checkpoint where cosigned_at is not null order by size desc limit 1"
        )
        return (
            bool(own and keys)
            and is_signed(read(own[0][0]), new.log.key)
            and keys[0][0].get("giessen") == str(new.witness.key)
        )

    await until(changed, "the new keys sign, and all know them")
    assert (await states(other))["giessen"] == "CONSISTENT"
    [(text,)] = town.sql(
        "select document from operation o join access_kind k on k.operation = o.digest"
        " where action = 'operator:log:rotate' and document like 'log key %'"
    )
    assert str(new.log.key) in text
    assert str(old_log) in text
    code, told = await command(town, "fsck")
    assert code == 0, told


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


async def test_a_log_that_is_cut_or_forked_is_noticed_by_all_others_and_shown(healthy):
    cut_off, forked = healthy["fulda"], healthy["wetzlar"]
    others = [healthy["offenbach"], healthy["giessen"]]
    for town in (cut_off, forked):
        await town.ask("{ datasets { nodes { id } } }")
        await until(lambda town=town: seen_whole(town, healthy), "the others know the newest head")
    for town in (cut_off, forked):
        town.process.stop()
        size = town.sql("select max(size) from log_checkpoint")[0][0]
        cut(town, size - 1 if town is forked else size // 2)
    with psycopg.connect(forked.database_url, autocommit=True, options="-c TimeZone=UTC") as connection:
        append(connection, datasets=("wetzlar:dataset:other",))
        sequencer = Sequencer(connection, load_log_keys(forked.settings).log)
        assert sequencer.try_lock()
        assert sequencer.sequence() == 1
    for town in (cut_off, forked):
        town.process.start()
    for town in (cut_off, forked):
        town.process.wait_ready()
    expected = {"fulda": "TRUNCATED", "wetzlar": "FORKED"}

    async def shown() -> bool:
        seen = [await states(town) for town in others]
        of_others = (await states(cut_off))["wetzlar"], (await states(forked))["fulda"]
        return of_others == ("FORKED", "TRUNCATED") and all(
            {city: one[city] for city in expected} == expected for one in seen
        )

    await until(shown, "all others know")
    for town in others:
        told = {city["id"]: city["log"]["reason"] for city in (await town.ask(LOGS)).data["cities"]}
        assert "leaves; it had" in told["fulda"]
        assert "different roots, both signed by the log" in told["wetzlar"]
        answer = await town.ask("{ datasets(first: 1) { federation { cities { city log } } } }")
        reported = {row["city"]: row["log"] for row in answer.data["datasets"]["federation"]["cities"]}
        assert reported == {"offenbach": "CONSISTENT", "giessen": "CONSISTENT", **expected}
        assert "TRUNCATED" in str((await town.get("/health/ready")).body)
    for town in healthy.towns.values():
        for city in set(expected) - {town.id}:
            code, told = await command(town, "accept", city, "--reason", "Test")
            assert code == 0, told

    async def consistent() -> bool:
        seen = [await states(town) for town in healthy.towns.values()]
        return all(set(one.values()) == {"CONSISTENT"} for one in seen)

    await until(consistent, "they are watched anew")


async def seen_whole(town, federation) -> bool:
    """Whether all of a town's records are in its tree, and the others know that tree."""
    size = town.sql("select max(size) from log_checkpoint")[0][0]
    others = [other for other in federation.towns.values() if other is not town]
    seen = [other.sql("select size from witnessed_log where city = %s", (town.id,)) for other in others]
    return town.sql("select count(*) from access_record")[0][0] == size and all(one == [(size,)] for one in seen)


def cut(town, keep: int) -> None:
    """Take away all leaves behind the first `keep`, as somebody with all rights on the database would."""
    tiles = "".join(
        f"delete from log_tile where level = {level} and index * 256 >= {keep >> 8 * level};"
        f" update log_tile set hashes = substr(hashes, 1, 32 * ({keep >> 8 * level} - index * 256)::int)"
        f" where level = {level} and index = {(keep >> 8 * level) // 256};"
        for level in range(3)
    )
    town.sql(
        "begin; set local session_replication_role = replica;"
        f" delete from log_checkpoint where size > {keep}; {tiles}"
        f" delete from log_run where position >= {keep};"
        f" update log_run set length = least(length, {keep} - position);"
        " delete from access_record r where not exists (select from log_run"
        " where r.id >= record_id and r.id < record_id + length);"
        " delete from access_day; delete from access_month;"
        " insert into access_day (day, kind, requests, rows, bytes) select (at at time zone 'UTC')::date, kind, count(*),"
        " sum(rows), sum(bytes) from access_record group by 1, 2;"
        " insert into access_month (month, kind, requests, rows, bytes) select date_trunc('month', day), kind,"
        " sum(requests), sum(rows), sum(bytes) from access_day group by 1, 2; commit"
    )


def _receipt(token: str) -> dict:
    from federation.jose import read_unverified

    return read_unverified(token).claims
