"""Mutation testing of the rules: `python -m tests.mutation [--sample N] [--seed S] [--jobs J] [module …]`.

Each mutant of a module of `policy` is tried against the unit tests of `policy` in a copy of its own. A mutant that no
test notices is printed with its line; at the end comes the share that was killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation.mutate import Mutant, mutants

ROOT = Path(__file__).parents[2]
TESTS = "tests/unit/policy"
LEFT_OUT = {"__init__", "errors", "vocabulary", "agreement_text"}  # nothing is decided there
SLOW = ("test_full_facts.py", "test_properties.py", "test_hiding.py")  # for what the others do not notice
TIMEOUT_S = 300


def main() -> int:
    """Print survivors and the share of mutants that were killed."""
    options = _options()
    modules = options.modules or sorted(
        file.stem for file in (ROOT / "policy").glob("*.py") if file.stem not in LEFT_OUT
    )
    found = [(name, mutant) for name in modules for mutant in mutants(_source(name))]
    random.Random(options.seed).shuffle(found)
    chosen = found[: options.sample] if options.sample else found
    print(f"{len(found)} mutants of {', '.join(modules)}; {len(chosen)} are tried", flush=True)
    killed = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for (name, mutant), is_killed in zip(chosen, pool.map(lambda one: _is_killed(*one), chosen), strict=True):
            killed.append(is_killed)
            if not is_killed:
                print(f"survives: policy/{name}.py:{mutant.line}: {mutant.what}", flush=True)
    print(f"killed {sum(killed)} of {len(killed)}: {sum(killed) / len(killed):.1%}")
    return 0


def _is_killed(name: str, mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        copy = Path(directory)
        for part in ("policy", "tests/unit/policy", "tests/obligations", "pyproject.toml"):
            (copy / part).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, copy / part)
        (copy / "policy" / f"{name}.py").write_text(mutant.text, encoding="utf-8")
        quick = [f"--ignore={TESTS}/{name}" for name in SLOW]
        return _fails(copy, [*quick, TESTS]) or _fails(copy, [f"{TESTS}/{name}" for name in SLOW])


def _fails(copy: Path, tests: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def _source(name: str) -> str:
    return (ROOT / "policy" / f"{name}.py").read_text(encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--sample", type=int, default=0, help="so many, chosen at random; default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
