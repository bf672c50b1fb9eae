"""What can be chosen on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.read.queries import BY_NAME, DATASTREAMS
from tests.bench.read.scale import MILLION, Scale, scale_of

SYSTEMS = ("verbund", "postgraphile", "strawberry", "sql")
CONCURRENCIES = (1, 16)
MAX_DATASTREAMS = 5_000
LONGEST = 10_000  # observations that a query asks for
MAX_EACH = 3_000_000  # quarters of an hour since about 1940


@dataclass(frozen=True, slots=True)
class Options:
    """The choices; the defaults are the benchmark that the figures in the documentation come from."""

    seconds: float
    rounds: int
    scale: Scale
    only: tuple[str, ...]
    systems: tuple[str, ...]
    concurrency: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """True if every system is asked every query: then the result is worth keeping."""
        return (self.only, self.systems, self.concurrency) == (tuple(BY_NAME), SYSTEMS, CONCURRENCIES)


def parse(arguments: Sequence[str]) -> Options:
    """Exits with a usage message if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench read", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement; default 1.5")
    parser.add_argument("--rounds", type=int, default=3, help="default 3; medians are reported")
    parser.add_argument("--observations", type=int, default=MILLION, help="default a million")
    parser.add_argument("--datastreams", type=int, help="that share them; default 50, or 500 beyond five millions")
    parser.add_argument("--only", type=names(tuple(BY_NAME)), default=tuple(BY_NAME), help="queries: Q1,Q3")
    parser.add_argument("--systems", type=names(SYSTEMS), default=SYSTEMS, help="verbund,sql")
    parser.add_argument("--concurrency", type=numbers, default=CONCURRENCIES, help="requests at once: 1,16")
    told = parser.parse_args(arguments)
    if told.seconds <= 0 or told.rounds < 1:
        parser.error("--seconds and --rounds must be above 0")
    scale = scale_of(told.observations, told.datastreams)
    if not DATASTREAMS <= scale.datastreams <= MAX_DATASTREAMS:
        parser.error(f"--datastreams: from {DATASTREAMS} to {MAX_DATASTREAMS}")
    if not LONGEST <= scale.each <= MAX_EACH:
        parser.error(f"--observations: for each datastream from {LONGEST} (Q3 asks for as many) to {MAX_EACH}")
    return Options(told.seconds, told.rounds, scale, told.only, told.systems, told.concurrency)


def names(known: tuple[str, ...]):
    """Reads a list of some of these, told in their order."""

    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        if unknown := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is unknown; there are {', '.join(known)}")
        return tuple(name for name in known if name in chosen)

    return read


def numbers(text: str) -> tuple[int, ...]:
    """Reads a list of numbers of connections."""
    found = tuple(sorted({int(part) for part in text.split(",")}))
    if not 1 <= found[0] <= found[-1] <= 256:
        raise argparse.ArgumentTypeError("from 1 to 256")
    return found
