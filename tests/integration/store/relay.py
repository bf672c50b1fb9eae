"""A socket between a node and PostgreSQL that can stop to read, and then die as a server does: last words, and a reset."""

from __future__ import annotations

import selectors
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType

from psycopg.conninfo import conninfo_to_dict, make_conninfo

LAST_WORDS = b"SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
PAUSE_S = 0.01


class Relay:
    """Hands bytes on between the sockets of one directory and the server of `database_url`, in a thread."""

    def __init__(self, database_url: str) -> None:
        parts = conninfo_to_dict(database_url)
        self._server = str(Path(str(parts["host"])) / ".s.PGSQL.5432")
        self._directory = tempfile.TemporaryDirectory(prefix="vb-")
        self.url = make_conninfo(database_url, host=self._directory.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._directory.name) / ".s.PGSQL.5432"))
        self._listener.listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._is_paused = self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self._thread.join()
        self._drop(b"")
        self._selector.close()
        self._listener.close()
        self._directory.cleanup()

    def pause(self) -> None:
        """From now on nothing is read."""
        with self._lock:
            self._is_paused = True

    def die(self) -> None:
        """All connections end, with what they sent unread; new ones are served."""
        with self._lock:
            self._drop(b"E" + (len(LAST_WORDS) + 4).to_bytes(4) + LAST_WORDS)
            self._is_paused = False

    def _drop(self, last: bytes) -> None:
        for client, server in self._pairs:
            if last:
                client.sendall(last)
            for end in (client, server):
                if end in self._selector.get_map():
                    self._selector.unregister(end)
                end.close()
        self._pairs.clear()

    def _run(self) -> None:
        while not self._is_over:
            with self._lock:
                if not self._is_paused:
                    for key, _ in self._selector.select(0):
                        self._serve(key)
            self._selector.select(PAUSE_S)

    def _serve(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._listener:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._pairs.append((client, server))
            self._selector.register(client, selectors.EVENT_READ, server)
            self._selector.register(server, selectors.EVENT_READ, client)
        elif (end := key.fileobj) and isinstance(end, socket.socket):
            data = end.recv(65_536)
            if data:
                key.data.sendall(data)
            else:
                self._selector.unregister(end)
