"""Run the application on uvicorn: one process per worker, this one supervises."""

from __future__ import annotations

import os
from contextlib import ExitStack

from uvicorn import Config
from uvicorn.supervisors import Multiprocess

from node.http.protocol import BoundedProtocol
from node.settings import Settings, hand_over, keep_large_blocks
from node.telemetry.scrape import counts_directory, serve_metrics

GRACE_S = 10
KEEP_ALIVE_S = 75  # longer than clients and gateways keep a connection, so that none sends into one that closes


def run_server(settings: Settings, database_url: str) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished. A worker that dies or hangs is replaced."""
    keep_large_blocks()
    hand_over(home=str(settings.home), database_url=database_url)
    config = Config(
        "node.app:from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            directory = counts_directory(settings.home, os.getpid())
            stack.enter_context(serve_metrics(settings.metrics_host, settings.metrics_port, directory))
        Multiprocess(config, sockets=[config.bind_socket()]).run()
