"""The process that supervises the workers lasts as long as the node, and every town pays for what it holds."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "litestar",
    "strawberry",
    "graphql",
    "sqlalchemy",
    "alembic",
    "websockets",
    "cedarpy",
    "cryptography",
    "psycopg",
)


def test_it_loads_nothing_that_only_workers_need():
    script = f"import node.cli.serve, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
