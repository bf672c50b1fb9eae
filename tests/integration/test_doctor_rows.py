"""Each row of the doctor's report: what breaks it, what it says then, and what to do."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import psycopg
import pytest
from aiohttp import web

from federation.membership import Member, MemberStatus
from federation.tokens import PeerTokens
from node.auth.identity import NodeIdentity
from node.auth.key_directory import NodeKeys
from node.doctor import database, here, log, members
from node.doctor.finding import Finding, State
from node.doctor.members import PeerExaminer, known_members
from node.members import authorities, peer_transport
from node.settings import FILE_NAME, load_settings
from node.setup import create_missing_keys
from tests.unit.federation.test_tls import Authority

OK, WARNING, FAILED = State.OK, State.WARNING, State.FAILED
SDL = "type Query { node: ID }\n"
DAY = timedelta(days=1)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def home(tmp_path, authority):
    """A node's home; its settings are read from there by `of`."""
    (tmp_path / FILE_NAME).write_text(
        'city = "giessen"\nname = "Gießen"\nissuer = "https://daten.giessen.example"\n'
        f'ca_file = "{authority.file}"\npeer_networks = ["127.0.0.0/8", "::1/128"]\n'
    )
    create_missing_keys(of(tmp_path))
    return tmp_path


def of(home, **environment: str):
    return load_settings(home, {f"VERBUND_{name}": value for name, value in environment.items()})


def rows(findings) -> dict[str, Finding]:
    found = {finding.check: finding for finding in findings}
    assert all(one.state is OK or one.remedy for one in found.values()), "who is told of a fault is told what to do"
    return found


def test_here_all_is_well(home):
    assert {row.state for row in rows(here.examine(of(home))).values()} == {OK}


def _old_key(home, _):
    then = time.time() - 200 * 86_400
    os.utime(home / "keys" / "signing.pem", (then, then))


def _free(size: int):
    def left(_, monkeypatch):
        usage = here.shutil.disk_usage("/")
        monkeypatch.setattr(here.shutil, "disk_usage", lambda _: usage._replace(free=size))

    return left


def _written(name: str, text: str):
    def write(home, _) -> None:
        path = home / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    return write


@pytest.mark.parametrize(
    ("check", "state", "told", "breaks"),
    [
        ("encryption", WARNING, "plain http", {"UNSAFE_PLAIN_HTTP": "true"}),
        ("keys", FAILED, "signing.pem", _written("keys/signing.pem", "no key")),
        ("keys", FAILED, "witness.pem", _written("keys/witness.pem", "no key")),
        ("keys", WARNING, "is from", _old_key),
        ("rules", FAILED, "x.cedar", _written("policies/x.cedar", "permit (nonsense);")),
        ("trusted documents", FAILED, "x.graphql", _written("documents/x.graphql", "{ nichts }")),
        ("authorities", FAILED, "ca_file", {"CA_FILE": "nowhere.pem"}),
        ("disk", WARNING, "GB free", _free(10**9)),
        ("disk", FAILED, "GB free", _free(10**6)),
    ],
)
def test_a_fault_here_is_told(home, monkeypatch, check, state, told, breaks):
    environment = breaks if isinstance(breaks, dict) else {}
    if not environment:
        breaks(home, monkeypatch)
    row = rows(here.examine(of(home, **environment)))[check]
    assert (row.state, told in row.message) == (state, True), row


def test_the_database_is_well_but_for_fsync(home, database_url):
    found = rows(database.examine(of(home), database_url))
    assert {check for check, row in found.items() if row.state is not OK} == {"database fsync"}
    assert found.keys() >= {"database", "clock", "database sessions", "schema", "reading role"}


@pytest.mark.parametrize(
    ("check", "state", "told", "statement"),
    [
        ("schema", WARNING, "newer version", "update alembic_version set version_num = '9999_01_01_9999'"),
        ("schema", FAILED, "is 2026_11_22_0001, not", "update alembic_version set version_num = '2026_11_22_0001'"),
        ("schema", FAILED, "is None", "drop table alembic_version"),
        ("reading role", FAILED, "function", "drop function enter_reading_role"),
    ],
)
def test_a_fault_of_the_database_is_told(home, database_url, check, state, told, statement):
    with psycopg.connect(database_url) as connection:
        connection.execute(statement)
    row = rows(database.examine(of(home), database_url))[check]
    assert (row.state, told in row.message) == (state, True), row


def test_a_database_that_is_no_match_is_told(home, database_url, postgres_url, monkeypatch):
    wide = rows(database.examine(of(home, WORKERS="1000"), database_url))["database sessions"]
    assert (wide.state, "max_connections" in wide.remedy) == (WARNING, True)
    name = f"latin_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} encoding 'SQL_ASCII' template template0 locale 'C'")
    encoded = rows(database.examine(of(home), postgres_url.replace("/verbund?", f"/{name}?")))
    assert encoded["database encoding"].state is FAILED
    away = rows(database.examine(of(home), postgres_url.replace("/verbund?", "/nowhere?")))["database"]
    assert (away.state, away.passing) == (FAILED, True)
    monkeypatch.setattr(database, "MAJOR", 99)
    assert rows(database.examine(of(home), database_url))["database"].state is FAILED
    real = time.time
    monkeypatch.setattr(database.time, "time", lambda: real() + 60)
    assert rows(database.examine(of(home), database_url))["clock"].state is FAILED


