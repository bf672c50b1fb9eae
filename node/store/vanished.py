"""A database that vanishes without a word is noticed: its machine lost power, or a firewall forgot the connection.

TCP alone would wait for a quarter of an hour for what was sent, and two hours where nothing was. Meanwhile whoever
waits in line behind such a connection waits, too: the access log, the intake, the sequencer.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit, urlunsplit

PATIENCE = {
    "keepalives_idle": "10",  # seconds
    "keepalives_interval": "5",
    "keepalives_count": "4",
    "tcp_user_timeout": "30000",  # milliseconds
}
"""Parameters of libpq: half a minute in all. They mean nothing for a Unix socket."""


def noticing(database_url: str) -> str:
    """The URL with `PATIENCE`, as far as it does not say how long to wait itself."""
    parts = urlsplit(database_url)
    given = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    more = "&".join(f"{name}={value}" for name, value in PATIENCE.items() if name not in given)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, more)))))
