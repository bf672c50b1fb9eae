"""What can go wrong between cities. `code` is stable, `reason` is a sentence fit for users and leaks nothing."""

from __future__ import annotations


class FederationError(Exception):
    """Root of everything that another city, or the list of cities, can do wrong."""

    code = "FEDERATION_ERROR"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MembershipError(FederationError):
    """The membership list can't be relied on."""

    code = "MEMBERSHIP_INVALID"


class PeerError(FederationError):
    """A peer did not give a usable answer."""

    code = "PEER_ERROR"


class PeerUnreachable(PeerError):
    """No connection, or it broke, or the peer says that it can't serve now.

    `came_to_nothing`: a connection was there, and broke before any byte of the answer came.
    """

    code = "PEER_UNREACHABLE"

    def __init__(self, reason: str, *, came_to_nothing: bool = False) -> None:
        super().__init__(reason)
        self.came_to_nothing = came_to_nothing


class PeerTimeout(PeerError):
    """The peer's whole answer did not arrive before the deadline."""

    code = "PEER_TIMEOUT"


class PeerDenied(PeerError):
    """The peer refused. `error` is its OAuth error code (RFC 6749 §5.2), if it gave one."""

    code = "PEER_DENIED"

    def __init__(self, reason: str, error: str | None = None) -> None:
        super().__init__(reason)
        self.error = error


class PeerIncompatible(PeerError):
    """The peer answered with something that this version can't accept."""

    code = "PEER_INCOMPATIBLE"


class PeerTooCostly(PeerError):
    """The peer says that the question is more than it answers at once."""

    code = "PEER_TOO_COSTLY"


class PeerMisunderstood(PeerIncompatible):
    """The peer says that the question is not one of its schema."""
