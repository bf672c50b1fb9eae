"""Who keeps the log goes on after an error that nobody foresaw."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from unittest.mock import Mock

import pytest

from node.audit.cosigning import Cosigning
from node.audit.erase import Retention
from node.audit.keeper import LogKeeper
from node.audit.watch import LogWatch
from tests.integration.audit.conftest import KEY
from tests.log import append


async def test_begun_anew_it_sequences_again(connection, database_url):
    keys = iter([KEY, OSError("the keys' directory can't be read")])

    def key():
        found = next(keys, KEY)
        if isinstance(found, OSError):
            raise found
        return found

    year = timedelta(365)
    keeper = LogKeeper(
        database_url, key, "giessen", Mock(), Mock(Cosigning), Mock(LogWatch), Retention(year, year), witness_every_s=60
    )
    append(connection, 3)
    with pytest.raises(OSError, match="keys' directory"):
        await keeper.keep()
    again = asyncio.create_task(keeper.keep())
    try:
        async with asyncio.timeout(30):
            while connection.execute("select size from log_checkpoint").fetchone() != (3,):
                assert not again.done()
                await asyncio.sleep(0.02)
    finally:
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
