"""Nodes as they run in production: `verbund serve` each, one anchor, an application at the home node."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from federation.jose import public_jwks
from federation.trust.anchor import Vouched
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.settings import Settings
from node.setup import NodePlan, create_node
from node.store.engine import make_engine
from tests.anchor import Anchor
from tests.bench.federation.world import HOME
from tests.bench.read.job import REPOSITORY
from tests.bench.read.service import Service, free_port, service
from tests.bench.read.verbund_node import APPLICATION, PURPOSE, Tokens

COUNT = (  # gateways have no application
    "select count(*) from access_record r join access_kind k on k.id = r.kind where k.application is not null"
)


class Nodes:
    """New nodes in `folder` on the databases that are there (URLs by city), and members whose nodes are elsewhere."""

    def __init__(self, folder: Path, databases: Mapping[str, str], others: Sequence[Vouched] = ()) -> None:
        self._folder = folder
        self._databases = databases
        shutil.rmtree(folder, ignore_errors=True)
        self._settings = {city: self._create(city, url) for city, url in databases.items()}
        self._vouch(others)
        self.tokens = self._register()

    @contextmanager
    def running(self) -> Iterator[dict[str, Service]]:
        """All nodes, ready; by city."""
        with ExitStack() as stack:
            yield {city: stack.enter_context(self._serve(settings)) for city, settings in self._settings.items()}

    def records(self) -> dict[str, int]:
        """How many access records there are, by city."""
        found = {}
        for city, url in self._databases.items():
            with psycopg.connect(url) as connection:
                row = connection.execute(COUNT).fetchone()
            assert row is not None
            found[city] = int(row[0])
        return found

    def _create(self, city: str, database_url: str) -> Settings:
        port = free_port()
        plan = NodePlan(
            city=city,
            name=city.title(),
            issuer=f"http://127.0.0.1:{port}",
            port=port,
            database_url=database_url,
            unsafe_plain_http=True,
        )
        return create_node(self._folder / "homes" / city, plan)

    def _serve(self, settings: Settings):
        return service(
            settings.city,
            [sys.executable, "-m", "node.cli", "--home", str(settings.home), "serve"],
            port=settings.port,
            ready="/health/ready",
            log=self._folder / f"{settings.city}.log",
            cwd=REPOSITORY,
        )

    def _vouch(self, others: Sequence[Vouched]) -> None:
        anchor = Anchor(self._folder / "anchor")
        anchor.admit(*self._settings.values())
        anchor.put(*others)
        anchor.publish()
        anchor.trusted_by(*self._settings.values())

    def _register(self) -> Tokens:
        key = create_signing_key(self._folder / "application" / "key.pem")
        engine = make_engine(self._databases[HOME])
        with engine.begin() as connection:
            connection.exec_driver_sql("delete from application")  # its key was another one in an earlier run
        add_application(
            engine, Application(APPLICATION, "Verkehrsportal", public_jwks(key), ("data:read",), (PURPOSE,))
        )
        engine.dispose()
        return Tokens(self._settings[HOME].issuer, key)
