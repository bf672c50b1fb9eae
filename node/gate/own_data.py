"""This city's own rows, read under a ruling that is still in force when they are read."""

from __future__ import annotations

import time
from dataclasses import dataclass

from federation.report import CityReport, State
from node.gate.decisions import Decisions, Ruling
from node.store.parameters import NOTHING
from node.store.reader import Page, Reader, Single
from policy.model import Action, Caller
from schema.cursor import Position
from schema.errors import Unavailable
from schema.selection import Field

RETRIES = 3


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page, the ruling it was read under, and this city's row of the report (its rows not yet counted)."""

    page: Page
    ruling: Ruling
    report: CityReport


@dataclass(frozen=True, slots=True)
class OwnObject:
    """One object, or none within the ruling."""

    found: Single
    ruling: Ruling


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
        ruling = await self._decisions.ruling(caller, _action(field))
        for _ in range(RETRIES):
            page = await self._reader.page(field, ruling.scope, start)
            if page.epoch == ruling.epoch:
                took = (time.perf_counter() - began) * 1000
                version = ruling.grant.policy_version
                report = CityReport(self._city, State.OK, took_ms=took, as_of=page.as_of, policy_version=version)
                return OwnPage(page, ruling, report)
            ruling = await self._decisions.ruling(caller, _action(field), stale=ruling.epoch)
        raise _restless()

    async def object(self, caller: Caller, field: Field, key: str) -> OwnObject:
        """One object by its key; raises as `page`."""
        ruling = await self._decisions.ruling(caller, _action(field))
        for _ in range(RETRIES):
            found = await self._reader.single(field, ruling.scope, key)
            if found.epoch == ruling.epoch:
                return OwnObject(found, ruling)
            ruling = await self._decisions.ruling(caller, _action(field), stale=ruling.epoch)
        raise _restless()

    def check(self, field: Field) -> None:
        """Check a list's arguments without reading. Raises BadInput."""
        self._reader.check(field)

    async def log_page(self, field: Field, start: Position | None) -> Page:
        """A page of the access log, which belongs to no dataset."""
        return await self._reader.page(field, NOTHING, start)


def _action(field: Field) -> Action:
    return Action.READ_OBSERVATIONS if field.name == "observations" else Action.READ_CATALOG


def _restless() -> Unavailable:
    return Unavailable("the rules change faster than an answer can be made")
