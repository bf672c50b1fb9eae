"""The access log: what it costs, how fast it is verified and searched, what survives when processes are killed.

`make bench-log ARGS="--cost --verify --filters --kill"`; all of them without arguments. `--kill=200` says how often.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

DEFAULT = ("cost", "verify", "filters", "kill")


def main(options: list[str] | None = None) -> None:
    """Run those that are named, with `--` before them."""
    from tests.bench.log import cost, filters, killing, verify

    wanted = [option.removeprefix("--") for option in options or [f"--{name}" for name in DEFAULT]]
    for name in wanted:
        kind, _, number = name.partition("=")
        with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
            folder = Path(directory)
            match kind:
                case "cost":
                    cost.main(folder)
                case "verify":
                    verify.main(folder, int(number or 1_000_000))
                case "filters":
                    filters.main(folder, int(number or 10_000_000))
                case "kill":
                    killing.main(folder, int(number or 200))
                case _:
                    raise SystemExit(f"{name}: there are --{', --'.join(DEFAULT)}")
