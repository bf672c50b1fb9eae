"""A fifth city joins four running ones, by commands alone; it changes and loses keys, and is suspended."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import psutil
import psycopg
import pytest
from click.testing import CliRunner

from federation.jose import json_object, read_unverified
from federation.trust.anchor import document_path
from federation.trust.former_keys import PATH
from federation.trust.keeper import follows_within_s
from federation.trust.statements import MAX_STATEMENT_BYTES, WELL_KNOWN
from node.auth.keys import load_signing_key
from node.cli.main import cli
from node.settings import load_settings
from tests.conftest import TEMPLATE
from tests.federation.cities import LIMITS, SEED, Federation, Town, free_port
from tests.federation.examples import check_examples

PASSPHRASE = "ein langes Geheimnis von Marburg"
ASK = '{ datasets(cities: ["%s"], first: 2) { nodes { id } federation { cities { city state reason } } } }'
DOCUMENTED_S = follows_within_s(60)  # with the default; here they ask every second, and the machine may be busy


class Marburg:
    """The fifth city's home and shell."""

    def __init__(self, federation: Federation, server_url: str) -> None:
        self.federation = federation
        self.home = federation.directory / "marburg"
        self.secret = federation.directory / "passphrase"
        self.secret.write_text(PASSPHRASE, encoding="utf-8")
        self.secret.chmod(0o600)
        name = f"f_marburg_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {TEMPLATE}")
        self.database_url = server_url.replace("/verbund?", f"/{name}?")
        with psycopg.connect(self.database_url) as connection:
            connection.execute(SEED.replace("%(city)s", "marburg"))
        self.port = free_port()
        self.told: list[str] = []

    async def shell(self, *words: object, home: bool = True) -> str:
        """What a command prints; it must succeed."""
        arguments = [*(("--home", self.home) if home else ()), *words]
        result = await asyncio.to_thread(CliRunner().invoke, cli, [str(word) for word in arguments])
        self.told.append(result.output)
        assert result.exit_code == 0, (words, result.output, result.exception)
        return result.stdout

    async def office(self, *words: object) -> str:
        """A command of the anchor's office."""
        return await self.shell(*words[:2], "--anchor", self.federation.anchor.directory, *words[2:], home=False)

    async def publish(self) -> None:
        anchor = self.federation.anchor
        await self.shell("anchor", "publish", anchor.directory, "--out", anchor.out, home=False)

    async def found(self) -> Town:
        """From nothing to a node that stands alone."""
        issuer = f"http://127.0.0.1:{self.port}"
        names = ("--city", "marburg", "--name", "Marburg", "--ags", "06534014", "--issuer", issuer)
        more = ("--port", self.port, "--database-url", self.database_url, "--key-passphrase-file", self.secret)
        await self.shell("init", *names, *more, "--unsafe-plain-http")
        file = self.home / "verbund.toml"
        file.write_text(f"{file.read_text()}\nsummaries_every_s = 0\nmembership_every_s = 1\n{LIMITS}")
        town = Town(load_settings(self.home, environment={}), self.database_url, self.federation.directory)
        self.federation._register(town)
        town.process.start()
        await asyncio.to_thread(town.process.wait_ready)
        return town

    async def join(self) -> None:
        """What docs/join.md says."""
        await self.shell("member", "join", self.federation.anchor.office.pin_file)
        result = await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(self.home), "member", "describe"])
        description = self.federation.directory / "marburg.jwt"
        description.write_text(result.stdout)
        fingerprint = result.stderr.partition(": ")[2].strip()
        await self.office("member", "approve", description, "--fingerprint", fingerprint)
        await self.publish()


def processes(federation: Federation) -> set[int]:
    """All processes of the four cities: none of them is to be another one later."""
    return {
        child.pid
        for town in federation.towns.values()
        for child in [psutil.Process(town.process._process.pid), *psutil.Process(town.process._process.pid).children()]
    }


def states(answer) -> dict[str, str]:
    return {row["city"]: row["state"] for row in answer.data["datasets"]["federation"]["cities"]}


async def becomes(what: Callable[[], Awaitable[object]], expected: object) -> float:
    """Seconds until it is as expected, within the documented time."""
    began = time.monotonic()
    async with asyncio.timeout(DOCUMENTED_S):
        while (seen := await what()) != expected:  # noqa: ASYNC110 - asked as a caller would
            await asyncio.sleep(0.1)
    assert seen == expected
    return time.monotonic() - began


