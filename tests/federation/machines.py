"""Cities as their machines have them: a node with its own PostgreSQL and a broker, kept running by a service manager."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from node.store.embedded import embedded_postgres
from tests.federation.broker import Broker
from tests.federation.cities import NAMES, Federation, Town

LOOK_EVERY_S = 0.2
READY_S = 90


class Machine:
    """A city's parts, each of which can be killed; `keep` starts again what runs no more, and does nothing else."""

    def __init__(self, town: Town, broker: Broker) -> None:
        self.town = town
        self.broker = broker

    async def keep(self) -> None:
        """Be the service manager, until cancelled."""
        while True:
            if not self.broker.is_running:
                self.broker.start()
            if not self.town.process.is_running():
                self.town.process.kill()  # the rest of its group
                self.town.process.start()
            await asyncio.sleep(LOOK_EVERY_S)

    async def is_back(self) -> None:
        """Wait until it is ready by itself."""
        async with asyncio.timeout(READY_S):
            while not (self.broker.is_running and await asyncio.to_thread(self.town.process.is_ready)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def kill_worker(self, luck: random.Random) -> None:
        """One process that answers."""
        group = self.town.process._process
        assert group is not None
        workers = [one for one in psutil.Process(group.pid).children() if "spawn_main" in " ".join(one.cmdline())]
        luck.choice(workers).kill()

    def kill_node(self, _luck: random.Random) -> None:
        """The supervisor and its workers; PostgreSQL has a session of its own, and goes on."""
        group = self.town.process._process
        assert group is not None
        os.killpg(group.pid, signal.SIGKILL)

    def kill_database(self, _luck: random.Random) -> None:
        """PostgreSQL's first process; the others end when they notice."""
        file = self.town.settings.postgres_directory / "postmaster.pid"
        os.kill(int(file.read_text().splitlines()[0]), signal.SIGKILL)

    def kill_broker(self, _luck: random.Random) -> None:
        """The broker alone."""
        self.broker.kill()

    def kill_all(self, luck: random.Random) -> None:
        """Everything at once, as when the power fails."""
        self.broker.kill()
        self.kill_node(luck)
        file = self.town.settings.postgres_directory / "postmaster.pid"
        first = psutil.Process(int(file.read_text().splitlines()[0]))
        for process in [first, *first.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @property
    def parts(self) -> dict[str, Callable[[random.Random], None]]:
        """What can be killed, by name."""
        return {
            "worker": self.kill_worker,
            "node": self.kill_node,
            "database": self.kill_database,
            "broker": self.kill_broker,
            "everything": self.kill_all,
        }


@contextmanager
def machines(directory: Path) -> Iterator[tuple[Federation, dict[str, Machine]]]:
    """A machine for each city, set up and not started."""
    formed = Federation(directory)
    made: dict[str, Machine] = {}
    try:
        for city in NAMES:
            place = directory / f"broker-{city}"
            place.mkdir()
            broker = Broker(place, keeps=True)
            settings = formed.make(city, None, f'mqtt_url = "{broker.url}"\nsummaries_every_s = 0\n')
            with embedded_postgres(settings.postgres_directory) as url:
                made[city] = Machine(formed.join(settings, url), broker)
        formed.sign()
        yield formed, made
    finally:
        for machine in made.values():
            machine.town.process.stop()
            machine.broker.stop()
        formed.stop()
