"""A database URL as the variables that libpq reads: for servers that are told nothing else."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

_NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}


def libpq_environment(database_url: str) -> dict[str, str]:
    """The environment variables."""
    told = conninfo_to_dict(database_url)
    return {_NAMES[name]: str(value) for name, value in told.items() if name in _NAMES and value}
