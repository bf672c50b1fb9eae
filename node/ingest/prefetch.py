"""Runs an iterator ahead of its consumer, in a thread: parsing goes on while the database works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_END = object()
_POLL_SECONDS = 0.1


class _Failure(Generic[Item]):
    def __init__(self, error: BaseException) -> None:
        self.error = error


def prefetch(items: Iterator[Item], depth: int = 2) -> Generator[Item, None, None]:
    """Yield `items` in order, with at most `depth` of them waiting; an error arrives where it happened.

    The thread ends when the consumer stops, also early.
    """
    waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def offer(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer(item):
                    return
            offer(_END)
        except BaseException as error:
            offer(_Failure(error))

    thread = threading.Thread(target=produce, name="verbund-prefetch", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
