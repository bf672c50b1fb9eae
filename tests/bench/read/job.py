"""What a load client is told, and what it tells; clients are processes of their own. JSON both ways."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

DRAIN_S = 30.0
REPOSITORY = Path(__file__).parents[3]


class Proofs(msgspec.Struct, frozen=True):
    """With what each request is proven (DPoP): `key` is a private JWK."""

    key: dict[str, Any]
    token: str
    nonce: str | None
    url: str


class HttpJob(msgspec.Struct, frozen=True):
    """Send these requests by turns over `connections` connections, each of which has one request under way.

    With `proofs` each one gets a proof of its own, as every request with a token must have.
    """

    port: int
    requests: Sequence[bytes]
    least: Sequence[int]  # bytes of body that the answer must have
    connections: int
    seconds: float
    proofs: Proofs | None = None


class SqlJob(msgspec.Struct, frozen=True):
    """Run the statement with these parameters by turns over `connections` connections, a thread each."""

    url: str
    statement: str
    parameters: Sequence[dict[str, int]]
    least: Sequence[int]  # characters that the answer must have
    connections: int
    seconds: float


class Load(msgspec.Struct, frozen=True):
    """What a client saw. Latencies in milliseconds; `cpu_s` and `peak_mb` are the client's own."""

    answers: int
    failures: int
    first_failure: str
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    peak_mb: float

    @property
    def rps(self) -> float:
        """Answers per second, up to the last one that came."""
        return self.answers / self.seconds if self.seconds > 0 else 0.0


class LoadFailed(Exception):
    """A load client failed, or some answers were not what they should be."""


def run_client(module: str, job: HttpJob | SqlJob) -> Load:
    """Run a client to its end.

    Raises:
        LoadFailed: it broke down, or an answer failed: then there is nothing to measure.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module],
            cwd=REPOSITORY,
            input=msgspec.json.encode(job),
            capture_output=True,
            timeout=job.seconds + DRAIN_S + 30,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"{module} did not end") from None
    if done.returncode != 0:
        raise LoadFailed(f"{module}: {done.stderr.decode(errors='replace')[-2000:]}")
    load = msgspec.json.decode(done.stdout, type=Load)
    if load.failures:
        raise LoadFailed(f"{load.failures} of {load.failures + load.answers} requests failed: {load.first_failure}")
    if load.answers == 0:
        raise LoadFailed("no request was answered in time")
    return load
