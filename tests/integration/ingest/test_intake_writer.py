"""The intake's connection ends with the intake, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

from node.ingest.intake import writer as module
from node.ingest.intake.writer import IntakeWriter
from schema.errors import Unavailable


async def test_who_is_cancelled_leaves_no_connection_behind(database_url, monkeypatch):
    opened: list[psycopg.Connection] = []
    is_opening, may_open = threading.Event(), threading.Event()
    connect = module.connect

    def slowly(*arguments, **options):
        is_opening.set()
        assert may_open.wait(20)
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(module, "connect", slowly)
    async with IntakeWriter(database_url) as writer:
        asked = asyncio.create_task(writer.datastreams(["nichts"]))
        assert await asyncio.to_thread(is_opening.wait, 20)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        asyncio.get_running_loop().call_later(0.05, may_open.set)  # the thread is still at it when the writer ends
    assert [connection.closed for connection in opened] == [True]
    with pytest.raises(Unavailable):
        await writer.datastreams(["nichts"])
    assert len(opened) == 1
