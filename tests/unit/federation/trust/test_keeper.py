"""Keeping up with anchors and nodes: away, rolled back, handed over, new keys; before and after restarts."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import fields

from federation.errors import MembershipError
from federation.trust.keeper import AT_ONCE, LOOK_S, UNKNOWN_KEYS, TrustKeeper, follows_within_s
from federation.trust.state import Trust
from federation.trust.statements import WELL_KNOWN
from node.settings import Settings
from tests.conftest import REPOSITORY
from tests.unit.federation.trust.world import ANKER, DAY, NOW, Anchor, City, Clock, Memory, Network, new_key

OWN = City("offenbach")


class Desk:
    """A node's keeper with what it rests on; `restart` makes another one on the same database and files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network, self.memory, self.clock = Network(), Memory(), Clock()
        self.anchor, self.giessen, self.fulda = Anchor(), City("giessen"), City("fulda")
        self.trusts(self.anchor)
        self.network.city(self.giessen)
        self.network.city(self.fulda)
        self.publish(OWN, self.giessen)
        self.keeper = self.made()

    def made(self, *, plain: bool = False) -> TrustKeeper:
        return TrustKeeper(
            Trust(allow_plain_http=plain),
            self.folder,
            OWN.issuer,
            self.network.fetch,
            self.memory,
            60.0,
            now=self.clock,
            monotonic=self.clock.monotonic,
        )

    def trusts(self, anchor: Anchor, name: str = "anker") -> None:
        (self.folder / f"{name}.json").write_bytes(anchor.pin.to_json())

    def publish(self, *cities: City, anchor: Anchor | None = None, **options) -> None:
        self.network.publish((anchor or self.anchor).files(*cities, at=self.clock.now, **options))

    async def restart(self) -> None:
        self.keeper = self.made()
        await self.keeper.load()

    def members(self) -> dict[str, str]:
        """Status, and how many keys are known."""
        return {
            member.id: f"{member.status} {len(member.keys.keys)}"
            for member in self.keeper.current().members
            if member.id != OWN.id
        }

    def kids(self, city: str) -> set[str]:
        member = self.keeper.current().by_id(city)
        assert member is not None
        return {str(key.kid) for key in member.keys.keys}


@pytest.fixture
async def desk(tmp_path):
    made = Desk(tmp_path)
    await made.keeper.refresh()
    yield made
    await made.keeper.close()


async def test_what_is_stated_is_taken_up(desk):
    assert desk.members() == {"giessen": "ACTIVE 1"}
    assert desk.kids("giessen") == {desk.giessen.signing[0].kid}
    assert OWN.issuer + WELL_KNOWN not in desk.network.asked


async def test_a_new_member_and_a_suspension_without_a_restart(desk):
    before = desk.keeper.current()
    desk.clock.forward(seconds=61)
    desk.giessen.status = "SUSPENDED"
    desk.publish(desk.giessen, desk.fulda)
    await desk.keeper.refresh()
    assert desk.members() == {"fulda": "ACTIVE 1", "giessen": "SUSPENDED 1"}
    assert desk.keeper.current().digest != before.digest


async def test_an_anchor_that_is_away_is_done_without_until_its_statements_end(desk):
    desk.network.away.add(ANKER)
    for hours in (1, 10, 12):
        desk.clock.forward(hours=hours)
        desk.network.city(desk.giessen, desk.clock.now)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
    desk.clock.forward(hours=1)
    with pytest.raises(MembershipError, match=r"ended on 2026-12-02 12:00:00Z.*can't be connected to"):
        desk.keeper.current()
    desk.network.away.clear()
    desk.publish(desk.giessen)
    await desk.keeper.refresh()
    assert desk.members() == {"giessen": "ACTIVE 1"}


async def test_a_restart_forgets_nothing_even_if_nobody_can_be_asked(desk):
    desk.network.pages.clear()
    await desk.restart()
    assert desk.members() == {"giessen": "ACTIVE 1"}
    assert desk.kids("giessen") == {desk.giessen.signing[0].kid}
    desk.clock.forward(hours=24)
    await desk.restart()
    with pytest.raises(MembershipError, match="ended on"):
        desk.keeper.current()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_rollback_of_the_anchor_is_refused(desk, restarted, caplog):
    old = dict(desk.network.pages)
    desk.clock.forward(minutes=5)
    desk.giessen.status = "SUSPENDED"
    desk.publish(desk.giessen)
    await desk.keeper.refresh()
    desk.network.pages |= old
    if restarted:
        await desk.restart()
    with caplog.at_level(logging.WARNING):
        await desk.keeper.refresh()
    assert desk.members() == {"giessen": "SUSPENDED 1"}
    assert "not newer than the one in use" in caplog.text


