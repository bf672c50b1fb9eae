"""What can be chosen on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.federation.simulated_answers import MOST
from tests.bench.federation.world import BY_NAME
from tests.bench.read.options import names, numbers

SYSTEMS = ("verbund", "hive", "stitching")
CONCURRENCIES = (1, 16)
OWNERS = (4, 16, 64, 256, 400)


@dataclass(frozen=True, slots=True)
class Options:
    """The choices; the defaults are the benchmark that the figures in the documentation come from."""

    seconds: float
    rounds: int
    only: tuple[str, ...]
    systems: tuple[str, ...]
    concurrency: tuple[int, ...]
    owners: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """True if every system is asked every query: then the result is worth keeping."""
        return (self.only, self.systems, self.concurrency) == (tuple(BY_NAME), SYSTEMS, CONCURRENCIES)


def parse(arguments: Sequence[str]) -> Options:
    """Exits with a usage message if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench federation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement; default 1.5")
    parser.add_argument("--rounds", type=int, default=3, help="default 3; medians are reported")
    parser.add_argument("--only", type=names(tuple(BY_NAME)), default=tuple(BY_NAME), help="queries: F1,F2-identical")
    parser.add_argument("--systems", type=names(SYSTEMS), default=SYSTEMS, help="verbund,hive")
    parser.add_argument("--concurrency", type=numbers, default=CONCURRENCIES, help="requests at once: 1,16")
    parser.add_argument(
        "--owners", type=_owners, default=OWNERS, help="simulated ones: 4,400; none leaves out the city that hangs, too"
    )
    told = parser.parse_args(arguments)
    if not 0 < told.seconds <= 60 or not 0 < told.rounds <= 20:
        parser.error("--seconds: above 0, at most 60; --rounds: from 1 to 20")
    return Options(told.seconds, told.rounds, told.only, told.systems, told.concurrency, told.owners)


def _owners(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    found = tuple(sorted({int(part) for part in text.split(",")}))
    if not 1 <= found[0] <= found[-1] <= MOST:
        raise argparse.ArgumentTypeError(f"from 1 to {MOST}")
    return found
