"""Start the prepared cities side by side, and stop them in order."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from node.demo.processes import NodeFailed, NodeProcess
from node.demo.setup import DemoFederation, site_directory
from node.demo.site import StaticSite


@contextmanager
def running(demo: DemoFederation) -> Iterator[Mapping[str, NodeProcess]]:
    """All nodes, ready; they are stopped at the end.

    Raises:
        NodeFailed: a port is taken, or a node does not come up.
    """
    _check_port("127.0.0.1", demo.anchor_port)
    for settings in demo.settings.values():
        _check_port(settings.host, settings.port)
    nodes = {city: NodeProcess(settings) for city, settings in demo.settings.items()}
    site = StaticSite(site_directory(demo.directory), demo.anchor_port)
    site.start()
    try:
        for node in nodes.values():
            node.start()
        for node in nodes.values():
            node.wait_ready()
        yield nodes
    finally:
        site.stop()
        for node in nodes.values():
            node.ask_to_stop()
        for node in nodes.values():
            node.stop()


def watch(nodes: Mapping[str, NodeProcess]) -> None:
    """Wait until a node ends by itself; raises NodeFailed then."""
    while True:
        for city, node in nodes.items():
            if not node.is_running():
                raise NodeFailed(f"{city} ended: see {node.log_file}")
        time.sleep(0.5)


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NodeFailed(
                f"port {port} is taken ({error.strerror}): is another demo running? Stop it first"
            ) from None
