"""`python -m tests.bench [NAME …]`: run the benchmarks, or those that are named, one after the other."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
KNOWN = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(KNOWN)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(KNOWN)}")
    for name in wanted or KNOWN:
        print(f"\n== {name}", flush=True)
        import_module(f"tests.bench.bench_{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
