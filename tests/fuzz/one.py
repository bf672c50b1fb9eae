"""One target under atheris: `python -m tests.fuzz.one TARGET CORPUS [OPTION OF LIBFUZZER …]`."""

from __future__ import annotations

import random
import sys

import atheris

with atheris.instrument_imports(include=["federation", "node", "schema", "policy"], enable_loader_override=False):
    from tests.fuzz.mutate import mutated
    from tests.fuzz.targets import TARGETS

EVERY = 3  # of three mutations one is ours, which knows what parsers stumble over


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Mistakes of the kinds that we know, or whatever libFuzzer thinks of."""
    if seed % EVERY:
        return atheris.Mutate(data, max_size)
    return mutated(data, random.Random(seed))[:max_size]


def main() -> None:
    """Run until the time is over or there is a fault."""
    name, *options = sys.argv[1:]
    (target,) = [one for one in TARGETS if one.name == name]
    atheris.Setup([sys.argv[0], "-print_final_stats=1", *options], target, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
