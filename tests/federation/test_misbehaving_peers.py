"""A peer that fails again and again is left alone, costs nobody any time, and comes back by itself."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from tests.federation import liar as lies
from tests.federation.liar import answers

DOCUMENT = """query ($n: Int!) { datasets(cities: ["fulda", "giessen", "limburg", "offenbach"], first: $n) {
    nodes { id } federation { complete cities { city state reason } } } }"""
DEADLINE_S = 1.5


async def ask(federation, first: int = 3):
    """Limburg's row of the report, whether the other three gave theirs, and the seconds it took."""
    started = time.monotonic()
    answer = await federation["offenbach"].ask(DOCUMENT, None, {"n": first})
    took = time.monotonic() - started
    rows = {row["city"]: row for row in answer.data["datasets"]["federation"]["cities"]}
    limburg = rows.pop("limburg")
    assert {row["state"] for row in rows.values()} == {"OK"}
    assert len(answer.data["datasets"]["nodes"]) == first
    return limburg, took


async def until_well(federation, limburg) -> None:
    limburg.behaviour = lies.honest
    for _ in range(100):
        if (await ask(federation))[0]["state"] == "OK":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("a good probe brings the city back")


async def test_a_hanging_peer_costs_its_deadline_and_soon_nothing(federation, limburg):
    await until_well(federation, limburg)
    healthy = [(await ask(federation))[1] for _ in range(200)]
    limburg.behaviour = lies.never_answers
    waited = []
    for first in range(2, 40):
        row, took = await ask(federation, first)
        waited.append(took)
        assert row["state"] == "TIMEOUT"
        if "not asked" in row["reason"]:
            break
    assert len(waited) <= 12
    assert max(waited) < 2 * DEADLINE_S
    asked = limburg.asked
    left_alone = []
    for _ in range(200):
        row, took = await ask(federation)
        left_alone.append(took)
        assert row["state"] == "TIMEOUT"
        assert "it is not asked at the moment" in row["reason"]
        assert "tried again" in row["reason"]
    assert limburg.asked <= asked + 3, "probes"
    assert median(left_alone) < DEADLINE_S / 2
    assert median(left_alone) < 4 * median(healthy), "make bench-federation tells the ratio"
    await until_well(federation, limburg)


async def test_a_refusing_peer_is_asked_every_time(federation, limburg):
    await until_well(federation, limburg)
    limburg.behaviour = answers({}, status=403)
    for first in range(2, 15):
        row, _ = await ask(federation, first)
        assert row["state"] == "DENIED"
        assert "not asked" not in row["reason"]
    limburg.behaviour = lies.honest
    assert (await ask(federation))[0]["state"] == "OK"


async def test_one_record_at_the_owner_for_questions_asked_together(federation, healthy):
    home, owner = healthy["offenbach"], healthy["giessen"]
    document = '{ datasets(cities: ["giessen"], first: 7) { nodes { id } } }'
    await home.ask(document)  # tokens and connections
    with owner.locked("dataset"):
        asking = [asyncio.create_task(home.ask(document)) for _ in range(8)]
        await asyncio.sleep(0.4)
    found = await asyncio.gather(*asking)
    assert all(len(answer.data["datasets"]["nodes"]) == 7 for answer in found)
    assert all(len(home.records(answer.trace)) == 1 for answer in found), "each caller has its record at home"
    assert 1 <= sum(len(owner.records(answer.trace)) for answer in found) < len(found)
