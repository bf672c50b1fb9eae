"""The port for traces: the steps of a request as spans. A request that is not recorded pays next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol

Attribute = str | int | float | bool


class Recorder(Protocol):
    """Records the steps of the request in whose context it stands."""

    def span(self, name: str, attributes: Mapping[str, Attribute]) -> AbstractContextManager[None]:
        """A step that lasts as long as the context; it failed if an exception leaves it."""
        ...

    def traceparent(self) -> str:
        """The header that makes what a peer does a part of the current step (W3C Trace Context)."""
        ...


RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def span(name: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """A step of the current request. Attributes never hold what somebody asked for or got."""
    recorder = RECORDER.get()
    return _NOTHING if recorder is None else recorder.span(name, attributes)


def traceparent(otherwise: str) -> str:
    """The header for a peer: the current step's, or that of the request if it is not recorded."""
    recorder = RECORDER.get()
    return otherwise if recorder is None else recorder.traceparent()


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


_NOTHING = _Nothing()
