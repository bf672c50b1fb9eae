"""Coverage-guided fuzzing: `python -m tests.fuzz [--seconds S] [--jobs J] [TARGET …]`, or `make fuzz`.

Each target runs in a process of its own, for a bounded time. What was found before, and the good input of the tests, is the
corpus; input that brings about a fault is kept and makes the run fail.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".fuzz"
MEMORY_MB = 1_024
INPUT_S = 5  # longer than any input may take


def main() -> int:
    """Fuzz all targets, or those that are named; 1 if one has a fault."""
    options = _options()
    chosen = [one for one in TARGETS if not options.targets or one.name in options.targets]
    if not chosen:
        print(f"no such target; there are: {', '.join(map(str, TARGETS))}")
        return 2
    with ThreadPoolExecutor(options.jobs) as pool:
        faults = sum(pool.map(lambda one: _fuzzed(one, options.seconds), chosen))
    print(f"{len(chosen)} targets, {options.seconds} s each: {faults or 'no'} faults")
    return 1 if faults else 0


def _fuzzed(target: Target, seconds: int) -> bool:
    folder = FOLDER / target.name.replace(" ", "-").replace("'", "")
    corpus, found = folder / "corpus", folder / "faults"
    for made in (corpus, found):
        made.mkdir(parents=True, exist_ok=True)
    for good in target.good:
        (corpus / hashlib.sha256(good).hexdigest()[:16]).write_bytes(good)
    bounds = (f"-max_total_time={seconds}", f"-timeout={INPUT_S}", f"-rss_limit_mb={MEMORY_MB}", "-max_len=20000")
    command = [sys.executable, "-m", "tests.fuzz.one", target.name, str(corpus), *bounds, f"-artifact_prefix={found}/"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    runs = next(_numbers(done.stderr, "stat::number_of_executed_units:"), "?")
    print(f"{target.name}: {runs} inputs, {'FAULT' if done.returncode else 'no fault'}", flush=True)
    if done.returncode:
        print(done.stderr[-4_000:], flush=True)
    return done.returncode != 0


def _numbers(text: str, label: str) -> Iterator[str]:
    return (line.split()[-1] for line in text.splitlines() if line.startswith(label))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
