"""Run the application on granian: one process per worker, this one supervises."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from node.settings import Settings, hand_over

GRACE_S = 10
HEADER_TIMEOUT_MS = 10_000


def run_server(settings: Settings, database_url: str) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished."""
    hand_over(home=str(settings.home), database_url=database_url)
    Granian(
        "node.app:from_environment",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop=Loops.uvloop,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        log_level=LogLevels(settings.log_level),
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_S,
    ).serve()