async def test_a_rollback_is_refused_after_the_statements_in_use_have_ended(desk):
    desk.clock.forward(minutes=5)
    old = desk.anchor.files(desk.giessen, at=NOW + timedelta(minutes=1), lifetime=10 * DAY)
    desk.giessen.status = "SUSPENDED"
    desk.publish(desk.giessen)
    await desk.keeper.refresh()
    desk.clock.forward(days=2)
    desk.network.publish(old)
    await desk.restart()
    await desk.keeper.refresh()
    with pytest.raises(MembershipError, match="ended on"):
        desk.keeper.current()


async def test_two_publications_of_one_second_are_not_both_believed(desk):
    desk.publish()
    await desk.keeper.refresh()
    assert desk.members() == {"giessen": "ACTIVE 1"}


async def test_another_workers_newer_knowledge_is_taken_up(desk):
    other = desk.made()
    await other.load()
    desk.clock.forward(minutes=5)
    old = dict(desk.network.pages)
    middle = desk.anchor.files(desk.giessen, desk.fulda, at=NOW + timedelta(minutes=1))
    desk.giessen.status = "SUSPENDED"
    desk.publish(desk.giessen)
    await desk.keeper.refresh()
    desk.network.pages = old | middle  # somebody shows the other worker what was before
    await other.refresh()
    assert [(one.id, one.status) for one in other.current().members] == [("giessen", "SUSPENDED")]


async def test_without_a_database_nothing_new_is_believed(desk):
    desk.memory.broken = True
    desk.clock.forward(minutes=5)
    desk.publish(desk.giessen, desk.fulda)
    await desk.keeper.refresh()
    assert desk.members() == {"giessen": "ACTIVE 1"}
    desk.memory.broken = False
    await desk.keeper.refresh()
    assert desk.members() == {"fulda": "ACTIVE 1", "giessen": "ACTIVE 1"}


async def test_from_and_until_hold_to_the_second(desk):
    desk.fulda.since, desk.fulda.until = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    desk.clock.forward(minutes=1)
    desk.publish(desk.giessen, desk.fulda)
    await desk.keeper.refresh()
    assert set(desk.members()) == {"giessen"}
    desk.clock.forward(minutes=59)
    assert set(desk.members()) == {"giessen", "fulda"}
    desk.clock.forward(hours=1)
    assert set(desk.members()) == {"giessen"}


