"""Agreements between real nodes: offered, accepted, signed by both, and revoked by either side."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from federation.agreements import PATH
from node.cli.main import cli
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

KFZ = '{ dataset(id: "wetzlar:dataset:kfz") { id } }'
ROWS = """{ observations(filter: {datasets: ["wetzlar:dataset:kfz"]}, first: 1000,
  during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"})
  { nodes { phenomenonTime result } federation { cities { city obligations } } } }"""


@pytest.fixture(scope="module")
def pair(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("agreeing"))
    for city in ("fulda", "wetzlar", "giessen"):
        formed.add(city, postgres_url, TEMPLATE)
    formed.sign()
    formed["fulda"].process.start()
    formed["wetzlar"].process.start()
    formed["fulda"].process.wait_ready()
    formed["wetzlar"].process.wait_ready()
    yield formed
    formed.stop()


async def run(town, *words: str, exit_code: int = 0) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(town.settings.home), *words])
    assert result.exit_code == exit_code, result.output
    return result.output


async def offer(town, id_: str, *more: str, member: str = "fulda", exit_code: int = 0) -> str:
    words = ("agreement", "offer", id_, "--member", member, "--purpose", "traffic-planning", "--until", "2099-01-01")
    return await run(town, *words, *more, exit_code=exit_code)


async def test_it_holds_when_both_have_signed_and_until_one_revokes(pair):
    owner, home = pair["wetzlar"], pair["fulda"]
    assert "leaves" not in await offer(owner, "kfz-1", "--dataset", "kfz", "--obligation", "time=PT1H")
    assert "offered" in (await run(home, "agreement", "list"))
    token = await home.token()
    assert (await home.ask(KFZ, token)).code == "NOT_FOUND"
    assert "own offer" in (await run(owner, "agreement", "accept", "kfz-1", exit_code=1))
    await run(home, "agreement", "accept", "kfz-1")
    assert "in force" in (await run(owner, "agreement", "list"))
    assert (await home.ask(KFZ, token)).data["dataset"]
    page = (await home.ask(ROWS, token)).data["observations"]
    assert page["federation"]["cities"] == [
        {"city": "fulda", "obligations": []},
        {"city": "giessen", "obligations": []},
        {"city": "wetzlar", "obligations": ["time=PT1H"]},
    ]
    assert len(page["nodes"]) == 6  # hours of what are quarters
    await run(home, "agreement", "revoke", "kfz-1")
    assert (await home.ask(KFZ, token)).code == "NOT_FOUND"
    assert "revoked" in (await run(owner, "agreement", "list"))
    for town, acts in ((owner, ["offer"]), (home, ["accept", "revoke"])):
        listed = (await run(town, "audit", "list", "kind:operator", "--format", "jsonl")).splitlines()
        assert [json.loads(one)["action"] for one in reversed(listed)] == [f"operator:agreement:{act}" for act in acts]
    assert "revoked already" in (await run(owner, "agreement", "revoke", "kfz-1", exit_code=1))


async def test_the_owner_revokes_what_it_gave_by_theme(pair):
    owner, home = pair["wetzlar"], pair["fulda"]
    await offer(owner, "verkehr", "--theme", "TRAN")
    await run(home, "agreement", "accept", "verkehr")
    token = await home.token()
    assert (await home.ask(KFZ, token)).data["dataset"]
    owner.sql("update dataset set themes = '{GOVE}' where key = 'kfz'")
    assert (await home.ask(KFZ, token)).code == "NOT_FOUND"
    owner.sql("update dataset set themes = '{TRAN}' where key = 'kfz'")
    assert (await home.ask(KFZ, token)).data["dataset"]
    await run(owner, "agreement", "revoke", "verkehr")
    assert (await home.ask(KFZ, token)).code == "NOT_FOUND"
    assert "revoked" in (await run(home, "agreement", "list"))


async def test_what_nobody_signed_is_refused(pair):
    owner, home = pair["wetzlar"], pair["fulda"]
    await offer(owner, "fremd", "--dataset", "kfz")
    (row,) = home.sql("select offer from agreement where id = 'fremd'")
    for body in (b"nonsense", row[0][:-4].encode() + b"AAAA", row[0].encode()):
        answer = await owner.post(body, PATH, {"Content-Type": "application/jwt"})
        assert answer.status == 400, body
    assert (await home.post(row[0].encode(), PATH)).status == 204  # the same once more is nothing new


async def test_a_city_that_offers_again_and_again_is_refused_after_a_while(pair):
    owner, home = pair["wetzlar"], pair["fulda"]
    await offer(owner, "zuviel-1", "--keyword", "[/x]")
    assert "#[/x]" in (await run(home, "agreement", "list")), "foreign text is no markup"
    home.sql(
        "insert into agreement (id, version, owner, member, datasets, purposes, valid_from, valid_until, revoked_at)"
        " select 'angebot', n, 'wetzlar', 'fulda', '{kfz}', '{research}', now(), now() + interval '1 d', now()"
        " from generate_series(1, 100) n"
    )
    try:
        told = await offer(owner, "zuviel-2", "--dataset", "kfz")
        assert "fulda has not got the offer of zuviel-2: its node answers with 400" in told
        home.sql("update agreement set created_at = created_at - interval '31 d' where id = 'angebot'")
        await run(owner, "agreement", "deliver")
    finally:
        home.sql("delete from agreement where id = 'angebot'")
    assert "zuviel-2" in (await run(home, "agreement", "list"))


async def test_a_city_that_can_not_be_reached_is_told_later(pair):
    owner, away = pair["wetzlar"], pair["giessen"]
    assert "later: verbund agreement deliver" in (await offer(owner, "spaeter", "--dataset", "kfz", member="giessen"))
    assert "to be delivered" in (await run(owner, "agreement", "list")).replace("\n", " ")
    away.process.start()
    away.process.wait_ready()
    await run(owner, "agreement", "deliver")
    assert "offered" in (await run(away, "agreement", "list"))
    assert "to be" not in (await run(owner, "agreement", "list"))


async def test_it_reads_in_two_languages_and_as_odrl(pair, tmp_path):
    owner = pair["wetzlar"]
    await offer(owner, "lesbar", "--dataset", "kfz", "--obligation", "minimum-count=5")
    assert "wetzlar erlaubt fulda, Daten zu nutzen." in (await run(owner, "agreement", "show", "lesbar"))
    assert "Counts of 1 to 4 are hidden" in (await run(owner, "agreement", "show", "lesbar", "--as", "en"))
    assert '"wetzlar:dataset:kfz"' in (await run(owner, "agreement", "show", "lesbar", "--as", "odrl"))
    document = tmp_path / "offer.jwt"
    document.write_text(await run(owner, "agreement", "show", "lesbar", "--as", "signed"))
    assert "the offer is received" in (await run(pair["fulda"], "agreement", "receive", str(document)))


async def test_an_offer_of_what_stays_at_home_is_told_as_that(pair):
    told = await offer(pair["wetzlar"], "daheim", "--dataset", "kfz", "--dataset", "akten")
    assert "akten is INTERNAL: nothing of it leaves before an assessment makes it SHARED" in told
    assert "kfz is" not in told


async def test_an_offer_to_nobody_is_refused(pair):
    words = ("agreement", "offer", "x", "--member", "bonn", "--purpose", "research", "--until", "2099-01-01")
    assert "is not an active member" in (await run(pair["wetzlar"], *words, "--dataset", "kfz", exit_code=1))


async def test_a_new_version_takes_the_place_of_the_one_before_when_both_have_signed_and_it_begins(pair):
    owner, home = pair["wetzlar"], pair["fulda"]
    await offer(owner, "fassung", "--dataset", "kfz", "--obligation", "time=PT1H")
    await run(home, "agreement", "accept", "fassung")
    token = await home.token()

    async def obliged() -> list[str]:
        cities = (await home.ask(ROWS, token)).data["observations"]["federation"]["cities"]
        return next(city["obligations"] for city in cities if city["city"] == "wetzlar")

    assert await obliged() == ["time=PT1H"]
    assert "is not new" in await offer(owner, "fassung", "--dataset", "kfz", "--obligation", "time=PT30M", exit_code=1)
    assert "another city" in await offer(
        owner, "fassung", "--dataset", "kfz", "--version", "2", member="giessen", exit_code=1
    )
    await offer(owner, "fassung", "--dataset", "kfz", "--obligation", "time=PT6H", "--version", "2")
    assert await obliged() == ["time=PT1H"], "offered is not accepted"
    await run(home, "agreement", "accept", "fassung")
    assert await obliged() == ["time=PT6H"], "it is not less severe, and still the one before has ended"
    later = ("--dataset", "kfz", "--obligation", "time=P1D", "--version", "3", "--from", "2098-01-01")
    await offer(owner, "fassung", *later)
    await run(home, "agreement", "accept", "fassung")
    assert await obliged() == ["time=PT6H"], "accepted is not begun"
    signed = {
        (row[0]): row[1:] for row in owner.sql("select version, offer, acceptance from agreement where id = 'fassung'")
    }
    assert all(signed[version][0] and signed[version][1] for version in (1, 2, 3))
    assert len({text for texts in signed.values() for text in texts}) == 6
    assert "Fassung 2" in await run(home, "agreement", "show", "fassung", "--version", "2")
    await run(owner, "agreement", "revoke", "fassung", "--version", "3")
    assert await obliged() == ["time=PT6H"]
    await run(owner, "agreement", "revoke", "fassung")
    assert (await home.ask(KFZ, token)).code == "NOT_FOUND", "no version is left, the first neither"
    assert home.sql("select count(*) from agreement where id = 'fassung' and revoked_at is null") == [(0,)]
    assert "is revoked; choose another" in await offer(
        owner, "fassung", "--dataset", "kfz", "--version", "4", exit_code=1
    )
