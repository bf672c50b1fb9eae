"""Make the four cities of the demo: nodes, anchor, applications, content.

Everything lies under one directory. What is there already is kept, so that a second start is quick.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from federation.jose import public_jwks
from federation.trust.node_configuration import read_self_signed
from federation.trust.register import fingerprint_of
from node.auth.applications import Application, ApplicationStatus, add_application, list_applications
from node.auth.keys import create_signing_key, load_signing_key
from node.demo.agreements import agree
from node.demo.cities import CITIES, DemoCity
from node.demo.content import VERSION, load_city
from node.demo.governance import APPLICATIONS, DemoApplication
from node.members import describe
from node.office import Office
from node.settings import FILE_NAME, Settings, load_settings
from node.setup import NodePlan, create_missing_keys, create_node, migrate_node, write_settings
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.revisions import head_revision

MARK = "prepared"
LIST_DAYS = 30
WORKERS = 2
WITNESS_EVERY_S = 3
ANCHOR = "office"  # not "anchor": demos of before OpenID Federation have another kind of list there
ANCHOR_NAME = "Anker der Demo"
ANCHOR_PORT = 8100


@dataclass(frozen=True, slots=True)
class DemoFederation:
    """The prepared demo: settings by city, where its anchor listens, and where the applications' keys lie."""

    directory: Path
    settings: dict[str, Settings]
    anchor_port: int

    def key_file(self, city: str, application: str) -> Path:
        """Private key of a demo application."""
        return key_file(self.directory, city, application)


def site_directory(directory: Path) -> Path:
    """What the demo's anchor publishes."""
    return directory / ANCHOR / "site"


def key_file(directory: Path, city: str, application: str) -> Path:
    """Where the private key of a demo application lies."""
    return directory / "applications" / city / f"{application}.pem"


def prepare(
    directory: Path,
    cities: Sequence[DemoCity] = CITIES,
    *,
    days: int | None = None,
    anchor_port: int = ANCHOR_PORT,
    progress: Callable[[str], None] = lambda _: None,
) -> DemoFederation:
    """Make, or complete, the demo in `directory`. `days` limits the observations, for tests.

    The anchor's port can't be another one later: its address is its name.
    """
    directory.mkdir(parents=True, exist_ok=True)
    mark = f"{VERSION}, schema {head_revision()}, {days or 'all'} days\n"
    missing = [city for city in cities if not _is_marked(directory / city.id, mark)]
    if missing:
        progress("preparing the cities; this is needed once and takes some seconds")
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            jobs = {pool.submit(_prepare_city, directory, city, days): city for city in missing}
            for job in as_completed(jobs):
                job.result()
                (directory / jobs[job].id / MARK).write_text(mark, encoding="utf-8")
                progress(f"{jobs[job].name} is prepared")
    for city in cities:  # a demo that was made earlier gets today's settings
        write_settings(directory / city.id, _plan(city))
    settings = {city.id: load_settings(directory / city.id, environment={}) for city in cities}
    if missing:
        agree(settings)
    _vouch(directory, list(settings.values()), f"http://127.0.0.1:{anchor_port}")
    return DemoFederation(directory, settings, anchor_port)


def _is_marked(home: Path, mark: str) -> bool:
    file = home / MARK
    return file.is_file() and file.read_text(encoding="utf-8") == mark


def _prepare_city(directory: Path, city: DemoCity, days: int | None) -> None:
    home = directory / city.id
    if (home / FILE_NAME).exists():
        settings = load_settings(home, environment={})
        create_missing_keys(settings)
        migrate_node(settings)
    else:
        settings = create_node(home, _plan(city))
        with (home / FILE_NAME).open("a", encoding="utf-8") as file:
            file.write(f"witness_every_s = {WITNESS_EVERY_S}\n")
    with embedded_postgres(settings.postgres_directory) as url:
        load_city(url, city.id, days=days)
        engine = make_engine(url)
        present = {application.id for application in list_applications(engine)}
        for application in APPLICATIONS[city.id]:
            if application.id not in present:
                add_application(engine, _application(directory, city, application))
        engine.dispose()


def _plan(city: DemoCity) -> NodePlan:
    return NodePlan(
        city=city.id,
        name=city.name,
        ags=city.ags,
        issuer=f"http://127.0.0.1:{city.port}",
        port=city.port,
        unsafe_plain_http=True,
        demo=True,
    )


def _application(directory: Path, city: DemoCity, demo: DemoApplication) -> Application:
    path = key_file(directory, city.id, demo.id)
    key = load_signing_key(path) if path.exists() else create_signing_key(path)
    return Application(
        id=demo.id,
        name=demo.name,
        jwks=public_jwks(key),
        scopes=demo.scopes,
        purposes=demo.purposes,
        status=ApplicationStatus.ACTIVE,
    )


def _vouch(directory: Path, nodes: Sequence[Settings], anchor_url: str) -> None:
    """The anchor of the demo vouches for all cities anew at each start."""
    office = Office(directory / ANCHOR)
    if not office.keys.exists():
        office.create(anchor_url, ANCHOR_NAME)
    now = datetime.now(UTC)
    for node in nodes:
        applicant = read_self_signed(describe(node))
        office.save(office.register.admit(applicant, fingerprint_of(applicant.federation_jwks), now, None))
        node.anchors_directory.mkdir(exist_ok=True)
        shutil.copyfile(office.pin_file, node.anchors_directory / "demo.json")
    office.publish(site_directory(directory), timedelta(days=LIST_DAYS))
