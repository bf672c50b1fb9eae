"""Errors that callers are meant to see, each with a stable code and a hint.

    RequestError
    ├── BadInput        the request can't be understood; the message names the field, the value and the remedy
    ├── TooCostly       a limit is exceeded
    ├── NotFound        it does not exist for this caller
    ├── Forbidden       the token lacks a scope
    ├── Incomplete      `require` is not met
    ├── Ended           the token of a subscription ended before it
    ├── TooMany         there is no room for another subscription
    ├── CityUnavailable the one city that could answer did not
    └── Unavailable     this node can't answer now; nothing of the answer leaves

Whatever else goes wrong is answered as `INTERNAL` without details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policy.errors import Flaw


class RequestError(Exception):
    """Something the caller may know. `hint` tells what to do."""

    code = "BAD_REQUEST"
    hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None, city: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.hint
        self.city = city


class BadInput(RequestError):
    """An argument can't be used. `flaws` is what `extensions.fields` says: each field that is wrong."""

    code = "BAD_INPUT"

    def __init__(
        self, message: str, *, hint: str | None = None, city: str | None = None, flaws: Sequence[Flaw] = ()
    ) -> None:
        super().__init__(message, hint=hint, city=city)
        self.flaws = tuple(flaws)


class TooCostly(RequestError):
    """The document asks for more than the limits allow. If it is the cost, `cost` is what `extensions.cost` says."""

    code = "TOO_COSTLY"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        city: str | None = None,
        cost: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, city=city)
        self.cost = cost


class NotFound(RequestError):
    """Absent and forbidden look the same."""

    code = "NOT_FOUND"
    hint = "check the id; data of the shared tier needs a token with a purpose that an agreement allows"


class Forbidden(RequestError):
    """The caller lacks a scope that the schema names."""

    code = "FORBIDDEN"


class Incomplete(RequestError):
    """Cities did not answer, and the caller required that they do."""

    code = "INCOMPLETE"
    hint = "ask again, or accept gaps with require: BEST_EFFORT"


class Ended(RequestError):
    """A subscription's token has expired, or was revoked."""

    code = "UNAUTHENTICATED"
    hint = "get a new token and go on with the last cursor as `after`"


class TooMany(RequestError):
    """More subscriptions than there may be."""

    code = "TOO_MANY"
    hint = "end a subscription, or name more datastreams in one"


class CityUnavailable(RequestError):
    """The owner of what was asked for did not answer; `state` is that of the federation report."""

    code = "CITY_UNAVAILABLE"
    hint = "ask again later"

    def __init__(self, city: str, state: str, reason: str) -> None:
        super().__init__(f"{city} did not answer ({state}): {reason}", city=city)
        self.state = state


class Unavailable(RequestError):
    """No data leaves: the database or the access log can't be reached."""

    code = "UNAVAILABLE"
    hint = "ask again in a few seconds"


class Unauthenticated(Exception):
    """The caller is not who it says, so no field of the request is answered. Not an error of one field."""
