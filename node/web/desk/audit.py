"""The auditor's desk: records by filter and over time, one request with both sides and proofs, exports, comparisons."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from node.audit.grammar import Filter, FilterError, read_filter
from node.audit.reconciling import latest_end
from node.audit.timeline import Slot, Step
from node.web.desk.log_work import SUFFIXES, LogWork, NotDone
from node.web.desk.proofs import LogProofs
from node.web.desk.receipts import stated
from node.web.forms import Done, Form
from node.web.pages import Page, Visit
from node.web.portal import Portal, not_found
from node.web.stored import Asker

SHORTCUTS = ("decision:deny", "role:owner", "role:consumer", "state:timeout", "purpose:research", "kind:security")
RECONCILED = timedelta(days=1)
LONGEST = timedelta(days=366)
_PERIOD = re.compile(r"(?:^|\s)(?:after|before):\S+")


class AuditDesk:
    """Views for auditors. Looking is itself recorded."""

    def __init__(self, asker: Asker, portal: Portal, work: LogWork, proofs: LogProofs, city: str) -> None:
        self._asker = asker
        self._portal = portal
        self._work = work
        self._proofs = proofs
        self._city = city

    async def records(self, visit: Visit) -> Page:
        """Records that match the filter in the URL, which is that of `verbund audit list`, and how many over time."""
        text = visit.first("q") or ""
        try:
            wanted, reason = read_filter(text), None
        except FilterError as error:
            wanted, reason = Filter(), error.reason
        answer = await self._asker.ask("audit", visit.caller, filter=wanted.as_argument(), after=visit.first("after"))
        timeline = await self._work.timeline(wanted)
        denials = await self._work.denials(wanted)
        return Page(
            "audit.html",
            {"found": answer},
            facts={
                "filter": text,
                "reason": reason,
                "timeline": None if timeline is None else [_told(slot) for slot in timeline.slots],
                "denials": denials,
            },
            context={
                "shortcuts": SHORTCUTS,
                "step": timeline.step if timeline else Step.DAY,
                "slot_filter": lambda slot: _within(text, slot),
                "denial_filter": _of_denial,
                "forms_of_export": tuple(SUFFIXES),
            },
            status=400 if reason else 200,
        )

    async def trace(self, visit: Visit) -> Page:
        """One request; with `check`, whether its records are in the log, and what the other city's log has of it."""
        answer = await self._asker.ask("trace", visit.caller, trace=visit.parts["trace"])
        records = (answer.data.get("accessLog") or {"nodes": []})["nodes"]
        if not records:
            return not_found()
        checks = sides = None
        if visit.first("check"):
            checks = await self._proofs.check(records)
            sides = {one["id"]: await self._other_side(one) for one in records if one["role"] == "CONSUMER"}
        return Page(
            "audit_trace.html",
            {"found": answer},
            facts={"checks": checks, "otherSides": sides},
            context={
                "members": self._portal.members(),
                "own": self._city,
                "receipts": {one["id"]: stated(one["receipt"]) for one in records},
            },
        )

    async def export(self, visit: Visit, form: Form) -> Done:
        """A file of the records that match; that it was taken is recorded."""
        text = form.first("q")
        try:
            return await self._work.export(visit.caller, text, read_filter(text), form.first("format"))
        except FilterError as error:
            return _not_done(error.reason)
        except NotDone as error:
            return _not_done(str(error))

    async def reconcile(self, visit: Visit) -> Page:
        """Choose a city and a period; then what both logs say of it."""
        now = latest_end()
        city, start, end, reason = visit.first("city"), now - RECONCILED, now, None
        try:
            start, end = _time(visit.first("from")) or start, _time(visit.first("until")) or end
            if not timedelta() < end - start <= LONGEST:
                raise ValueError  # noqa: TRY301
        except (ValueError, OverflowError):
            reason = "PERIOD"
        compared = detail = None
        if city and reason is None:
            try:
                compared = await self._work.reconcile(visit.caller, city, start, end)
            except NotDone as error:
                reason, detail = "NOT_DONE", str(error)
        return Page(
            "audit_reconcile.html",
            facts={
                "city": city,
                "from": start.isoformat(),
                "until": end.isoformat(),
                "reason": reason,
                "asked": compared.asked if compared else None,
                "answered": compared.answered if compared else None,
                "differences": [one._asdict() for one in compared.differences] if compared else None,
            },
            context={
                "members": {id_: one for id_, one in self._portal.members().items() if id_ != self._city},
                "start": start,
                "detail": detail,
            },
            status=200 if reason is None else 400 if reason == "PERIOD" else 502,
        )

    async def _other_side(self, record: dict[str, Any]) -> dict[str, Any]:
        if record["counterpart"] is None:
            return {"reason": "no city was asked", "answered": [], "differences": []}
        try:
            side = await self._work.other_side(record)
        except NotDone as error:
            return {"reason": str(error), "answered": [], "differences": []}
        return {
            "reason": None,
            "answered": [one._asdict() for one in side.answered],
            "differences": [one._asdict() for one in side.differences],
        }


def _told(slot: Slot) -> dict[str, Any]:
    return {
        "start": slot.start.isoformat(),
        "end": slot.end.isoformat(),
        "requests": slot.requests,
        "denied": slot.denied,
    }


def _within(text: str, slot: dict[str, Any]) -> str:
    """The filter, for the time of a slot."""
    times = f"after:{_short(slot['start'])} before:{_short(slot['end'])}"
    return f"{_PERIOD.sub('', text).strip()} {times}".strip()


def _short(time: str) -> str:
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _of_denial(one: dict[str, Any]) -> str:
    """The filter that finds these denials."""
    names = {"city": "city", "application": "application", "purpose": "purpose", "rule": "rule"}
    return " ".join(["decision:deny", *(f'{name}:"{one[key]}"' for key, name in names.items() if one[key])])


def _time(text: str | None) -> datetime | None:
    """Raises ValueError, OverflowError."""
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _not_done(reason: str) -> Page:
    return Page("audit_not_done.html", facts={"reason": reason}, status=409)