def test_membership(home, database_url):
    finding, _ = known_members(of(home), database_url)
    assert (finding.state, "alone" in finding.message) == (WARNING, True)
    (home / "anchors").mkdir()
    (home / "anchors" / "anker.json").write_text("{}")
    finding, membership = known_members(of(home), database_url)
    assert (finding.state, membership) == (FAILED, None)


def test_logs_that_were_caught(database_url):
    assert list(log.caught_logs(database_url)) == []
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into witnessed_log (city, origin, key, size, root, note, state, reason, seen_at)"
            " values ('fulda', 'f.example/log', 'k', 1, '', '', 'FORKED', 'two', now())"
        )
    [row] = log.caught_logs(database_url)
    assert (row.check, row.state) == ("log of fulda", WARNING)


class City:
    """A member's node, as far as the doctor looks at it."""

    def __init__(self) -> None:
        self.status, self.schema, self.off = 200, SDL, timedelta()
        self.token = {"access_token": "t", "token_type": "DPoP", "expires_in": 300}

    @asynccontextmanager
    async def running(self, context):
        app = web.Application()
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/schema.graphql", self._schema)
        app.router.add_post("/oauth/token", self._token)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        try:
            yield f"https://localhost:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _live(self, _):
        date = format_datetime(datetime.now(UTC) + self.off, usegmt=True)
        return web.Response(status=self.status, headers={"Date": date})

    async def _schema(self, _):
        return web.Response(text=self.schema)

    async def _token(self, _):
        return web.json_response(self.token, status=200 if "access_token" in self.token else 400)


async def examined(
    home, city: City, context, status=MemberStatus.ACTIVE, *, ca: str | None = None
) -> dict[str, Finding]:
    settings = of(home, **({} if ca is None else {"CA_FILE": ca}))
    identity = NodeIdentity.from_settings(settings, NodeKeys(settings.keys_home, None))
    async with city.running(context) as issuer, peer_transport(settings) as transport:
        tokens = PeerTokens(identity.issuer, lambda: identity.signing_key, transport)
        examiner = PeerExaminer(transport, tokens, SDL, authorities(settings))
        found = rows([row async for row in examiner.examine([Member("fulda", "Fulda", None, issuer, {}, status)])])
        await tokens.close()
    return found


async def test_a_city_that_is_well(home, authority):
    found = await examined(home, City(), authority.server(end=datetime.now(UTC) + 20 * DAY))
    assert [(row.check, row.state) for row in found.values()] == [("city fulda", OK)], found
    assert "round trip" in found["city fulda"].message


@pytest.mark.parametrize(
    ("change", "check", "state", "told"),
    [
        ({"status": 503}, "reach", FAILED, "503"),
        ({"off": timedelta(seconds=-60)}, "clock", FAILED, "s off ours"),
        ({"token": {"error": "invalid_client"}}, "token", FAILED, "issues none"),
        ({"schema": "type Query { other: ID }"}, "schema", WARNING, "another version"),
    ],
)
async def test_a_fault_of_a_city_is_told(home, authority, change, check, state, told):
    city = City()
    for name, value in change.items():
        setattr(city, name, value)
    found = await examined(home, city, authority.server(end=datetime.now(UTC) + 20 * DAY))
    row = found[f"city fulda: {check}"]
    assert (len(found), row.state, told in row.message) == (1, state, True), found


async def test_a_certificate_that_ends_soon_is_told_by_the_authority_of_the_settings(home, authority):
    found = await examined(home, City(), authority.server(end=datetime.now(UTC) + 3 * DAY))
    assert found["city fulda: TLS"].state is WARNING
    assert "ends in 3 days" in found["city fulda: TLS"].message


async def test_a_certificate_of_an_unknown_authority_is_told(home, authority, tmp_path):
    other = Authority(tmp_path, "Anderes Amt")
    found = await examined(home, City(), other.server(end=datetime.now(UTC) + 20 * DAY))
    assert "certificate can't be verified" in found["city fulda: reach"].message


async def test_a_slow_city_and_a_suspended_one_are_told(home, authority, monkeypatch):
    monkeypatch.setattr(members, "SLOW_S", 0.0)
    context = authority.server(end=datetime.now(UTC) + 20 * DAY)
    assert "city fulda: round trip" in await examined(home, City(), context)
    suspended = await examined(home, City(), context, MemberStatus.SUSPENDED)
    assert "suspended" in suspended["city fulda"].message
