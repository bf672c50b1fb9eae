"""A process that checks signatures and does nothing else: each comes as SIZE bytes, its verdict goes back as one.

It ends when the other end of its socket is closed, whatever became of who had it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from federation.es256 import SIZE, Signature, holds

CHUNK = 256 * SIZE


def serve(connection: socket.socket) -> None:
    """Answer until the connection ends."""
    pending = b""
    while data := connection.recv(CHUNK):
        pending += data
        whole = len(pending) - len(pending) % SIZE
        verdicts = (holds(Signature.from_bytes(pending[at : at + SIZE])) for at in range(0, whole, SIZE))
        connection.sendall(bytes(verdicts))
        pending = pending[whole:]


if __name__ == "__main__":
    if hasattr(os, "SCHED_BATCH"):  # it must not push the event loop, which woke it, from its core
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the node's, which finishes its requests
    with socket.socket(fileno=int(sys.argv[1])) as handed:
        serve(handed)
