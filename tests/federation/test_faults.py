"""Whatever breaks costs its own rows only, is told, and never passes for complete."""

from __future__ import annotations

import asyncio
import time

import pytest

REPORT = "federation { complete cities { city state rows reason } }"
DATASETS = "{ datasets(first: 100) { nodes { id city } %s } }" % REPORT


def states(answer) -> dict[str, str]:
    (page,) = answer.data.values()
    return {row["city"]: row["state"] for row in page["federation"]["cities"]}


def cities(answer) -> set[str]:
    (page,) = answer.data.values()
    return {node["city"] for node in page["nodes"]}


async def test_a_node_that_is_down_is_named_and_the_others_answer(healthy):
    healthy["wetzlar"].process.kill()
    answer = await healthy["offenbach"].ask(DATASETS)
    assert states(answer) == {"fulda": "OK", "giessen": "OK", "offenbach": "OK", "wetzlar": "UNREACHABLE"}
    assert answer.data["datasets"]["federation"]["complete"] is False
    assert cities(answer) == {"fulda", "giessen", "offenbach"}
    records = healthy["offenbach"].records(answer.trace)
    assert {(r["role"], r["counterpart"], r["state"]) for r in records} == {
        ("OWNER", None, "OK"),
        ("CONSUMER", "fulda", "OK"),
        ("CONSUMER", "giessen", "OK"),
        ("CONSUMER", "wetzlar", "UNREACHABLE"),
    }


async def test_a_node_that_hangs_costs_its_deadline_and_its_rows(healthy):
    await healthy["offenbach"].ask(DATASETS)
    healthy["giessen"].freeze()
    started = time.monotonic()
    answer = await healthy["offenbach"].ask(DATASETS)
    took = time.monotonic() - started
    assert states(answer)["giessen"] == "TIMEOUT"
    assert cities(answer) == {"fulda", "offenbach", "wetzlar"}
    assert 0.9 < took < 5, "the deadline of a peer is 1.5 s here, and 1 s once it is known to be quick"


async def test_an_owner_without_database_gives_no_data(healthy, postgres_url):
    healthy["fulda"].cut_database(postgres_url)
    try:
        answer = await healthy["offenbach"].ask(DATASETS)
        assert states(answer)["fulda"] in {"UNREACHABLE", "TIMEOUT"}
        assert cities(answer) == {"giessen", "offenbach", "wetzlar"}
        ready = await healthy["fulda"].get("/health/ready")
        assert ready.status == 503
        assert "PostgreSQL can't be reached" in str(ready.body["checks"])
        assert (await healthy["fulda"].get("/health/live")).status == 200
    finally:
        healthy["fulda"].restore_database(postgres_url)


async def test_a_home_node_without_database_answers_503_and_no_data(healthy, postgres_url):
    home = healthy["fulda"]
    home.cut_database(postgres_url)
    try:
        for document in (
            DATASETS,
            '{ datasets(cities: ["giessen"]) { nodes { id } } }',
            '{ dataset(id: "giessen:dataset:rad") { id } }',
        ):
            answer = await home.ask(document)
            assert answer.status == 503
            assert answer.code == "UNAVAILABLE"
            assert answer.body.get("data") is None
            assert answer.headers["Retry-After"]
    finally:
        home.restore_database(postgres_url)
    for _ in range(50):
        if (await home.ask(DATASETS)).status == 200:
            break
        await asyncio.sleep(0.2)
    assert states(await home.ask(DATASETS))["fulda"] == "OK"


@pytest.fixture
def unrecordable(healthy):
    """A way to make a town's access log refuse new records."""
    broken = []

    def break_log(town):
        town.sql(
            "create function no_records() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$"
        )
        town.sql("create trigger no_records before insert on access_record execute function no_records()")
        broken.append(town)

    yield break_log
    for town in broken:
        town.sql("drop trigger no_records on access_record")
        town.sql("drop function no_records()")


async def test_no_record_no_data_at_home(unrecordable, healthy):
    home = healthy["giessen"]
    unrecordable(home)
    answer = await home.ask(
        '{ node { version } datasets { nodes { id } } dataset(id: "giessen:dataset:rad") { title } }'
    )
    assert answer.status == 503
    assert answer.body["data"] is None
    assert "giessen:dataset" not in str(answer.body["errors"][0]["message"])


async def test_no_record_no_data_at_the_owner(unrecordable, healthy):
    unrecordable(healthy["giessen"])
    answer = await healthy["offenbach"].ask(DATASETS)
    assert states(answer)["giessen"] == "UNREACHABLE"
    assert "giessen" not in cities(answer)


async def test_required_cities_that_are_missing_are_an_error(healthy):
    healthy["wetzlar"].process.kill()
    answer = await healthy["offenbach"].ask("{ datasets(require: ALL) { nodes { id } } }")
    assert answer.code == "INCOMPLETE"
    assert answer.body["data"] is None or answer.body["data"]["datasets"] is None
    assert "wetzlar (UNREACHABLE" in answer.body["errors"][0]["message"]
    answer = await healthy["offenbach"].ask(
        '{ datasets(require: ALL, cities: ["giessen", "offenbach"]) { nodes { id } } }'
    )
    assert len(answer.data["datasets"]["nodes"]) == 20


