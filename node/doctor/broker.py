"""Whether the broker that sensors publish to lets this node in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

from node.doctor.finding import Finding, failed, ok
from node.settings import Settings, SettingsError

CHECK = "broker"
TIMEOUT_S = 5.0


def examine(settings: Settings) -> Iterator[Finding]:
    """A row, if there is a broker."""
    if settings.mqtt_url is not None:
        yield asyncio.run(_reached(settings))


async def _reached(settings: Settings) -> Finding:
    import aiomqtt

    from node.ingest.intake.broker import broker_of

    try:
        broker = broker_of(settings)
    except SettingsError as error:
        return failed(CHECK, str(error), "put the file there, readable by the node")
    assert broker is not None
    try:
        # another id than the node's, whose session it would take over
        async with broker.client(f"{broker.client_id}-doctor-{os.getpid()}", timeout=TIMEOUT_S):
            return ok(CHECK, "lets this node in")
    except (aiomqtt.MqttError, OSError) as error:
        remedy = "start it, or correct mqtt_url and its password: until then what sensors publish waits there"
        return failed(CHECK, f"{settings.mqtt_url}: {error}", remedy, passing=True)
