"""Mutation testing of the rules: `python -m tests.mutation [--sample N] [--seed S] [--jobs J] [--least P] [module …]`.

Each mutant of a module of `policy` is tried against the unit tests that run the function it is in, the quickest first.
A mutant that no test notices is printed with its line; at the end comes the share that was killed.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.mutation.mutate import Mutant, mutants
from tests.mutation.trials import Trial, tried
from tests.mutation.who_runs_what import Covered, who_runs_what

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"__init__", "errors", "vocabulary", "agreement_text"}  # nothing is decided there


def main() -> int:
    """Print survivors and the share of mutants that were killed; fails if that is less than what was asked for."""
    options = _options()
    modules = options.modules or sorted(
        file.stem for file in (ROOT / "policy").glob("*.py") if file.stem not in LEFT_OUT
    )
    found = [(name, mutant) for name in modules for mutant in mutants(_source(name))]
    random.Random(options.seed).shuffle(found)
    chosen = found[: options.sample] if options.sample else found
    print(f"{len(found)} mutants of {', '.join(modules)}; {len(chosen)} are tried", flush=True)
    covered = who_runs_what(ROOT)
    trials = [_trial(name, mutant, covered) for name, mutant in chosen]
    killed = 0
    for number, (trial, is_killed) in enumerate(tried(trials, options.jobs), 1):
        killed += is_killed
        if number % 50 == 0:
            print(f"{killed} of {number}", flush=True)
        if not is_killed:
            print(f"survives: policy/{trial.module}.py:{trial.mutant.line}: {trial.mutant.what}", flush=True)
    share = killed / len(trials)
    print(f"killed {killed} of {len(trials)}: {share:.1%}")
    return 0 if share * 100 >= options.least else 1


def _trial(name: str, mutant: Mutant, covered: Covered) -> Trial:
    return Trial(name, mutant, ROOT / "policy" / f"{name}.py", covered.tests_of(name, mutant.span))


def _source(name: str) -> str:
    return (ROOT / "policy" / f"{name}.py").read_text(encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--sample", type=int, default=0, help="so many, chosen at random; default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=90, help="percentage that has to be killed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
