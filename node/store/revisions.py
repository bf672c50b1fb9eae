"""The revisions of the database's schema that this version of the software knows, by the names of their files.

Without Alembic, which workers need for nothing else: it takes 8 MB. A test compares with what Alembic finds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

_FILE = re.compile(r"(\d{4}_\d{2}_\d{2}_\d{4})_\w+\.py")


def usable_schema(revision: str | None) -> bool:
    """Whether this version of the software can serve a database at `revision`.

    At an older one it can't. What it does not know is newer: migrations only add what the version before can do
    without, so that replicas of two versions serve side by side while one replaces the other.
    """
    return revision is not None and (revision == head_revision() or revision not in revisions())


def head_revision() -> str:
    """The newest revision. Raises RuntimeError if there is none."""
    if not revisions():
        raise RuntimeError("the installation has no migration files: reinstall Verbund")
    return revisions()[-1]


@lru_cache
def revisions() -> tuple[str, ...]:
    """All revisions in order: they are dated and numbered."""
    found = (_FILE.fullmatch(entry.name) for entry in (files("migrations") / "versions").iterdir())
    return tuple(sorted(match[1] for match in found if match))
