import threading
import time
from collections.abc import Iterator

import pytest

from node.ingest.prefetch import prefetch


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_items_arrive_in_order() -> None:
    assert list(prefetch(iter(range(1_000)), depth=3)) == list(range(1_000))


def test_it_runs_ahead_but_not_further_than_depth() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = prefetch(items(), depth=2)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert 2 <= len(made) <= 4
    ahead.close()


def test_an_error_arrives_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("broken")

    ahead = prefetch(items())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="broken"):
        next(ahead)


def test_the_thread_ends_when_the_consumer_stops() -> None:
    ahead = prefetch(iter(range(1_000_000)))
    next(ahead)
    assert "verbund-prefetch" in names()
    ahead.close()
    assert "verbund-prefetch" not in names()
