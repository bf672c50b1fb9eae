"""An anchor for tests and benchmarks: its office, and the web server with what it publishes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from federation.membership import MemberStatus
from federation.trust.anchor import Vouched
from federation.trust.node_configuration import read_self_signed
from federation.trust.register import Entry, fingerprint_of
from node.demo.site import StaticSite
from node.members import describe
from node.office import Office
from node.settings import Settings

LIFETIME = timedelta(hours=24)


class Anchor:
    """Serves from the beginning until `stop`; says nothing before the first `publish`."""

    def __init__(self, directory: Path, name: str = "Anker") -> None:
        self.name = name
        self.directory = directory
        self.out = directory / "site"
        self.out.mkdir(parents=True)
        self.site = StaticSite(self.out, 0)
        self.entity = f"http://127.0.0.1:{self.site.port}"
        self.office = Office(directory)
        self.office.create(self.entity, name)
        self.site.start()

    def admit(self, *nodes: Settings) -> None:
        """Vouch for these nodes."""
        for node in nodes:
            applicant = read_self_signed(describe(node))
            fingerprint = fingerprint_of(applicant.federation_jwks)
            now = datetime.now(UTC).replace(microsecond=0)
            self.office.save(self.office.register.admit(applicant, fingerprint, now, None))

    def put(self, *vouched: Vouched) -> None:
        """Vouch for cities whose nodes are not made here."""
        for one in vouched:
            self.office.save(self.office.register.put(Entry(one)))

    def suspend(self, cities: Iterable[str]) -> None:
        """Suspend these cities, and no others."""
        for entry in self.office.register.entries:
            status = MemberStatus.SUSPENDED if entry.vouched.id in set(cities) else MemberStatus.ACTIVE
            self.put(replace(entry.vouched, status=status))

    def publish(self, lifetime: timedelta = LIFETIME) -> None:
        """Sign everything anew."""
        self.office.publish(self.out, lifetime)

    def trusted_by(self, *nodes: Settings) -> None:
        """Give the nodes this anchor's file."""
        for node in nodes:
            node.anchors_directory.mkdir(exist_ok=True)
            shutil.copyfile(self.office.pin_file, self.pin_of(node))

    def forgotten_by(self, *nodes: Settings) -> None:
        """Take it away again."""
        for node in nodes:
            self.pin_of(node).unlink()

    def pin_of(self, node: Settings) -> Path:
        """The anchor's file at a node."""
        return node.anchors_directory / f"{self.name}.json"

    def stop(self) -> None:
        """Be away from now on."""
        self.site.stop()

    def serve_again(self) -> None:
        """Be back, at the same address."""
        self.site = StaticSite(self.out, self.site.port)
        self.site.start()
