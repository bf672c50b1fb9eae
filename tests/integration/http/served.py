"""An application behind the node's HTTP protocol, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from node.http.protocol import BoundedProtocol


@contextlib.asynccontextmanager
async def serving(application: Any) -> AsyncIterator[int]:
    """The port at which it is served."""
    config = uvicorn.Config(
        application, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening, contextlib.suppress(asyncio.CancelledError):
        listening.bind(("127.0.0.1", 0))
        served = asyncio.ensure_future(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = server.force_exit = True
        await served