async def test_an_object_of_a_city_that_is_down_is_an_error_with_its_name(healthy):
    healthy["wetzlar"].process.kill()
    answer = await healthy["offenbach"].ask('{ dataset(id: "wetzlar:dataset:rad") { id } }')
    assert answer.code == "CITY_UNAVAILABLE"
    assert answer.body["errors"][0]["extensions"]["city"] == "wetzlar"
    assert "UNREACHABLE" in answer.body["errors"][0]["message"]


async def test_rows_of_a_city_that_was_away_come_on_a_later_page(healthy):
    document = """query ($after: String) { datasets(first: 10, after: $after) {
        nodes { id city } pageInfo { endCursor hasNextPage } federation { complete } } }"""
    whole = (await healthy["offenbach"].ask("{ datasets(first: 100) { nodes { id } } }")).data["datasets"]["nodes"]
    healthy["wetzlar"].process.kill()
    seen, after = [], None
    for _ in range(3):
        page = (await healthy["offenbach"].ask(document, None, {"after": after})).data["datasets"]
        assert page["federation"]["complete"] is False
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert not any(node.startswith("wetzlar") for node in seen)
    healthy["wetzlar"].process.start()
    healthy["wetzlar"].process.wait_ready()
    more = True
    while more:
        page = (await healthy["fulda"].ask(document, None, {"after": after})).data["datasets"]
        assert page["federation"]["complete"] is True
        seen += [node["id"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert sorted(seen) == sorted(node["id"] for node in whole)


async def test_an_owner_that_lost_its_keys_is_asked_again_with_a_new_token(healthy):
    """The tokens that a home node keeps must not outlive the owner's acceptance of them."""
    home, owner = healthy["offenbach"], healthy["giessen"]
    token = await home.token()
    document = '{ dataset(id: "giessen:dataset:kfz") { id } }'
    assert (await home.ask(document, token)).data["dataset"]
    owner.process.kill()
    owner.process.start()
    owner.process.wait_ready()
    assert (await home.ask(document, token)).data["dataset"]


async def test_workers_end_with_their_supervisor(healthy):
    """A killed `verbund serve` leaves nobody behind that holds its port."""
    import os
    import signal

    town = healthy["wetzlar"]
    process = town.process._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(60):
        if not town.process.is_ready():
            break
        await asyncio.sleep(0.1)
    assert not town.process.is_ready()
    town.process._close()
    town.process.start()
    town.process.wait_ready()


async def test_a_database_that_went_back_in_time_is_answered_from(healthy):
    """A restored backup has an earlier policy epoch than the node remembers."""
    town = healthy["fulda"]
    document = '{ datasets(cities: ["fulda"], first: 1) { nodes { id } } }'
    before = (await town.ask(document)).data
    town.sql("update policy_epoch set epoch = epoch - 1")
    try:
        assert (await town.ask(document)).data == before
    finally:
        town.sql("update policy_epoch set epoch = epoch + 1")


async def test_mistakes_are_the_callers_also_if_only_peers_are_asked(healthy):
    for argument in ("first: -1", "first: 5000", "filter: {bbox: {west: 9, south: 1, east: 8, north: 2}}"):
        answer = await healthy["offenbach"].ask('{ datasets(cities: ["giessen"], %s) { nodes { id } } }' % argument)
        assert answer.code == "BAD_INPUT"


async def test_a_node_that_can_keep_no_records_is_not_ready(healthy, postgres_url):
    town = healthy["fulda"]
    cut = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{town._database}'"
    town._admin(postgres_url, f"alter database {town._database} set default_transaction_read_only = on")
    town._admin(postgres_url, cut)
    try:
        async with asyncio.timeout(20):
            while True:
                ready = await town.get("/health/ready")
                if [check["name"] for check in ready.body["checks"] if not check["ok"]] == ["records"]:
                    break
                await asyncio.sleep(0.1)  # its connections have just been cut
        assert ready.status == 503
        assert (await town.ask("{ datasets { nodes { id } } }")).status == 503
    finally:
        town._admin(postgres_url, f"alter database {town._database} reset default_transaction_read_only")
        town._admin(postgres_url, cut)
    town.process.wait_ready()


async def test_an_unusable_membership_is_told(healthy):
    town = healthy["wetzlar"]
    town.process.kill()
    town.sql("delete from trust_statement")
    healthy.anchor.site.stop()
    try:
        town.process.start()
        for _ in range(100):
            ready = None
            try:
                ready = await town.get("/health/ready")
                break
            except OSError:
                await asyncio.sleep(0.1)
        assert ready is not None
        assert ready.status == 503
        for document in (
            '{ dataset(id: "wetzlar:dataset:rad") { id } }',
            "{ datasets { nodes { id } } }",
            "{ cities { id } }",
        ):
            answer = await town.ask(document)
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert "membership" in answer.body["errors"][0]["message"]
    finally:
        healthy.anchor.serve_again()
        await healthy.settled("wetzlar", fulda="ACTIVE")
