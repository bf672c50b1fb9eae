"""A node, and implementations by others that know nothing of it but what it publishes; Node.js runs them."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
from collections.abc import Callable, Iterator
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
FILES = ("package.json", "package-lock.json", "application.mjs", "follower.mjs", "keycloak.mjs", "provider.mjs")
Job = Callable[[str], dict[str, Any]]


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


def provided(packages: Path, folder: Path, postgres_url: str, settings: str, job: Job) -> Iterator[Scene]:
    """A town with these settings for its provider, and the provider, which gets the job that is made for the town."""
    federation = Federation(folder)
    town = federation.add("giessen", postgres_url, TEMPLATE)
    federation.sign()
    file = town.settings.home / FILE_NAME
    file.write_text(f"{settings}\n{file.read_text()}")
    scene = Scene(town, packages)
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
            provider.stdin.write(json.dumps(job(town.settings.issuer)) + "\n")
            provider.stdin.flush()
            lines = []
            while (line := provider.stdout.readline()) and line.strip() != "ready":
                lines.append(line)
            assert line, f"the provider did not start: {lines}"
            federation.start()
            yield scene
        finally:
            federation.stop()
            provider.kill()


@pytest.fixture(scope="module")
def scene(packages: Path, postgres_url: str, tmp_path_factory) -> Iterator[Scene]:
    port = free_port()

    def job(issuer: str) -> dict[str, Any]:
        return {
            "port": port,
            "client_id": "verbund",
            "redirect_uris": [f"{issuer}{path}" for path in ("/oauth/callback", "/sign-in/callback")],
            "roles": ROLES,
            "jwks_uri": f"{issuer}/oauth/jwks",
        }

    settings = f'identity_provider = "http://127.0.0.1:{port}"'
    yield from provided(packages, tmp_path_factory.mktemp("foreign-node"), postgres_url, settings, job)


@pytest.fixture(scope="module")
def realm(packages: Path, postgres_url: str, tmp_path_factory) -> Iterator[Scene]:
    """A provider in Keycloak's form, and the node, set up with what docs/sign-in.md says and nothing else."""
    page = (REPOSITORY / "docs" / "sign-in.md").read_text(encoding="utf-8")
    settings = re.search(r"```\n(identity_provider = .*?)```", page, re.DOTALL)[1]
    client = re.search(r"### Keycloak\n.*?```json\n(.*?)```", page, re.DOTALL)[1]
    named = re.search(r'identity_provider = "(https://[^/"]+)(/realms/[^/"]+)"', settings)
    port, folder = free_port(), tmp_path_factory.mktemp("realm-node")

    def job(issuer: str) -> dict[str, Any]:
        representation = json.loads(client.replace("https://daten.giessen.example", issuer))
        told = str(folder / "id_token")
        return {"port": port, "path": named[2], "keycloak": representation, "roles": ROLES, "told": told}

    settings = settings.replace(named[1], f"http://127.0.0.1:{port}")
    yield from provided(packages, folder, postgres_url, settings, job)
