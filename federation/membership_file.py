"""The membership list on disk, reread when it changes.

A new list that can't be accepted never replaces a good one: the good one is served until it ends, and then none. While
the node runs an older list never replaces a newer one either.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from federation.errors import MembershipError
from federation.membership import Membership, expired, verify_membership

log = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
RETRY_EVERY_S = 30.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_Stamp = tuple[tuple[int, int, int] | None, ...]


class MembershipFile:
    """Serves the list in `path`, signed by a key in `anchor_path` (JWKS).

    Members without TLS are refused, except on this machine, unless `allow_plain_http` is set. `current` costs a
    dictionary look-up, and two `stat` calls a second.
    """

    def __init__(
        self,
        path: Path,
        anchor_path: Path,
        *,
        allow_plain_http: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._anchor_path = anchor_path
        self._allow_plain_http = allow_plain_http
        self._now = now
        self._monotonic = monotonic
        self._next_check = float("-inf")
        self._stamp: _Stamp | None = None
        self._served: Membership | None = None
        self._retry_at = float("inf")
        self._problem = ""

    def current(self) -> Membership:
        """The list that is valid now.

        Raises:
            MembershipError: there is none; the reason says why.
        """
        self._reload_if_changed()
        if self._served is None:
            raise MembershipError(self._problem)
        if self._served.expires_at <= self._now():
            raise MembershipError(expired(self._served.expires_at))
        return self._served

    def _reload_if_changed(self) -> None:
        tick = self._monotonic()
        if tick < self._next_check:
            return
        self._next_check = tick + CHECK_EVERY_S
        stamp = tuple(_stamp(path) for path in (self._path, self._anchor_path))
        if stamp == self._stamp and tick < self._retry_at:
            return
        self._stamp, self._retry_at = stamp, float("inf")
        try:
            self._take(self._read())
            self._problem = ""
        except MembershipError as error:
            self._retry_at = tick + RETRY_EVERY_S  # time alone may cure it: a list from a clock ahead of ours
            if error.reason != self._problem:
                log.warning("membership list %s is not taken over: %s", self._path, error.reason)
            self._problem = error.reason

    def _take(self, read: Membership) -> None:
        if self._served is not None and read.issued_at < self._served.issued_at:
            raise MembershipError(f"it was issued before the one in use ({self._served.issued_at:%Y-%m-%d %H:%M:%SZ})")
        self._served = read
        log.info("membership list with %d members, digest %s", len(read.members), read.digest)

    def _read(self) -> Membership:
        token = _bytes(self._path, "put the signed list of the anchor there")
        anchor = _bytes(self._anchor_path, "put the anchor's public key set there")
        try:
            jwks = json.loads(anchor)
        except (ValueError, RecursionError):
            raise MembershipError(f"{self._anchor_path.name} is not JSON: put the anchor's key set there") from None
        membership = verify_membership(token, jwks, self._now())
        for member in membership.members:
            url = urlsplit(member.issuer)
            if url.scheme == "http" and url.hostname not in LOOPBACK and not self._allow_plain_http:
                raise MembershipError(f"member {member.id} is not encrypted ({member.issuer}): it must use https")
        return membership


def _bytes(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MembershipError(f"{path.name} can't be read ({error.strerror}): {remedy}") from None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
