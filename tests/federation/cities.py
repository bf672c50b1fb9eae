"""Real nodes on real HTTP for the tests: processes of their own, a database each, one anchor, seeded rows."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psycopg

from federation.agreements import Terms
from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key, load_signing_key
from node.auth.token_client import Access, obtain_token
from node.demo.processes import NodeProcess
from node.settings import FILE_NAME, Settings, load_settings
from node.setup import NodePlan, create_node
from node.store.engine import make_engine
from tests.anchor import Anchor
from tests.assessed import TIERS_AS_TOLD, agree

NAMES = {"fulda": "Fulda", "giessen": "Gießen", "offenbach": "Offenbach am Main", "wetzlar": "Wetzlar"}
LIMITS = "\n[limits]\npeer_ms = 1500\nrequest_ms = 4000\n"
APP = "verkehrsportal"
AUDITOR = "pruefstelle"
SETTLED_S = 30.0

SEED = (
    TIERS_AS_TOLD
    + """
insert into dataset (key, title, title_sort, tier, digest, themes, modified) values
 ('rad', 'Radverkehr %(city)s', 'radverkehr %(city)s', 'OPEN', '', '{TRAN}', '2026-01-01Z'),
 ('kfz', 'Kfz-Verkehr %(city)s', 'kfz-verkehr %(city)s', 'SHARED', '', '{TRAN}', '2026-01-02Z'),
 ('akten', 'Akten %(city)s', 'akten %(city)s', 'INTERNAL', '', '{GOVE}', null),
 ('melde', 'Melderegister %(city)s', 'melderegister %(city)s', 'PROTECTED', '', '{GOVE}', null);
insert into dataset (key, title, title_sort, tier, digest, themes)
select 'offen-' || i, 'Liste ' || lpad(i::text, 2, '0'), 'liste ' || lpad(i::text, 2, '0'), 'OPEN', '', '{GOVE}'
  from generate_series(1, 15) i;
insert into thing (key, name, longitude, latitude) values ('bruecke', 'Brücke %(city)s', 8.7, 50.5);
insert into sensor (key, name) values ('schleife', 'Induktionsschleife');
insert into observed_property (key, name, definition) values ('traffic-count', 'Anzahl', 'https://x.example/count');
insert into datastream (key, dataset_id, thing_id, sensor_id, observed_property_id, name, observation_type, unit, vehicle_class)
select k, d.id, 1, 1, 1, k, 'count', '1', c
  from (values ('rad-ein', 'rad', 'BICYCLE'), ('kfz-ein', 'kfz', 'CAR')) v (k, dk, c) join dataset d on d.key = dk;
create table observation_y2026 partition of observation for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00');
insert into observation
select d.id, t, t + interval '15 min', length('%(city)s') * 1000 + d.id, 'RAW'
  from datastream d, generate_series('2026-01-01 00:00+00'::timestamptz, '2026-01-01 05:45+00', interval '15 min') t;
