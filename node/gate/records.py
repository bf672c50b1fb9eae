"""Make the access records of one root field's answer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator

from federation.beside import sha256_of
from federation.report import CityReport, State
from node.audit.record import CONSUMER, DENY, NONE, OWNER, PERMIT, AccessRecord, action_of, operation_digest
from node.gate.decisions import Ruling
from node.store.reader import Page, Part, Single
from policy.explanation import Explanation
from schema.ports import Request
from schema.selection import TYPENAME, Field

NOT_FOUND = "NOT_FOUND"
OPEN_TIER = "open-tier"
REMEMBERED = 512
_SUBJECTS = {
    "datasets": "dataset",
    "things": "thing",
    "datastreams": "datastream",
    "observations": "observation",
    "newObservations": "observation",
    "series": "observation",
    "aggregate": "observation",
    "datasetFacets": "dataset",
    "accessLog": "log",
    "explain": "dataset",
}


class Recorder:
    """Collects the records; the gate commits them."""

    def __init__(self, city: str, request: Request, field: Field) -> None:
        self.request = request
        self.records: list[AccessRecord] = []
        self._city = city
        self._field = field
        self._operation = operation_digest(request.document)
        self._action = action_of(request.caller, _SUBJECTS.get(field.name, field.name))
        self._fields = paths_of(field)
        self._response: bytes | None = None
        self._began = time.perf_counter()

    async def answered(self, value: bytes | None) -> None:
        """What the answer is, where another city gets it: records keep its digest. Call it before they are made."""
        if self.request.evidence is not None:
            self._response = await sha256_of(value or b"null")

    def own_page(self, page: Page | Part, ruling: Ruling, *, rows: int, size: int) -> None:
        """Rows of this city left, or would have; datasets that were named but denied get a record of their own."""
        decision = PERMIT if ruling.grant.datasets else DENY
        self._own(page.datasets, ruling, decision, State.OK.value, rows, size)
        if page.denied:
            self._own(page.denied, ruling, DENY, NOT_FOUND, 0, 0)

    def own_batch(self, page: Page | None, denied: frozenset[str], ruling: Ruling, size: int) -> None:
        """Observations left as they arrived, or somebody begins to wait for them; or nothing may leave."""
        if denied:
            self._own(denied, ruling, DENY, NOT_FOUND, 0, 0)
        else:
            self._own(
                page.datasets if page else frozenset(), ruling, PERMIT, State.OK.value, page.rows if page else 0, size
            )

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
            obligations=report.obligations,
            receipt=report.receipt,
            request=report.request,
            response=report.response,
        )

    def explained(self, version: str, found: Iterable[Explanation]) -> None:
        """What the rules say of this city's datasets was told. Named are those that not everybody sees."""
        permitted = [one for one in found if one.decision.permit]
        keys = sorted({key for one in permitted if one.decision.rules != (OPEN_TIER,) for key in one.datasets})
        rules = tuple(sorted({rule for one in permitted for rule in one.decision.rules}))
        request = None
        if self.request.evidence is not None:
            request = self.request.evidence.request
            self.request.evidence.policy_version = version
        datasets = tuple(f"{self._city}:dataset:{key}" for key in keys)
        decision = PERMIT if permitted else NONE
        count = sum(len(one.datasets) for one in permitted)
        self._add(
            OWNER, self.request.caller.peer, datasets, decision, rules, version, State.OK.value, count, 0,
            request=request,
        )  # fmt: skip

    def log_page(self, page: Page, size: int) -> None:
        """Somebody looked at the access log."""
        self._add(OWNER, None, (), PERMIT, ("scope/audit:read",), "", State.OK.value, page.rows, size)

    def refused(self, scope: str) -> None:
        """The caller's token does not reach so far."""
        rules = (f"scope/{scope}",)
        self._add(OWNER, self.request.caller.peer, (), DENY, rules, "", State.OK.value, 0, 0, request=self._asked)

    def nobody(self, size: int) -> None:
        """No city could have a match, so none was asked."""
        self._add(
            OWNER, self.request.caller.peer, (), NONE, (), "", State.SKIPPED.value, 0, size, request=self._asked
        )  # fmt: skip

    @property
    def _asked(self) -> bytes | None:
        """The digest of what another city asked."""
        return None if self.request.evidence is None else self.request.evidence.request

    def _own(self, keys: frozenset[str], ruling: Ruling, decision: str, state: str, rows: int, size: int) -> None:
        rules = ruling.grant.rules_for(keys) if decision == PERMIT else ruling.refusals(keys)
        datasets = tuple(f"{self._city}:dataset:{key}" for key in sorted(keys))
        version = ruling.grant.policy_version
        told = ruling.grant.obligations_for(keys) if decision == PERMIT else ()
        request = None
        if self.request.evidence is not None:
            request = self.request.evidence.request
            self.request.evidence.policy_version = version
            self.request.evidence.obligations |= dict.fromkeys(told)
        self._add(
            OWNER, self.request.caller.peer, datasets, decision, rules, version, state, rows, size,
            obligations=told, request=request, response=self._response,
        )  # fmt: skip

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
        *,
        obligations: tuple[str, ...] = (),
        receipt: str | None = None,
        request: bytes | None = None,
        response: bytes | None = None,
    ) -> None:
        self.records.append(
            AccessRecord(
                role=role,
                caller=self.request.caller,
                counterpart=counterpart,
                trace_id=self.request.trace_id,
                field=self._field.name,
                action=self._action,
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
                fields=self._fields,
                obligations=obligations,
                request_digest=request,
                response_digest=response,
            )
        )


def paths_of(field: Field) -> tuple[str, ...]:
    """The fields that are selected below a root field, as paths, sorted; aliases and type names are left out."""
    known = _KNOWN.get(field.shape) if field.shape is not None else None
    if known is None:
        known = tuple(sorted(set(_paths(field, ""))))
        if field.shape is not None:
            _KNOWN[field.shape] = known
            if len(_KNOWN) > REMEMBERED:
                _KNOWN.popitem(last=False)
    return known


_KNOWN: OrderedDict[Hashable, tuple[str, ...]] = OrderedDict()  # by shape, under which equal fields are selected


def _paths(field: Field, above: str) -> Iterator[str]:
    for child in field.children:
        if child.children:
            yield from _paths(child, f"{above}{child.name}.")
        elif child.name != TYPENAME:
            yield f"{above}{child.name}"