@asynccontextmanager
async def asked_all_the_time(*roads: tuple[Town, str]):
    """Ask on these roads without a pause; afterwards, every single answer was whole."""
    seen: list[dict[str, str]] = []
    done = asyncio.Event()

    async def ask(town: Town, city: str) -> None:
        while not done.is_set():
            seen.append(states(await town.ask(ASK % city)))
            await asyncio.sleep(0.02)

    asking = [asyncio.create_task(ask(*road)) for road in roads]
    try:
        yield seen
    finally:
        done.set()
        await asyncio.gather(*asking)
    assert all(set(one.values()) == {"OK"} for one in seen), [one for one in seen if set(one.values()) != {"OK"}]


@pytest.fixture(scope="module")
async def alone(federation, postgres_url):
    """Marburg before it joins: its node runs, and nobody knows it."""
    city = Marburg(federation, postgres_url)
    running = processes(federation)
    town = await city.found()
    try:
        answer = await town.ask("{ cities { id } }")
        assert [one["id"] for one in answer.data["cities"]] == ["marburg"]
        assert (await federation["offenbach"].ask(ASK % "marburg")).code == "BAD_INPUT"
        yield city, town
        assert processes(federation) == running, "a node was restarted"
    finally:
        town.process.kill()
        if any(entry.vouched.id == "marburg" for entry in federation.anchor.office.register.entries):
            await city.office("member", "remove", "marburg")
            await city.publish()
        await federation.settled(marburg=None)


@pytest.fixture(scope="module")
async def marburg(federation, alone):
    """Marburg has joined, and all know it."""
    city, town = alone
    await city.join()
    await federation.settled(marburg="ACTIVE")
    await all_answer(federation, town)
    return city, town


async def all_answer(federation: Federation, town: Town) -> None:
    """Each of the four gets answers from Marburg, and the other way round."""
    for other in federation.towns.values():
        await becomes(lambda other=other: _states(other, "marburg"), {"marburg": "OK"})
        await becomes(lambda other=other: _states(town, other.id), {other.id: "OK"})


async def test_a_fifth_city_joins(federation, marburg):
    city, town = marburg
    answer = await town.ask("{ cities { id status } }")
    assert {one["id"]: one["status"] for one in answer.data["cities"]} == dict.fromkeys(
        ["fulda", "giessen", "marburg", "offenbach", "wetzlar"], "ACTIVE"
    )
    listed = await city.shell("member", "list")
    assert all(word in listed for word in ("marburg", "heard", f"{datetime.now(UTC):%Y}"))
    told = (await town.get("/health/members")).body
    assert {one["entity"] for one in told} == {
        federation.anchor.entity, *(other.settings.issuer for other in federation.towns.values())
    }  # fmt: skip
    assert all(one["heardAt"] and one["endsAt"] and one["problem"] is None for one in told), told


async def _states(town: Town, city: str) -> dict[str, str]:
    answer = await town.ask(ASK % city)
    return states(answer) if "errors" not in answer.body else {}


async def _kids(town: Town) -> list[str]:
    return [key["kid"] for key in (await town.get("/oauth/jwks")).body["keys"]]


async def test_a_key_is_rotated_without_a_failed_request(federation, marburg):
    city, town = marburg
    old, *others = await _kids(town)
    async with asked_all_the_time((federation["offenbach"], "marburg"), (town, "giessen")) as seen:
        await city.shell("key", "rotate", "--after", 3)
        await becomes(lambda: _count(_kids(town)), len(others) + 2)
        await becomes(lambda: _first_is_new(town, old), True)
        enough = len(seen) + 20
        await becomes(lambda: _true(len(seen) > enough), True)
    assert set(await _kids(town)) > {old}


async def test_a_key_is_revoked_at_once_without_a_failed_request(federation, marburg):
    city, town = marburg
    kids = await _kids(town)
    old_file = next(
        path
        for path in (city.home / "keys").glob("signing*.pem")
        if load_signing_key(path, PASSPHRASE.encode()).kid == kids[0]
    )
    access = await town.token()
    assert (await town.ask(ASK % "marburg", access)).status == 200
    async with asked_all_the_time((federation["offenbach"], "marburg"), (town, "giessen")) as seen:
        await city.shell("key", "revoke", kids[0])
        await becomes(lambda: _contains(town, kids[0]), False)
        enough = len(seen) + 20
        await becomes(lambda: _true(len(seen) > enough), True)
    assert not old_file.exists()
    assert (await town.ask(ASK % "marburg", access)).status == 401, "what the key has signed ends with it"


