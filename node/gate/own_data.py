"""This city's own rows, read under a ruling that is still in force when they are read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from federation.report import CityReport, State
from node.gate.decisions import Decisions, Ruling
from node.store.arrivals import Arrivals
from node.store.parameters import ACCESS_LOG
from node.store.reader import Page, Part, Reader, Single
from policy.model import Action, Caller
from schema.cursor import Position
from schema.errors import Unavailable
from schema.selection import Field

RETRIES = 3
OBSERVATIONS = frozenset({"observations", "series", "aggregate", "newObservations"})


class OwnPage(msgspec.Struct, frozen=True):
    """A page, the ruling it was read under, and this city's row of the report (its rows not yet counted)."""

    page: Page
    ruling: Ruling
    report: CityReport


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A part, the ruling it was read under, and this city's row of the report (its rows not yet counted)."""

    part: Part
    ruling: Ruling
    report: CityReport


class OwnObject(msgspec.Struct, frozen=True):
    """One object, or none within the ruling."""

    found: Single
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class OwnBatch:
    """What has arrived, the rows of it (None: no arrivals), the ruling, and this city's row of the report."""

    arrivals: Arrivals
    page: Page | None
    ruling: Ruling
    report: CityReport


class OwnData:
    """Reads what the rules permit; if the rules changed meanwhile, reads again."""

    def __init__(self, city: str, reader: Reader, decisions: Decisions) -> None:
        self._city = city
        self._reader = reader
        self._decisions = decisions

    async def page(self, caller: Caller, field: Field, start: Position | None) -> OwnPage:
        """A page of a list.

        Raises:
            RequestError: as `Reader.page`; Unavailable if the rules keep changing.
        """
        began = time.perf_counter()
        ruling = await self._decisions.ruling(caller, action_of(field))
        for _ in range(RETRIES):
            page = await self._reader.page(field, ruling.scope, start)
            if page.epoch == ruling.epoch:
                return OwnPage(page, ruling, self._report(ruling, page, began))
            ruling = await self._decisions.ruling(caller, action_of(field), stale=ruling.epoch)
        raise _restless()

    async def part(self, caller: Caller, field: Field) -> OwnPart:
        """This city's part of a result; raises as `page`."""
        began = time.perf_counter()
        ruling = await self._decisions.ruling(caller, action_of(field))
        for _ in range(RETRIES):
            part = await self._reader.parts(field, ruling.scope)
            if part.epoch == ruling.epoch:
                return OwnPart(part, ruling, self._report(ruling, part, began))
            ruling = await self._decisions.ruling(caller, action_of(field), stale=ruling.epoch)
        raise _restless()

    async def batch(self, caller: Caller, field: Field, after: int | None) -> OwnBatch:
        """What has arrived after a position (None: the start); raises as `page`."""
        began = time.perf_counter()
        ruling = await self._decisions.ruling(caller, action_of(field))
        for _ in range(RETRIES):
            arrivals = await self._reader.arrivals(field, ruling.scope, after)
            page = None
            if arrivals.found is not None:
                page = await self._reader.arrived(field, ruling.scope, arrivals.found)
            if arrivals.epoch == ruling.epoch and (page is None or page.epoch == ruling.epoch):
                told = ruling.grant.obligations_for(page.datasets if page else frozenset(ruling.grant.obligations))
                took = (time.perf_counter() - began) * 1000
                version = ruling.grant.policy_version
                report = CityReport(
                    self._city,
                    State.OK,
                    took_ms=took,
                    as_of=datetime.now(UTC),
                    policy_version=version,
                    obligations=told,
                )
                return OwnBatch(arrivals, page, ruling, report)
            ruling = await self._decisions.ruling(caller, action_of(field), stale=ruling.epoch)
        raise _restless()

    async def object(self, caller: Caller, field: Field, key: str) -> OwnObject:
        """One object by its key; raises as `page`."""
        ruling = await self._decisions.ruling(caller, action_of(field))
        for _ in range(RETRIES):
            found = await self._reader.single(field, ruling.scope, key)
            if found.epoch == ruling.epoch:
                return OwnObject(found, ruling)
            ruling = await self._decisions.ruling(caller, action_of(field), stale=ruling.epoch)
        raise _restless()

    def check(self, field: Field) -> None:
        """Check the arguments of a root field without reading. Raises BadInput."""
        self._reader.check(field)

    @property
    def answer_bytes(self) -> int:
        """Largest answer to one root field."""
        return self._reader.limits.answer_bytes

    def _report(self, ruling: Ruling, found: Page | Part, began: float) -> CityReport:
        took = (time.perf_counter() - began) * 1000
        grant = ruling.grant
        # if everything is hidden, that is told as well
        told = grant.obligations_for(found.datasets or frozenset(grant.obligations))
        return CityReport(
            self._city, State.OK, took_ms=took, as_of=found.as_of, policy_version=grant.policy_version, obligations=told
        )

    async def log_page(self, field: Field, start: Position | None) -> Page:
        """A page of the access log, which belongs to no dataset."""
        return await self._reader.page(field, ACCESS_LOG, start)


def action_of(field: Field | None) -> Action:
    """What a root field does."""
    is_observed = field is not None and field.name in OBSERVATIONS
    return Action.READ_OBSERVATIONS if is_observed else Action.READ_CATALOG


def _restless() -> Unavailable:
    return Unavailable("the rules change faster than an answer can be made")
