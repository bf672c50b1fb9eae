"""Verbund as it runs in production: `verbund serve` in a home of its own, with an anchor and an application."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from joserfc.jwk import ECKey

from federation.jose import public_jwks
from federation.membership import MemberStatus
from federation.trust.anchor import Vouched
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.auth.token_client import Access, obtain_token
from node.setup import NodePlan, create_node
from node.store.engine import make_engine
from tests.anchor import Anchor
from tests.bench.read.job import REPOSITORY
from tests.bench.read.queries import CITY
from tests.bench.read.service import Service, free_port, service

APPLICATION = "verkehrsportal"
PURPOSE = "traffic-planning"
NEIGHBOURS = ("beispielstadt", "neustadt", "altstadt")
RENEW_S = 120.0  # a token lives 300 s
LIMITS = "\n[limits]\nrows = 150000\n"  # room for the big answer


class Tokens:
    """The application's access token, renewed while it is still good for a long measurement."""

    def __init__(self, issuer: str, key: ECKey) -> None:
        self._issuer = issuer
        self._key = key
        self._access: Access | None = None
        self._obtained = 0.0

    def current(self) -> Access:
        """A token that is good for at least 180 seconds more."""
        if self._access is None or time.monotonic() - self._obtained > RENEW_S:
            self._access = asyncio.run(obtain_token(self._issuer, APPLICATION, self._key, PURPOSE, "data:read"))
            self._obtained = time.monotonic()
        return self._access


class VerbundNode:
    """A new node on the database that is there."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._home = folder / "home"
        self._log = folder / "verbund.log"
        self._database_url = database_url
        self._application = folder / "application"
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self._application, ignore_errors=True)
        port = free_port()
        self._settings = create_node(
            self._home,
            NodePlan(
                city=CITY,
                name="Musterstadt",
                issuer=f"http://127.0.0.1:{port}",
                port=port,
                database_url=database_url,
                unsafe_plain_http=True,
            ),
        )
        with (self._home / "verbund.toml").open("a", encoding="utf-8") as file:
            file.write(LIMITS)
        shutil.rmtree(folder / "anchor", ignore_errors=True)
        self._anchor = Anchor(folder / "anchor")
        self._anchor.admit(self._settings)
        self._anchor.put(*_vouched(folder / "anchor" / "neighbours"))
        self._anchor.publish()
        self._anchor.trusted_by(self._settings)
        self.tokens = Tokens(self._settings.issuer, self._register())

    @contextmanager
    def running(self) -> Iterator[Service]:
        """The node, ready."""
        with service(
            "verbund",
            [sys.executable, "-m", "node.cli", "--home", str(self._home), "serve"],
            port=self._settings.port,
            ready="/health/ready",
            log=self._log,
            cwd=REPOSITORY,
        ) as running:
            yield running

    def records(self) -> int:
        """How many access records there are."""
        with psycopg.connect(self._database_url) as connection:
            row = connection.execute("select count(*) from access_record").fetchone()
        assert row is not None
        return int(row[0])

    def _register(self) -> ECKey:
        key = create_signing_key(self._application / "key.pem")
        engine = make_engine(self._database_url)
        with engine.begin() as connection:
            connection.exec_driver_sql("delete from application")  # its key was another one in an earlier run
        add_application(
            engine, Application(APPLICATION, "Verkehrsportal", public_jwks(key), ("data:read",), (PURPOSE,))
        )
        engine.dispose()
        return key


def _vouched(folder: Path) -> list[Vouched]:
    """Neighbours that are never asked."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        Vouched(
            name,
            name.title(),
            None,
            f"https://{name}.example",
            public_jwks(create_signing_key(folder / f"{name}.pem")),
            MemberStatus.ACTIVE,
            now,
        )
        for name in NEIGHBOURS
    ]
