"""The auditor's desk: records by filter, one request with all its records, and the proof that they are in the log."""

from __future__ import annotations

from typing import Any

from federation.tlog.tree import root_from_inclusion, verify_consistency
from node.audit.grammar import EARLIEST, LATEST, Filter, FilterError, read_filter
from node.audit.tree import Tree, TreeHead
from node.web.pages import Page, Visit
from node.web.portal import not_found
from node.web.stored import Asker

SHORTCUTS = ("decision:deny", "role:owner", "role:consumer", "state:timeout", "purpose:research", "kind:security")


class AuditDesk:
    """Views for auditors. Looking is itself recorded."""

    def __init__(self, asker: Asker, tree: Tree) -> None:
        self._asker = asker
        self._tree = tree

    async def records(self, visit: Visit) -> Page:
        """Records that match the filter in the URL, which is that of `verbund audit list`."""
        text = visit.first("q") or ""
        try:
            wanted, reason = access_filter(read_filter(text)), None
        except FilterError as error:
            wanted, reason = access_filter(Filter()), error.reason
        denied = {**wanted, "decisions": ["DENY"]}
        answer = await self._asker.ask("audit", visit.caller, filter=wanted, denied=denied, after=visit.first("after"))
        return Page(
            "audit.html",
            {"found": answer},
            facts={"filter": text, "reason": reason},
            context={"shortcuts": SHORTCUTS},
            status=400 if reason else 200,
        )

    async def trace(self, visit: Visit) -> Page:
        """One request; with `check`, whether each of its records is in the log, and the log a continuation."""
        answer = await self._asker.ask("trace", visit.caller, trace=visit.parts["trace"])
        records = (answer.data.get("accessLog") or {"nodes": []})["nodes"]
        if not records:
            return not_found()
        checks = await self._checks(records) if visit.first("check") else None
        return Page("audit_trace.html", {"found": answer}, facts={"checks": checks})

    async def _checks(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        head = await self._tree.head()
        if head is None:
            return {"size": 0, "continues": None, "records": {}}
        return {
            "size": head.size,
            "root": head.root.hex(),
            "continues": await self._continues(head),
            "records": {one["id"]: await self._is_in(one, head) for one in records},
        }

    async def _is_in(self, record: dict[str, Any], head: TreeHead) -> bool | None:
        """None: the record is not in the tree of this head yet."""
        position = record["position"]
        if position is None or position >= head.size:
            return None
        proof = await self._tree.inclusion(position, head.size)
        return root_from_inclusion(bytes.fromhex(record["leaf"]), position, head.size, proof) == head.root

    async def _continues(self, head: TreeHead) -> bool | None:
        """Whether the log continues what witnesses cosigned; None if none has."""
        old = await self._tree.head(cosigned=True)
        if old is None:
            return None
        try:
            verify_consistency(
                old.size, old.root, head.size, head.root, await self._tree.consistency(old.size, head.size)
            )
        except ValueError:
            return False
        return True


def access_filter(wanted: Filter) -> dict[str, Any]:
    """The filter as the API takes it."""
    found: dict[str, Any] = dict(wanted.terms)
    if wanted.without:
        found["not"] = dict(wanted.without)
    if wanted.after is not None or wanted.before is not None:
        found["during"] = {
            "start": (wanted.after or EARLIEST).isoformat(),
            "end": (wanted.before or LATEST).isoformat(),
        }
    return found