class TestKeysOfNodes:
    async def test_a_rotation_is_known_before_it_signs(self, desk):
        old, new = desk.giessen.signing[0], new_key()
        desk.giessen.signing = [old, new]
        desk.clock.forward(minutes=1)
        desk.network.city(desk.giessen, desk.clock.now)
        await desk.keeper.refresh()
        assert desk.kids("giessen") == {old.kid, new.kid}

    async def test_a_revoked_key_is_gone_and_does_not_come_back(self, desk):
        stale = desk.giessen.configuration(NOW).encode()
        desk.giessen.signing = [new_key()]
        desk.clock.forward(minutes=1)
        desk.network.city(desk.giessen, desk.clock.now)
        await desk.keeper.refresh()
        desk.network.pages[desk.giessen.issuer + WELL_KNOWN] = stale
        await desk.restart()
        await desk.keeper.refresh()
        assert desk.kids("giessen") == {desk.giessen.signing[0].kid}

    async def test_a_federation_key_changes_over_an_overlap(self, desk):
        old, new = desk.giessen.federation[0], new_key()
        desk.giessen.federation = [old, new]
        desk.clock.forward(minutes=1)
        desk.publish(desk.giessen)
        desk.network.city(desk.giessen, desk.clock.now)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
        desk.clock.forward(minutes=1)
        desk.network.city(desk.giessen, desk.clock.now, federation_key=new)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
        desk.giessen.federation = [new]
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}

    async def test_a_federation_key_that_the_anchor_revokes_takes_the_rest_with_it(self, desk):
        desk.giessen.federation = [new_key()]
        desk.clock.forward(minutes=1)
        desk.publish(desk.giessen)
        await desk.keeper.refresh()  # the node still shows what the old key has signed
        assert desk.members() == {"giessen": "ACTIVE 0"}
        desk.network.city(desk.giessen, desk.clock.now)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}

    async def test_a_node_can_not_bring_keys_that_nobody_vouches_for(self, desk, caplog):
        thief = City("giessen")
        desk.clock.forward(minutes=1)
        desk.network.city(thief, desk.clock.now)
        await desk.keeper.refresh()
        assert desk.kids("giessen") == {desk.giessen.signing[0].kid}
        assert "kid names no key" in caplog.text

    async def test_a_node_that_is_away_keeps_its_keys_until_its_configuration_ends(self, desk):
        desk.network.away.add(desk.giessen.issuer)
        desk.clock.forward(hours=23)
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
        desk.clock.forward(hours=1)
        assert desk.members() == {"giessen": "ACTIVE 0"}

    async def test_a_key_that_is_not_known_is_asked_for_at_once_but_not_again_and_again(self, desk):
        desk.giessen.signing = [new_key()]
        desk.clock.forward(minutes=1)
        desk.network.city(desk.giessen, desk.clock.now)
        asked = len(desk.network.asked)
        await asyncio.gather(*(desk.keeper.learn(desk.giessen.issuer, 5) for _ in range(10)))
        assert desk.kids("giessen") == {desk.giessen.signing[0].kid}
        assert len(desk.network.asked) == asked + 1
        for _ in range(10):
            await desk.keeper.learn(desk.giessen.issuer, 5)
        assert len(desk.network.asked) == asked + UNKNOWN_KEYS

    async def test_a_key_that_is_revoked_right_after_another_one_is_asked_for_as_well(self, desk):
        for _ in range(UNKNOWN_KEYS):
            desk.giessen.signing = [new_key()]
            desk.clock.forward(seconds=1)
            desk.network.city(desk.giessen, desk.clock.now)
            await desk.keeper.learn(desk.giessen.issuer, 5)
            assert desk.kids("giessen") == {desk.giessen.signing[0].kid}

    async def test_a_stranger_is_not_asked(self, desk):
        await desk.keeper.learn("https://evil.example", 5)
        assert not any("evil" in url for url in desk.network.asked)


class TestAnchorsKeys:
    async def test_the_anchor_changes_its_key_and_a_restart_remembers_it(self, desk):
        old, new = desk.anchor.keys[0], new_key()
        desk.clock.forward(minutes=1)
        desk.anchor.keys = [old, new]
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        desk.clock.forward(minutes=1)
        desk.anchor.keys = [new]
        desk.publish(desk.giessen, desk.fulda)
        await desk.keeper.refresh()
        assert set(desk.members()) == {"fulda", "giessen"}
        await desk.restart()
        desk.clock.forward(days=3)  # all has ended meanwhile; which key counts is known still
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        assert set(desk.members()) == {"giessen"}

    async def test_the_old_key_counts_no_more_although_it_is_in_the_file(self, desk):
        old, new = desk.anchor.keys[0], new_key()
        for keys in ([old, new], [new]):
            desk.clock.forward(minutes=1)
            desk.anchor.keys = keys
            desk.publish(desk.giessen)
            await desk.keeper.refresh()
        desk.clock.forward(minutes=1)
        desk.anchor.keys = [old]
        desk.publish()
        await desk.restart()
        await desk.keeper.refresh()
        assert set(desk.members()) == {"giessen"}

    async def test_a_new_file_replaces_a_stolen_key(self, desk):
        stolen = desk.anchor.keys[0]
        desk.anchor.keys = [new_key()]
        desk.trusts(desk.anchor)
        desk.clock.forward(minutes=1)
        thief = Anchor(keys=[stolen])
        desk.publish(desk.giessen, desk.fulda, anchor=thief)
        await desk.keeper.refresh()
        with pytest.raises(MembershipError, match=r"nothing has been heard.*kid names no key"):
            desk.keeper.current()
        desk.clock.forward(minutes=1)
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        assert set(desk.members()) == {"giessen"}

    async def test_a_new_file_does_not_bring_back_what_is_old(self, desk):
        desk.clock.forward(minutes=5)
        desk.publish(desk.giessen)
        await desk.keeper.refresh()
        desk.anchor.keys = [new_key()]
        desk.trusts(desk.anchor)
        desk.network.publish(desk.anchor.files(desk.giessen, desk.fulda, at=NOW))
        await desk.keeper.refresh()
        with pytest.raises(MembershipError, match="not newer"):
            desk.keeper.current()

    async def test_a_broken_file_changes_nothing(self, desk, caplog):
        (desk.folder / "anker.json").write_bytes(b"{")
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
        assert "is not an anchor's file" in caplog.text


