"""The protocol graphql-transport-ws, from the server's side: messages in, what is to be done out. Pure.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

import msgspec
import orjson

from node.http.question import Question

SUBPROTOCOL = "graphql-transport-ws"
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
DUPLICATE = 4409
TOO_MANY_INITS = 4429
TOO_SLOW = 4504
MOST_OPERATIONS = 100
MAX_REASON = 120  # bytes of a close frame's reason are 123 (RFC 6455, 5.5)

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Init(msgspec.Struct, tag="connection_init"):
    payload: dict[str, Any] | None = None


class _Ping(msgspec.Struct, tag="ping"):
    payload: dict[str, Any] | None = None


class _Pong(msgspec.Struct, tag="pong"):
    payload: dict[str, Any] | None = None


class _Subscribe(msgspec.Struct, tag="subscribe"):
    id: _Id
    payload: Question


class _Complete(msgspec.Struct, tag="complete"):
    id: _Id


_Message = msgspec.json.Decoder(_Init | _Ping | _Pong | _Subscribe | _Complete)


@dataclass(frozen=True, slots=True)
class Say:
    """Send this message."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Greet:
    """Find out who it is, from the payload; then `acknowledge`."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Execute an operation."""

    id: str
    question: Question


@dataclass(frozen=True, slots=True)
class Stop:
    """End an operation: nobody wants more of it."""

    id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection."""

    code: int
    reason: str


Action = Say | Greet | Start | Stop | Close


class _Phase(Enum):
    NEW = 1
    GREETING = 2
    READY = 3
    OVER = 4


@dataclass(slots=True)
class Conversation:
    """One connection. `operations` are those under way."""

    operations: set[str] = field(default_factory=set)
    _phase: _Phase = _Phase.NEW

    def received(self, text: str | None) -> Iterator[Action]:
        """What a message leads to; None for one that is not text. After `Close` nothing does."""
        if self._phase is _Phase.OVER:
            return
        try:
            message = _Message.decode(text) if text is not None else None
        except (msgspec.DecodeError, RecursionError) as error:
            yield self._close(BAD_MESSAGE, f"the message can't be read: {error}")
            return
        match message:
            case None:
                yield self._close(BAD_MESSAGE, "messages are text")
            case _Ping():
                yield Say(b'{"type":"pong"}')
            case _Pong():
                pass
            case _Init():
                yield self._greeted(message)
            case _Subscribe():
                yield self._subscribed(message)
            case _Complete() if message.id in self.operations:
                self.operations.discard(message.id)
                yield Stop(message.id)

    def acknowledge(self) -> Iterator[Action]:
        """The caller is known."""
        if self._phase is _Phase.GREETING:
            self._phase = _Phase.READY
            yield Say(b'{"type":"connection_ack"}')

    def is_late(self) -> Iterator[Action]:
        """The time for `connection_init` is over."""
        if self._phase is _Phase.NEW:
            yield self._close(INIT_TIMEOUT, "connection_init did not come in time")

    def result(self, id_: str, payload: bytes) -> Iterator[Action]:
        """A result of an operation; nothing if the client has ended it meanwhile."""
        if self._phase is _Phase.READY and id_ in self.operations:
            yield Say(b'{"id":' + orjson.dumps(id_) + b',"type":"next","payload":' + payload + b"}")

    def refuse(self, id_: str, errors: list[dict[str, Any]]) -> Iterator[Action]:
        """An operation that is not begun."""
        if self._ends(id_):
            yield Say(orjson.dumps({"id": id_, "type": "error", "payload": errors}))

    def complete(self, id_: str) -> Iterator[Action]:
        """An operation has come to its end."""
        if self._ends(id_):
            yield Say(orjson.dumps({"id": id_, "type": "complete"}))

    def close(self, code: int, reason: str) -> Iterator[Action]:
        """End it from our side."""
        if self._phase is not _Phase.OVER:
            yield self._close(code, reason)

    def _greeted(self, message: _Init) -> Action:
        if self._phase is not _Phase.NEW:
            return self._close(TOO_MANY_INITS, "connection_init came twice")
        self._phase = _Phase.GREETING
        return Greet(message.payload or {})

    def _subscribed(self, message: _Subscribe) -> Action:
        if self._phase is not _Phase.READY:
            return self._close(UNAUTHORIZED, "wait for connection_ack before you subscribe")
        if message.id in self.operations:
            return self._close(DUPLICATE, f"there is an operation {message.id} already")
        if len(self.operations) >= MOST_OPERATIONS:
            return self._close(BAD_MESSAGE, f"more than {MOST_OPERATIONS} operations at once")
        self.operations.add(message.id)
        return Start(message.id, message.payload)

    def _ends(self, id_: str) -> bool:
        is_known = self._phase is _Phase.READY and id_ in self.operations
        self.operations.discard(id_)
        return is_known

    def _close(self, code: int, reason: str) -> Close:
        self._phase = _Phase.OVER
        self.operations.clear()
        return Close(code, reason.encode()[:MAX_REASON].decode("utf-8", "ignore"))
