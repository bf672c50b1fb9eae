"""The bare statement: as `http_client`, but straight to PostgreSQL through psycopg, a thread for each connection."""

from __future__ import annotations

import os
import sys
import threading
from itertools import cycle
from time import perf_counter, process_time

import msgspec
import psycopg

from tests.bench.read import proc
from tests.bench.read.figures import percentile
from tests.bench.read.job import Load, SqlJob

OPTIONS = "-c TimeZone=UTC -c jit=off"


class Worker(threading.Thread):
    """Runs the statement over and over; it begins at another place of the turns than the others."""

    def __init__(self, job: SqlJob, number: int, start: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self._job = job
        self._start = start
        turns = list(zip(job.parameters, job.least, strict=True))
        offset = number * len(turns) // job.connections
        self._turns = cycle(turns[offset:] + turns[:offset])
        self.latencies: list[float] = []
        self.failure = ""
        self.began = self.ended = 0.0

    def run(self) -> None:
        """Connect, prepare, wait for the others, go."""
        try:
            with psycopg.connect(self._job.url, autocommit=True, options=OPTIONS) as connection:
                self._loop(connection.cursor())
        except (psycopg.Error, threading.BrokenBarrierError) as error:
            self.failure = str(error) or type(error).__name__
            self._start.abort()

    def _loop(self, cursor: psycopg.Cursor[tuple[str]]) -> None:
        parameters, least = next(self._turns)
        cursor.execute(self._job.statement, parameters, prepare=True)
        self._start.wait()
        self.began = now = perf_counter()
        ends = now + self._job.seconds
        while now < ends:
            parameters, least = next(self._turns)
            sent = perf_counter()
            row = cursor.execute(self._job.statement, parameters, prepare=True).fetchone()
            now = perf_counter()
            if row is None or len(row[0]) < least:
                self.failure = f"{parameters}: the answer is shorter than {least} characters"
                return
            self.latencies.append(now - sent)
        self.ended = now


def run(job: SqlJob) -> Load:
    """Do the job."""
    start = threading.Barrier(job.connections)
    workers = [Worker(job, number, start) for number in range(job.connections)]
    used = process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    failures = [worker.failure for worker in workers if worker.failure]
    ordered = sorted(latency for worker in workers for latency in worker.latencies)
    return Load(
        answers=len(ordered),
        failures=len(failures),
        first_failure=failures[0] if failures else "",
        seconds=max(worker.ended for worker in workers) - min(worker.began for worker in workers),
        p50_ms=percentile(ordered, 0.5) * 1000,
        p99_ms=percentile(ordered, 0.99) * 1000,
        cpu_s=process_time() - used,
        peak_mb=proc.peak_mb(os.getpid()),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=SqlJob))))
