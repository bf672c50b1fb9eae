"""Make the access records of one root field's answer."""

from __future__ import annotations

import time

from federation.report import CityReport, State
from node.audit.record import CONSUMER, DENY, NONE, OWNER, PERMIT, AccessRecord, operation_digest
from node.gate.decisions import Ruling
from node.store.reader import Page, Part, Single
from schema.ports import Request
from schema.selection import Field

NOT_FOUND = "NOT_FOUND"
_SUBJECTS = {
    "datasets": "dataset",
    "things": "thing",
    "datastreams": "datastream",
    "observations": "observation",
    "series": "observation",
    "aggregate": "observation",
    "datasetFacets": "dataset",
    "accessLog": "log",
}


class Recorder:
    """Collects the records; the gate commits them."""

    def __init__(self, city: str, request: Request, field: Field) -> None:
        self.request = request
        self.records: list[AccessRecord] = []
        self._city = city
        self._field = field
        self._operation = operation_digest(request.document)
        self._began = time.perf_counter()

    def own_page(self, page: Page | Part, ruling: Ruling, *, rows: int, size: int) -> None:
        """Rows of this city left, or would have; datasets that were named but denied get a record of their own."""
        decision = PERMIT if ruling.grant.datasets else DENY
        self._own(page.datasets, ruling, decision, State.OK.value, rows, size)
        if page.denied:
            self._own(page.denied, ruling, DENY, NOT_FOUND, 0, 0)

    def own_object(self, found: Single, ruling: Ruling) -> None:
        """One object of this city was asked for by its id."""
        if found.json is not None:
            self._own(found.datasets, ruling, PERMIT, State.OK.value, 1, len(found.json))
        else:
            self._own(found.denied, ruling, DENY if found.denied else NONE, NOT_FOUND, 0, 0)

    def peer(self, report: CityReport, size: int, datasets: tuple[str, ...] = ()) -> None:
        """Another city was asked; it decides and keeps a record under the same trace."""
        self._add(
            CONSUMER,
            report.city,
            datasets,
            NONE,
            (),
            report.policy_version or "",
            report.state.value,
            report.rows,
            size,
            report.receipt,
        )

    def log_page(self, page: Page, size: int) -> None:
        """Somebody looked at the access log."""
        self._add(OWNER, None, (), PERMIT, ("scope/audit:read",), "", State.OK.value, page.rows, size)

    def nobody(self, size: int) -> None:
        """No city could have a match, so none was asked."""
        self._add(OWNER, self.request.caller.peer, (), NONE, (), "", State.SKIPPED.value, 0, size)

    def _own(self, keys: frozenset[str], ruling: Ruling, decision: str, state: str, rows: int, size: int) -> None:
        rules = ruling.grant.rules_for(keys) if decision == PERMIT else ruling.refusals(keys)
        datasets = tuple(f"{self._city}:dataset:{key}" for key in sorted(keys))
        version = ruling.grant.policy_version
        if self.request.evidence is not None:
            self.request.evidence.policy_version = version
        self._add(OWNER, self.request.caller.peer, datasets, decision, rules, version, state, rows, size)

    def _add(
        self,
        role: str,
        counterpart: str | None,
        datasets: tuple[str, ...],
        decision: str,
        rules: tuple[str, ...],
        policy_version: str,
        state: str,
        rows: int,
        size: int,
        receipt: str | None = None,
    ) -> None:
        self.records.append(
            AccessRecord(
                role=role,
                caller=self.request.caller,
                counterpart=counterpart,
                trace_id=self.request.trace_id,
                field=self._field.name,
                subject=_SUBJECTS.get(self._field.name, self._field.name),
                operation=self._operation,
                datasets=datasets,
                decision=decision,
                rules=rules,
                policy_version=policy_version,
                state=state,
                rows=rows,
                bytes=size,
                took_ms=(time.perf_counter() - self._began) * 1000,
                receipt=receipt,
            )
        )
