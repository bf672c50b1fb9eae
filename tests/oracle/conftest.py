"""Both implementations over one database. A thorough run: `pytest tests/oracle --hypothesis-profile=thorough`."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import settings

from node.store import parameters
from node.store.pool import make_pool
from node.store.reading_role import ENTER
from node.store.sessions import Sessions
from tests.oracle.both import Both
from tests.oracle.database import Database
from tests.oracle.real import RealNode

STATEMENT_MS = 10_000

settings.register_profile("thorough", max_examples=5_000, derandomize=False)


@pytest.fixture(autouse=True, scope="module")
def both_forms_of_sets():
    """Sets of more than two datasets are large here, so that arrays and bit strings are both tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameters, "FEW", 2)
        yield


@pytest.fixture
async def agree(database_url):
    """`agree(world, case, caller)` fails if the two do not answer alike."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        async with (
            make_pool(database_url, size=2, statement_ms=STATEMENT_MS) as pool,
            Sessions(database_url, size=4, statement_ms=STATEMENT_MS, name="read", on_open=[ENTER]) as reading,
            Sessions(database_url, size=1, statement_ms=STATEMENT_MS, name="log") as logging,
        ):
            yield Both(RealNode(pool, reading, logging), Database(connection)).agree
