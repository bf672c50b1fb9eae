"""How a page of 50 grows with the number of owners: latency, processor time, memory, bytes and requests of the home node."""

from __future__ import annotations

import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from federation.jose import public_jwks
from federation.membership import MemberStatus
from federation.trust.anchor import Vouched
from node.auth.keys import create_signing_key
from tests.bench.federation.curve_report import Point
from tests.bench.federation.nodes import Nodes
from tests.bench.federation.simulated_answers import MOST, NAMES, ROWS
from tests.bench.federation.simulated_owners import Counts
from tests.bench.federation.world import HOME
from tests.bench.read import proc
from tests.bench.read.job import REPOSITORY
from tests.bench.read.queries import Query
from tests.bench.read.service import Service, service
from tests.bench.read.systems import GraphQLSystem

DOCUMENT = (
    "query Page($id: [ID!]!, $end: DateTime!, $first: Int!) {"
    ' observations(cities: $id, filter: {}, during: {start: "2025-01-01T00:00:00Z", end: $end}, orderBy: TIME_DESC,'
    " first: $first) { nodes { phenomenonTime result quality } pageInfo { endCursor } federation { complete } } }"
)
QUERY = Query(
    "owners", "", {"verbund": DOCUMENT}, "", {"end": "2026-04-01T00:00:00Z", "first": ROWS}, numbers=range(1, 2)
)
CONNECTIONS = 1
WARM_UP_S = 0.5
TRIES = 10
PAUSE_S = 1.0


class WrongPage(Exception):
    """The merged page is not what the owners have, or was never complete."""


def measure_curve(folder: Path, database_url: str, counts: Sequence[int], seconds: float) -> list[Point]:
    """A point for each number of owners, at most 400, measured at one home node that knows them all.

    Raises:
        WrongPage: the merge gave other rows than the newest of all owners, or never those of all.
    """
    points = []
    key_file = folder / "simulated.pem"
    key_file.unlink(missing_ok=True)
    keys = public_jwks(create_signing_key(key_file))
    with _owners(folder, key_file) as ports:
        nodes = Nodes(folder / "home", {HOME: database_url}, _vouched(keys, ports))
        with nodes.running() as running:
            home = running[HOME]
            for owners in counts:
                asked = list(NAMES[:owners])
                system = GraphQLSystem(
                    "verbund", home.port, home.pid, id_of=lambda _, asked=asked: asked, token=nodes.tokens.current
                )
                points.append(_measure(system, home, owners, ports[0], seconds))
    return points


def _measure(system: GraphQLSystem, home: Service, owners: int, port: int, seconds: float) -> Point:
    page = _first_page(system, owners)
    system.load(QUERY, CONNECTIONS, WARM_UP_S)
    proc.forget_peak(home.pid)
    before, cpu = _counts(port), proc.cpu_s(home.pid)
    load = system.load(QUERY, CONNECTIONS, seconds)
    cpu, after = proc.cpu_s(home.pid) - cpu, _counts(port)
    return Point(
        owners,
        load.p50_ms,
        load.p99_ms,
        cpu * 1000 / load.answers,
        proc.peak_mb(home.pid),
        (after.requests - before.requests) / load.answers,
        (after.asked_bytes - before.asked_bytes) / load.answers,
        (after.answer_bytes - before.answer_bytes) / load.answers,
        len(page["pageInfo"]["endCursor"]),
    )


def _first_page(system: GraphQLSystem, owners: int) -> Mapping[str, Any]:
    """A page that is right. Before, a token is needed from each owner, and each works its answer out: that may be late."""
    wanted = [float(place // owners + place % owners) for place in range(ROWS)]
    for _ in range(TRIES):
        page: Mapping[str, Any] = system.ask(QUERY, 1)["observations"]
        if page["federation"]["complete"]:
            found = [row["result"] for row in page["nodes"]]
            if found != wanted:
                raise WrongPage(f"{owners} owners have the results {wanted}; the page has {found}")
            return page
        time.sleep(PAUSE_S)
    raise WrongPage(f"of {owners} owners some did not answer in time, {TRIES} times")


def _counts(port: int) -> Counts:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=5) as told:
        return msgspec.json.decode(told.read(), type=Counts)


@contextmanager
def _owners(folder: Path, key_file: Path) -> Iterator[list[int]]:
    ports = _free_ports(MOST)
    command = [sys.executable, "-m", "tests.bench.federation.simulated_owners", str(key_file), *map(str, ports)]
    with service(
        "simulated owners",
        command,
        port=ports[-1],
        ready="/counts",
        log=folder / "simulated-owners.log",
        cwd=REPOSITORY,
    ):
        yield ports


def _free_ports(count: int) -> list[int]:
    """All held until the last is found, so that none comes twice."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


def _vouched(keys: dict[str, Any], ports: Sequence[int]) -> list[Vouched]:
    """One key for all: it costs a home node as much as a key for each."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        Vouched(name, name.title(), None, f"http://127.0.0.1:{port}", keys, MemberStatus.ACTIVE, now)
        for name, port in zip(NAMES, ports, strict=True)
    ]
