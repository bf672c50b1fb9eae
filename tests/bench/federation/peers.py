"""The gateways in front of the nodes, each in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.read.npm import NoNode, environment, program
from tests.bench.read.service import Service, free_port, service

SOURCE = Path(__file__).parent / "gateways"
COMPOSE_S = 60


@contextmanager
def stitching(packages: Path, cities: Mapping[str, Service], folder: Path) -> Iterator[Service]:
    """graphql-tools stitching behind GraphQL Yoga, ready. `install` of `SOURCE` into `packages` comes first."""
    with _gateway("stitching", [program("node"), "stitching.mjs"], packages, cities, folder, {}) as running:
        yield running


@contextmanager
def hive(packages: Path, cities: Mapping[str, Service], folder: Path) -> Iterator[Service]:
    """Hive Gateway, ready. `install` of `SOURCE` into `packages` comes first."""
    supergraph = folder / "supergraph.graphql"
    done = subprocess.run(
        [*_command(packages, "mesh-compose"), "-o", str(supergraph)],
        cwd=packages,
        env=environment() | _cities(cities),
        capture_output=True,
        text=True,
        timeout=COMPOSE_S,
        check=False,
    )
    if done.returncode != 0:
        raise NoNode(f"the supergraph can't be composed: {(done.stderr or done.stdout)[-1000:]}")
    command = [*_command(packages, "hive-gateway"), "supergraph", "--jit"]  # compiled queries: its quickest setting
    with _gateway("hive", command, packages, cities, folder, {"SUPERGRAPH": str(supergraph)}) as running:
        yield running


def _gateway(
    name: str, command: list[str], packages: Path, cities: Mapping[str, Service], folder: Path, more: dict[str, str]
):
    port = free_port()
    return service(
        name,
        command,
        port=port,
        ready="/",
        log=folder / f"{name}.log",
        cwd=packages,
        environment=environment() | {"NODE_ENV": "production", "PORT": str(port)} | _cities(cities) | more,
    )


def _command(packages: Path, name: str) -> list[str]:
    return [program("node"), str(packages / "node_modules" / ".bin" / name)]


def _cities(cities: Mapping[str, Service]) -> dict[str, str]:
    return {"CITIES": ",".join(f"{city}:{one.port}" for city, one in cities.items())}
