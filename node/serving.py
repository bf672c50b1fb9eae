"""Run the application on uvicorn: one process per worker, this one supervises."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress

from uvicorn import Config

from node.settings import Settings, hand_over, keep_large_blocks
from node.store.vanished import noticing
from node.supervisor import Supervisor
from node.telemetry.scrape import counts_directory, serve_metrics

log = logging.getLogger("verbund.serve")
GRACE_S = 10
PING_EVERY_S, PONG_S = 20.0, 60.0  # longer than WebSockets' TAKE_S: who takes nothing is told so, not of a lost pong
FILES = 65_536
KEEP_ALIVE_S = 75  # longer than clients and gateways keep a connection, so that none sends into one that closes


class AddressUnusable(Exception):
    """The node can't listen where its settings say; the text names the setting and the remedy."""


def check_address(host: str, port: int, setting: str = "port") -> None:
    """Whether this address can be listened on now: asked before the database is started for it.

    Raises:
        AddressUnusable: it is taken, or none of this machine's, or not for this user.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = (
                f"another program listens there, perhaps a node that runs already: stop it, or set another {setting}"
            )
        else:
            remedy = f"correct {setting.replace('port', 'host')} or {setting}"
        raise AddressUnusable(
            f"{setting}: {host}:{port} can't be listened on ({os.strerror(error.errno or 0)}): {remedy}"
        ) from None


def allow_many_files() -> None:
    """Let this process and those that it starts open so many files, connections among them, if the system lets it.

    Often 1,024 are the default, which is meant for programs that use select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):  # a system with another limit besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run_server(settings: Settings, database_url: str, is_of_use: Callable[[], bool]) -> bool:
    """Serve until SIGINT or SIGTERM; requests under way are finished. A worker that dies or hangs is replaced.

    `is_of_use` is asked when no worker could come up, and says what is wrong. Returns False if that ended it.
    """
    keep_large_blocks()
    allow_many_files()
    hand_over(home=str(settings.home), database_url=noticing(database_url))
    config = server_config(settings)
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            directory = counts_directory(settings.home, os.getpid())
            stack.enter_context(serve_metrics(settings.metrics_host, settings.metrics_port, directory))
        supervisor = Supervisor(config, [config.bind_socket()], is_of_use)
        log.info("%s listens on %s port %s, for %s", settings.city, settings.host, settings.port, settings.issuer)
        supervisor.run()
        log.info("%s has stopped", settings.city)
        return not supervisor.gave_up


def server_config(settings: Settings) -> Config:
    """How uvicorn serves."""
    return Config(
        "node.worker:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="node.http.protocol:BoundedProtocol",  # by name: only workers import them
        ws="node.http.websocket_protocol:BoundedWebSocket",  # on websockets, ADR 0063
        ws_max_size=settings.limits.body_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PONG_S,
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level=None,  # else uvicorn would take the level for itself, and tell tokens at `debug`
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
