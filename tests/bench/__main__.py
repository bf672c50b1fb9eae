"""`python -m tests.bench [NAME …] [OPTION …]`: run the benchmarks, or those that are named, one after the other.

Options are for one benchmark that takes some; those are `federation`, `log` and `read`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).parent
KNOWN = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
WITH_OPTIONS = ("federation", "log", "read")


def main(arguments: list[str]) -> None:
    wanted = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    options = arguments[len(wanted) :]
    unknown = set(wanted) - set(KNOWN)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(KNOWN)}")
    if options and (len(wanted) != 1 or wanted[0] not in WITH_OPTIONS):
        sys.exit(f"{options[0]}: options come after the name of one benchmark: {', '.join(WITH_OPTIONS)}")
    for name in wanted or KNOWN:
        print(f"\n== {name}", flush=True)
        benchmark = import_module(f"tests.bench.bench_{name}")
        benchmark.main(*([options] if options else []))


if __name__ == "__main__":
    main(sys.argv[1:])