"""
)


@dataclass
class Answer:
    """Status, JSON body and headers of an HTTP answer."""

    status: int
    body: Any
    headers: Any

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        return self.body["errors"][0]["extensions"]["code"]

    @property
    def trace(self) -> str:
        return self.body["extensions"]["traceId"]


class Town:
    """One city's node with its process and database."""

    def __init__(self, settings: Settings, database_url: str, directory: Path) -> None:
        self.settings = settings
        self.id = settings.city
        self.database_url = database_url
        self.process = NodeProcess(settings)
        self.keys = directory / "applications" / self.id

    async def token(self, application: str = APP, purpose: str | None = "traffic-planning", scope=None) -> Access:
        key = load_signing_key(self.keys / f"{application}.pem")
        return await obtain_token(self.settings.issuer, application, key, purpose, scope)

    async def ask(self, document: str, token: Access | None = None, variables=None, **headers: str) -> Answer:
        body = orjson.dumps({"query": document, "variables": variables})
        if token is not None:
            headers |= token.headers("POST", self.settings.graphql_url, body)
        return await self.post(body, headers=headers)

    async def post(self, body: bytes, path: str = "/graphql", headers=None) -> Answer:
        headers = {"Content-Type": "application/json", **(headers or {})}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.settings.issuer}{path}", data=io.BytesIO(body), headers=headers) as response,
        ):
            raw = await response.read()
            return Answer(response.status, orjson.loads(raw) if raw else None, response.headers)

    async def get(self, path: str) -> Answer:
        async with aiohttp.ClientSession() as session, session.get(f"{self.settings.issuer}{path}") as response:
            return Answer(response.status, orjson.loads(await response.read()), response.headers)

    def sql(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def records(self, trace: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(
                "select k.*, r.*, r.took_us / 1000.0 as took_ms from access_record r join access_kind k on k.id = r.kind"
                " where trace_id = %s order by r.id",
                (trace,),
            ).fetchall()

    def freeze(self) -> None:
        """The node accepts connections and says nothing more."""
        os.killpg(self.process._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.process._process.pid, signal.SIGCONT)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Whoever reads the table waits."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(f"lock table {table} in access exclusive mode")
            yield

    def cut_database(self, server_url: str) -> None:
        self._admin(server_url, f"alter database {self._database} allow_connections false")
        self._admin(
            server_url, "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (self._database,)
        )

    def restore_database(self, server_url: str) -> None:
        self._admin(server_url, f"alter database {self._database} allow_connections true")

    @property
    def _database(self) -> str:
        return psycopg.conninfo.conninfo_to_dict(self.database_url)["dbname"]

    @staticmethod
    def _admin(server_url: str, statement: str, parameters: Any = None) -> None:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(statement, parameters)


class Replica(NodeProcess):
    """A process that serves the town beside others; `issuer` is the address that they share."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def post(self, body: bytes, headers=None) -> Answer:
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json", **(headers or {})}
            ) as response,
        ):
            return Answer(response.status, orjson.loads(await response.read()), response.headers)

    async def ask(self, document: str, access=None) -> Answer:
        body = orjson.dumps({"query": document})
        return await self.post(body, access.headers("POST", self.settings.graphql_url, body) if access else None)


class Federation:
    """The towns, and the anchor that vouches for them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.towns: dict[str, Town] = {}
        self.anchor = Anchor(directory / "anchor")

    def __getitem__(self, city: str) -> Town:
        return self.towns[city]

    def add(self, city: str, server_url: str, template: str, *, seed: bool = True, summaries_every_s: int = 0) -> Town:
        name = f"f_{city}_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {template}")
        url = server_url.replace("/verbund?", f"/{name}?")
        settings = self.make(city, url, f"summaries_every_s = {summaries_every_s}\n")
        return self.join(settings, url, seed=seed)

    def make(self, city: str, database_url: str | None, more: str = "") -> Settings:
        """A node at a free port; without a URL it has a database of its own."""
        port = free_port()
        plan = NodePlan(
            city, NAMES[city], f"http://127.0.0.1:{port}", port=port, database_url=database_url, unsafe_plain_http=True
        )
        home = self.directory / city
        create_node(home, plan)
        settings = (home / FILE_NAME).read_text()
        (home / FILE_NAME).write_text(f"{settings}\n{more}membership_every_s = 1\nwitness_every_s = 1\n{LIMITS}")
        return load_settings(home, environment={})

    def join(self, settings: Settings, url: str, *, seed: bool = True) -> Town:
        """A town with this node, vouched for; its database runs."""
        town, city = Town(settings, url, self.directory), settings.city
        if seed:
            with psycopg.connect(url) as connection:
                connection.execute(SEED.replace("%(city)s", city))
        self._register(town)
        self.anchor.admit(town.settings)
        self.anchor.trusted_by(town.settings)
        self.towns[city] = town
        return town

    def sign(self, suspended: frozenset[str] = frozenset()) -> None:
        """The anchor vouches for all towns anew; they follow within seconds."""
        self.anchor.suspend(suspended)
        self.anchor.publish()

    async def settled(self, *towns: str, **expected: str | None) -> None:
        """Wait until these towns (or all) know each city of `expected` with this status, or not at all."""
        for town in towns or self.towns:
            async with asyncio.timeout(SETTLED_S):
                while not await self._knows(self[town], expected):  # noqa: ASYNC110 - asked as an operator would
                    await asyncio.sleep(0.1)

    async def _knows(self, town: Town, expected: dict[str, str | None]) -> bool:
        answer = await town.ask("{ cities { id status } }")
        known = {city["id"]: city["status"] for city in answer.body["data"]["cities"]} if answer.status == 200 else {}
        return bool(known) and all(known.get(city) == status for city, status in expected.items())

    def agree(
        self, owner: str, member: str, purposes=("traffic-planning",), datasets=("kfz",), id_=None, **more
    ) -> None:
        now = datetime.now(UTC)
        period = {"valid_from": now - timedelta(days=1), "valid_until": now + timedelta(days=1)} | more
        seconds = {name: int(period.pop(name).timestamp()) for name in ("valid_from", "valid_until")}
        terms = Terms(
            id=id_ or f"{owner}-{member}",
            owner=owner,
            member=member,
            datasets=tuple(datasets),
            purposes=tuple(purposes),
            **seconds,
            **period,
        )
        agree(self[owner].database_url, terms)

    def start(self) -> None:
        for town in self.towns.values():
            town.process.start()
        for town in self.towns.values():
            town.process.wait_ready()

    def stop(self) -> None:
        for town in self.towns.values():
            town.process.kill()
        self.anchor.stop()

    def _register(self, town: Town) -> None:
        engine = make_engine(town.database_url)
        for name, scopes, purposes in (
            (APP, ("data:read",), ("traffic-planning", "research")),
            (AUDITOR, ("data:read", "audit:read"), ("operations",)),
        ):
            key = create_signing_key(town.keys / f"{name}.pem")
            add_application(engine, Application(name, name, public_jwks(key), scopes, purposes))
        engine.dispose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
