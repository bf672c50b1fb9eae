"""A node, and implementations by others that know nothing of it but what it publishes; Node.js runs them."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.settings import FILE_NAME
from node.store.engine import make_engine
from tests.bench.read.npm import NoNode, environment, install, program
from tests.conftest import REPOSITORY, TEMPLATE
from tests.federation.cities import Federation, Town, free_port

SOURCE = Path(__file__).parent
PACKAGES = REPOSITORY / ".bench" / "foreign"
APPLICATION = "buergerportal"
RETURN = "http://127.0.0.1:9/back"
RUN_S = 180
ROLES = {"ada-lovelace": ["verbund-steward"], "grace-hopper": ["verbund-auditor", "verbund-steward"]}
FILES = ("package.json", "package-lock.json", "application.mjs", "provider.mjs")


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> Path:
    """A folder with the scripts and the packages that they use."""
    source = tmp_path_factory.mktemp("foreign")
    for name in FILES:
        (source / name).write_bytes((SOURCE / name).read_bytes())
    PACKAGES.parent.mkdir(exist_ok=True)
    with (PACKAGES.parent / "foreign.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        try:
            install(source, PACKAGES)
        except NoNode as error:
            pytest.skip(f"foreign implementations need Node.js and its packages: {error}")
    return PACKAGES


class Scene:
    """A town with a portal that people can sign in to, and its identity provider."""

    def __init__(self, town: Town, packages: Path) -> None:
        self.town = town
        self.packages = packages
        self.key = create_signing_key(town.keys / f"{APPLICATION}.pem")
        engine = make_engine(town.database_url)
        add_application(
            engine,
            Application(
                APPLICATION,
                "Bürgerportal",
                public_jwks(self.key),
                ("data:read", "tokens:introspect"),
                ("traffic-planning",),
                redirect_uris=(RETURN,),
            ),
        )
        engine.dispose()

    def run(self, **job: Any) -> dict[str, Any]:
        """What the foreign client made of the node."""
        job = {
            "api": self.town.settings.graphql_url,
            "client_id": APPLICATION,
            "key": {**self.key.as_dict(private=True), "kid": self.key.kid},
            "scope": "data:read",
            "purpose": "traffic-planning",
            "query": '{ dataset(id: "giessen:dataset:kfz") { id } }',
            **job,
        }
        done = subprocess.run(
            [program("node"), "application.mjs"],
            cwd=self.packages,
            env=environment(),
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def scene(packages: Path, postgres_url: str, tmp_path_factory) -> Iterator[Scene]:
    federation = Federation(tmp_path_factory.mktemp("foreign-node"))
    town = federation.add("giessen", postgres_url, TEMPLATE)
    federation.sign()
    port = free_port()
    file = town.settings.home / FILE_NAME
    file.write_text(f'identity_provider = "http://127.0.0.1:{port}"\n{file.read_text()}')
    scene = Scene(town, packages)
    job = {
        "port": port,
        "client_id": "verbund",
        "redirect_uris": [f"{town.settings.issuer}{path}" for path in ("/oauth/callback", "/sign-in/callback")],
        "roles": ROLES,
        "jwks_uri": f"{town.settings.issuer}/oauth/jwks",
    }
    with subprocess.Popen(
        [program("node"), "provider.mjs"],
        cwd=packages,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as provider:
        try:
            provider.stdin.write(json.dumps(job) + "\n")
            provider.stdin.flush()
            while (line := provider.stdout.readline()) and line.strip() != "ready":
                pass
            federation.start()
            yield scene
        finally:
            federation.stop()
            provider.kill()