async def test_receipts_hold_after_their_key_was_revoked(federation, marburg):
    """Offenbach has answers that Marburg signed with keys that it has rotated and revoked since."""
    city, _ = marburg
    home, since = federation["offenbach"].settings.home, f"{datetime.now(UTC):%Y-%m-%d}"
    check = ("--home", home, "audit", "receipts", "marburg", "--from", since)
    for more in ((), ("--offline",)):
        told = await city.shell(*check, *more, home=False)
        assert re.fullmatch(r"[1-9]\d* receipts checked with \d keys of marburg: all hold, no flaws\n", told), told
    home_town = federation["offenbach"]
    home_town.sql("create table set_aside as select * from member_key; delete from member_key")
    try:
        arguments = [str(word) for word in (*check, "--offline")]
        found = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        assert (found.exit_code, "nothing is known of the key that signed it" in found.stdout) == (3, True)
    finally:
        home_town.sql("insert into member_key select * from set_aside on conflict do nothing; drop table set_aside")


async def _count(kids: Awaitable[list[str]]) -> int:
    return len(await kids)


async def _first_is_new(town: Town, old: str) -> bool:
    return (await _kids(town))[0] != old


async def _contains(town: Town, kid: str) -> bool:
    return kid in await _kids(town)


async def _true(value: bool) -> bool:
    return value


async def test_the_federation_key_changes_over_by_itself(federation, marburg):
    city, town = marburg
    await city.shell("key", "rotate", "--use", "federation", "--after", 0)
    description = federation.directory / "marburg.jwt"
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(city.home), "member", "describe"])
    description.write_text(result.stdout)
    async with asked_all_the_time((federation["offenbach"], "marburg")):
        await city.office("member", "approve", description)
        before = await _signer(town)
        await city.publish()
        await becomes(lambda: _changed(town, before), True)


async def _signer(town: Town) -> str:
    async with aiohttp.ClientSession() as session, session.get(town.settings.issuer + WELL_KNOWN) as response:
        assert response.content_type == "application/entity-statement+jwt"
        return str(read_unverified(await response.read(), MAX_STATEMENT_BYTES).header["kid"])


async def _changed(town: Town, before: str) -> bool:
    return await _signer(town) != before


async def test_the_page_shows_what_is_published(federation, marburg):
    """docs/membership.md: its examples are what nodes and anchors publish; `WRITE_DOCS=1` has them written anew."""
    anchor, town = federation.anchor, federation["giessen"]
    node = await _fetched(town.settings.issuer + WELL_KNOWN)
    told = await _fetched(anchor.entity + WELL_KNOWN)
    document = json.loads(await _fetched(anchor.entity + document_path(_claims(told)["verbund_members_sha256"])))
    (about,) = [one for one in document if _claims(one)["sub"] == town.settings.issuer]
    former = await _fetched(marburg[1].settings.issuer + PATH)
    issuers = {
        anchor.entity: "https://anker.example",
        town.settings.issuer: "https://daten.giessen.example",
        marburg[1].settings.issuer: "https://daten.marburg.example",
    }
    check_examples(
        {"membership.md": {"node": node, "anchor": told, "member": about}, "keys.md": {"former keys": former}}, issuers
    )


def _claims(token: str) -> dict:
    return json_object(token.split(".")[1].encode())


async def _fetched(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200, url
        return (await response.read()).decode().strip()


async def test_a_suspended_city_is_trusted_with_nothing_anywhere(federation, marburg):
    city, town = marburg
    await city.office("member", "suspend", "marburg", "--reason", "Schlüssel verloren")
    await city.publish()
    await federation.settled(marburg="SUSPENDED")
    for other in federation.towns.values():
        assert await _states(other, "marburg") == {"marburg": "DENIED"}
        assert await _states(town, other.id) == {other.id: "DENIED"}
    await city.office("member", "activate", "marburg")
    await city.publish()
    await federation.settled(marburg="ACTIVE")
    await all_answer(federation, town)


async def test_no_secret_is_in_logs_arguments_or_messages(federation, marburg):
    city, town = marburg
    wrong = city.federation.directory / "wrong"
    wrong.write_text("eine falsche Passphrase, auch geheim")
    wrong.chmod(0o600)
    settings = (city.home / "verbund.toml").read_text()
    try:
        (city.home / "verbund.toml").write_text(settings.replace(str(city.secret), str(wrong)))
        failed = await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(city.home), "key", "list"])
        assert "passphrase is another one" in str(failed.exception)
    finally:
        (city.home / "verbund.toml").write_text(settings)
    told = "\n".join([*city.told, failed.output, str(failed.exception), repr(town.settings)])
    told += town.process.log_file.read_text(encoding="utf-8", errors="replace")
    root = psutil.Process(town.process._process.pid)
    told += "\n".join(" ".join(process.cmdline()) for process in (root, *root.children(recursive=True)))
    bodies = [
        line
        for path in (city.home / "keys").rglob("*.pem")
        for line in path.read_text().splitlines()
        if not line.startswith("-")
    ]
    assert bodies
    for secret in (PASSPHRASE, "falsche Passphrase", "PRIVATE KEY", *bodies):
        assert secret not in told