class TestTwoAnchors:
    @pytest.fixture
    async def other(self, desk) -> Anchor:
        other = Anchor("https://neu.example")
        desk.trusts(other, "neu")
        return other

    async def test_a_hand_over(self, desk, other):
        desk.publish(desk.giessen, anchor=other)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "ACTIVE 1"}
        desk.network.away.add(ANKER)
        desk.clock.forward(hours=20)
        desk.publish(desk.giessen, desk.fulda, anchor=other)
        desk.network.city(desk.giessen, desk.clock.now)
        desk.network.city(desk.fulda, desk.clock.now)
        await desk.keeper.refresh()
        desk.clock.forward(hours=10)  # what the old one said has ended
        assert desk.members() == {"fulda": "ACTIVE 1", "giessen": "ACTIVE 1"}
        (desk.folder / "anker.json").unlink()
        await desk.keeper.refresh()
        assert desk.members() == {"fulda": "ACTIVE 1", "giessen": "ACTIVE 1"}

    async def test_suspended_by_one_is_suspended(self, desk, other):
        desk.giessen.status = "SUSPENDED"
        desk.publish(desk.giessen, anchor=other)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "SUSPENDED 1"}

    async def test_only_keys_that_both_vouch_for_count(self, desk, other):
        desk.publish(City("giessen", federation=[new_key()]), anchor=other)
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "SUSPENDED 0"}

    async def test_anchors_that_contradict_each_other_are_not_believed(self, desk, other):
        impostor = City("marburg", federation=desk.giessen.federation)
        from dataclasses import replace

        from federation.jose import public_jwks
        from federation.trust.site import site_files

        taken = replace(impostor.vouched, issuer=desk.giessen.issuer)
        files = site_files(other.entity, "Neu", [taken], other.keys[0], public_jwks(*other.keys), NOW, DAY)
        desk.network.publish({other.entity + path: content for path, content in files})
        await desk.keeper.refresh()
        assert desk.members() == {"giessen": "SUSPENDED 0", "marburg": "SUSPENDED 0"}


async def test_one_wrong_statement_refuses_the_whole_publication(desk, caplog):
    desk.clock.forward(minutes=1)
    files = desk.anchor.files(desk.giessen, desk.fulda, at=desk.clock.now)
    (url,) = [url for url in files if "/members/" in url]
    files[url] = files[url].replace(b'"ey', b'"eY', 1)
    desk.network.publish(files)
    await desk.keeper.refresh()
    assert desk.members() == {"giessen": "ACTIVE 1"}
    assert "not the one that the anchor's configuration names" in caplog.text


async def test_a_member_without_tls_is_refused_unless_that_is_allowed(desk):
    class Plain(City):
        issuer = "http://daten.fulda.example"

    desk.clock.forward(minutes=1)
    desk.publish(desk.giessen, Plain("fulda"))
    await desk.keeper.refresh()
    assert set(desk.members()) == {"giessen"}
    desk.memory.rows.clear()
    desk.keeper = desk.made(plain=True)
    await desk.keeper.refresh()
    assert set(desk.members()) == {"fulda", "giessen"}


async def test_before_anything_was_heard_it_is_told_why(tmp_path):
    desk = Desk(tmp_path)
    desk.network.away.add(ANKER)
    await desk.keeper.refresh()
    with pytest.raises(MembershipError, match=r"nothing has been heard from the anchor yet.*it can't be connected to"):
        desk.keeper.current()


