"""The load client for HTTP: a job on the standard input, a `Load` on the standard output. One thread, no objects to spare.

Every connection sends its next request as soon as its answer is complete (a closed loop). After the given seconds
nothing is sent any more, and what is under way is waited for, so that no request is answered uncounted.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter, process_time, time
from typing import cast

import msgspec
import uvloop
from joserfc.jwk import ECKey

from federation.proofs import ProofKey
from tests.bench.read import proc
from tests.bench.read.figures import percentile
from tests.bench.read.job import DRAIN_S, HttpJob, Load, Proofs
from tests.bench.read.responses import BadResponse, ResponseReader

OK = 200
PROOFS_A_SECOND = 3_000


class Counter:
    """What all connections share."""

    def __init__(self, job: HttpJob) -> None:
        turns = cycle(zip(job.requests, job.least, strict=True))
        self.turns: Iterator[tuple[bytes, int]] = turns if job.proofs is None else proven(job, job.proofs, turns)
        self.latencies: list[float] = []
        self.failures: list[str] = []
        self.ends = 0.0
        self.last = 0.0
        self.busy = job.connections
        self.done = asyncio.get_running_loop().create_future()

    def leave(self) -> None:
        """A connection has ended its work."""
        self.busy -= 1
        if not self.busy and not self.done.done():
            self.done.set_result(None)


def proven(job: HttpJob, proofs: Proofs, turns: Iterator[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """The requests with proofs, which are made beforehand as far as they will do: making one takes 20 µs."""
    key = ProofKey(ECKey.import_key(proofs.key))

    def line() -> bytes:
        made = key.proof("POST", proofs.url, int(time()), token=proofs.token, nonce=proofs.nonce)
        return b"\r\nDPoP: " + made.encode() + b"\r\n"

    stock = [line() for _ in range(int(job.seconds * PROOFS_A_SECOND))]

    def next_one() -> Iterator[tuple[bytes, int]]:
        for request, least in turns:
            first, _, rest = request.partition(b"\r\n")
            yield first + (stock.pop() if stock else line()) + rest, least

    return next_one()


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._reader = ResponseReader()
        self._least = 0
        self._sent = 0.0
        self._has_left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; `send` begins."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def send(self) -> None:
        """Send the request whose turn it is."""
        request, self._least = next(self._counter.turns)
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Go on when the answer is complete."""
        try:
            if not self._reader.feed(data):
                return
        except BadResponse as error:
            self._fail(str(error))
            return
        now = perf_counter()
        reader, counter = self._reader, self._counter
        if reader.status != OK or reader.length < self._least:
            self._fail(f"status {reader.status}, {reader.length} bytes of at least {self._least}: {data[-300:]!r}")
            return
        counter.latencies.append(now - self._sent)
        if now < counter.ends:
            self.send()
            return
        counter.last = now
        self._leave()

    def connection_lost(self, error: Exception | None) -> None:
        """The server closed it: a failure, unless the work was done."""
        if not self._has_left:
            self._fail(f"the connection was closed ({error})")

    def _fail(self, reason: str) -> None:
        self._counter.failures.append(reason)
        self._leave()

    def _leave(self) -> None:
        if not self._has_left:
            self._has_left = True
            self._transport.close()
            self._counter.leave()


async def run(job: HttpJob) -> Load:
    """Do the job."""
    loop = asyncio.get_running_loop()
    counter = Counter(job)
    connections = [
        (await loop.create_connection(lambda: Connection(counter), "127.0.0.1", job.port))[1]
        for _ in range(job.connections)
    ]
    used = process_time()
    started = perf_counter()
    counter.ends = started + job.seconds
    for connection in connections:
        connection.send()
    try:
        await asyncio.wait_for(counter.done, job.seconds + DRAIN_S)
    except TimeoutError:
        counter.failures.append(f"{counter.busy} requests had no answer {DRAIN_S:.0f} s after the last was sent")
    spent = process_time() - used
    ordered = sorted(counter.latencies)
    return Load(
        answers=len(ordered),
        failures=len(counter.failures),
        first_failure=counter.failures[0] if counter.failures else "",
        seconds=counter.last - started,
        p50_ms=percentile(ordered, 0.5) * 1000,
        p99_ms=percentile(ordered, 0.99) * 1000,
        cpu_s=spent,
        peak_mb=proc.peak_mb(os.getpid()),
    )


if __name__ == "__main__":
    load = uvloop.run(run(msgspec.json.decode(sys.stdin.buffer.read(), type=HttpJob)))
    sys.stdout.buffer.write(msgspec.json.encode(load))
