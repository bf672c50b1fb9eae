"""The demo's web server for what its anchor publishes: static files, as any web server would serve them."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from federation.trust.anchor import FETCH_PATH
from federation.trust.site import statement_path


class StaticSite:
    """Serves a directory on 127.0.0.1 from a thread of this process."""

    def __init__(self, directory: Path, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(directory)))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        """A file; `/federation/fetch?sub=` is one of them, too."""
        url = urlsplit(self.path)
        if url.path == FETCH_PATH and (subject := parse_qs(url.query).get("sub")):
            self.path = statement_path(subject[0]).replace("%", "%25")
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