async def test_it_keeps_up_by_itself(desk, monkeypatch):
    monkeypatch.setattr("federation.trust.keeper.LOOK_S", 0.005)
    keeping = asyncio.create_task(desk.keeper.keep())
    try:
        desk.clock.forward(minutes=2)
        desk.publish(desk.giessen, desk.fulda)
        async with asyncio.timeout(10):
            while desk.members() != {"fulda": "ACTIVE 1", "giessen": "ACTIVE 1"}:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        (desk.folder / "anker.json").unlink()
        async with asyncio.timeout(10):
            while desk.keeper.has_joined:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    finally:
        keeping.cancel()


class TestTheDocumentedTime:
    """The clock is the test's: each round is the second after which `keep` looks again."""

    @pytest.mark.parametrize("every_s", [1.0, 60.0, 600.0])
    async def test_joining_and_suspension_take_it_and_no_longer(self, desk, monkeypatch, every_s):
        """The worst case: everybody was asked a moment ago, and the next turns are as late as they may be."""
        monkeypatch.setattr("federation.trust.keeper.random.uniform", lambda _earliest, latest: latest)
        desk.keeper._every_s = every_s
        await desk.keeper.refresh()
        desk.clock.forward(seconds=1)
        desk.giessen.status = "SUSPENDED"
        desk.publish(desk.giessen, desk.fulda)
        passed = 0.0
        while desk.members() != {"fulda": "ACTIVE 1", "giessen": "SUSPENDED 1"}:
            assert passed < follows_within_s(every_s)
            desk.clock.forward(seconds=LOOK_S)
            passed += LOOK_S
            desk.keeper._ask_those_due()
            await asyncio.gather(*desk.keeper._asking.values())
        assert passed > every_s - 1, "the test must be able to fail"

    def test_the_documented_time_is_what_the_settings_make(self):
        (default,) = [one.default for one in fields(Settings) if one.name == "membership_every_s"]
        assert follows_within_s(default) == 75.0
        for page in ("membership.md", "join.md", "keys.md", "threat-model.md", "security-model.md"):
            assert re.search(r"within 75 s|75 s after", (REPOSITORY / "docs" / page).read_text(encoding="utf-8")), page


async def test_sixteen_are_asked_at_a_time(desk, monkeypatch):
    cities = [City(f"stadt-{number}") for number in range(40)]
    for city in cities:
        desk.network.city(city)
    desk.clock.forward(seconds=61)
    desk.publish(*cities)
    at_once, most = 0, 0
    fetch = desk.network.fetch

    async def slowly(url: str, timeout_s: float, max_bytes: int) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        at_once -= 1
        return await fetch(url, timeout_s, max_bytes)

    monkeypatch.setattr(desk.keeper, "_fetch", slowly)
    await desk.keeper.refresh()
    assert set(desk.members().values()) == {"ACTIVE 1"}
    assert most == AT_ONCE == 16


async def test_it_is_told_who_was_heard_and_until_when_what_they_said_counts(desk):
    anchor, giessen = desk.keeper.contacts()
    assert (anchor.entity, anchor.heard_at, anchor.ends_at) == (ANKER, NOW, NOW + DAY)
    assert (giessen.entity, giessen.heard_at, giessen.ends_at) == (desk.giessen.issuer, NOW, NOW + DAY)
    desk.network.away.add(desk.giessen.issuer)
    desk.clock.forward(seconds=90)
    await desk.keeper.refresh()
    anchor, giessen = desk.keeper.contacts()
    assert (anchor.heard_at, anchor.problem) == (NOW + timedelta(seconds=90), None)
    assert (giessen.heard_at, giessen.problem) == (NOW, "it can't be connected to")


async def test_damaged_rows_are_told_and_left_out(desk, caplog):
    from dataclasses import replace

    rows = desk.memory.rows
    rows[ANKER] = replace(rows[ANKER], document=b"[]")
    rows[desk.giessen.issuer] = replace(rows[desk.giessen.issuer], token="x.y.z")
    await desk.restart()
    with pytest.raises(MembershipError, match="nothing has been heard"):
        desk.keeper.current()
    await desk.keeper.refresh()
    assert desk.members() == {"giessen": "ACTIVE 1"}
