"""Start the prepared cities side by side, and stop them in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from node.demo.processes import NodeFailed, NodeProcess
from node.demo.setup import DemoFederation, site_directory
from node.demo.site import StaticSite
from node.serving import AddressUnusable, check_address

AWAY_S = 60.0  # how long a city stays away that somebody has stopped


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


def watch(nodes: Mapping[str, NodeProcess], tell: Callable[[str], None], away_s: float = AWAY_S) -> None:
    """Start cities again that somebody has stopped, `away_s` later; raises NodeFailed when one has ended by itself."""
    due: dict[str, float] = {}
    while True:
        for city, node in nodes.items():
            if node.is_running():
                continue
            if city not in due:
                if not node.was_stopped():
                    raise NodeFailed(f"{city} ended: see {node.log_file}")
                node.stop()
                due[city] = time.monotonic() + away_s
                tell(f"{city} is stopped: ask any other city now. It is started again in {away_s:.0f} s")
            elif time.monotonic() >= due[city]:
                del due[city]
                node.start()
                tell(f"{city} is started again")
        time.sleep(0.2)


def _check_port(host: str, port: int) -> None:
    try:
        check_address(host, port)
    except AddressUnusable:
        raise NodeFailed(f"port {port} is taken: is another demo running? Stop it first") from None
