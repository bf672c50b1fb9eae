"""What came of asking several cities for one root field: the answer, who gave what, and what is recorded of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from federation.report import CityReport, State, too_slow
from node.gate.decisions import Ruling
from node.gate.records import Recorder
from node.store.reader import Page, Part
from schema.errors import RequestError, TooCostly

T = TypeVar("T")
WithLogs = Callable[[Sequence[CityReport]], list[CityReport]]  # adds what is known of each city's access log


@dataclass(frozen=True, slots=True)
class OwnShare:
    """What this city gave, the ruling it was read under, and how many of its rows are in the answer."""

    found: Page | Part
    ruling: Ruling
    rows: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """An answer of several cities. It is not one caller's: each who asked for it has records of their own.

    `reports` has all cities that were meant, `sizes` the bytes that each asked one sent. `error` is told instead of the
    answer, once it is recorded who was asked.
    """

    answer: bytes
    reports: Sequence[CityReport]
    own: OwnShare | None
    sizes: Mapping[str, int]
    error: RequestError | None = None

    async def record(self, recorder: Recorder) -> None:
        """Record each city's share for one caller."""
        await recorder.answered(self.answer)
        if self.own is not None:
            recorder.own_page(self.own.found, self.own.ruling, rows=self.own.rows, size=len(self.answer))
        for report in self.reports:
            if report.city in self.sizes:
                recorder.peer(report, self.sizes[report.city])
        if not recorder.records:
            recorder.nobody(len(self.answer))


async def own_part(
    city: str, deadline: float, reading: Coroutine[Any, Any, T]
) -> tuple[T | None, CityReport | None, RequestError | None]:
    """This city's part; or why it has none: a report as peers have one, or an error that is told at the end.

    Peers that were asked meanwhile have records of it, so the error waits for this node's.
    """
    try:
        async with asyncio.timeout_at(deadline):
            return await reading, None, None
    except TimeoutError:
        return None, too_slow(city), None
    except TooCostly as error:
        return None, CityReport(city, State.TOO_COSTLY, reason=error.message), error
    except RequestError as error:
        return None, None, error
