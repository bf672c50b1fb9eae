"""The steward's desk: what is to be done, and the assessments of a dataset, each signed off by a second person.

All of it is asked of the API, so that rules, records and checks are those of `assessDataset` and its like.
"""

from __future__ import annotations

from typing import Any

from node.web.desk.assessment_form import AssessmentForm, filled_from
from node.web.forms import Done, Form, GoTo
from node.web.pages import Page, Visit
from node.web.portal import not_found
from node.web.stored import Answer, Asker

WORKLIST, DATASET, ASSESS = "/governance", "/governance/datasets", "/governance/assess"
TODO = ("UNASSESSED", "UNSIGNED", "OVERDUE", "CHANGED")


class StewardDesk:
    """Views for stewards."""

    def __init__(self, asker: Asker, city: str) -> None:
        self._asker = asker
        self._city = city

    async def worklist(self, visit: Visit) -> Page:
        """Datasets about which something is to be done; `show=all`: all of them, or one kind of task."""
        shown = visit.first("show") or "todo"
        answer = await self._asker.ask("worklist", visit.caller, all=True)
        rows = answer.data.get("worklist") or []
        counts = {task: sum(task in row["todo"] for row in rows) for task in TODO}
        counts |= {"todo": sum(bool(row["todo"]) for row in rows), "all": len(rows)}
        if shown not in counts:
            return not_found()
        chosen = [row for row in rows if shown == "all" or (row["todo"] if shown == "todo" else shown in row["todo"])]
        return Page(
            "governance.html", {"found": answer}, facts={"show": shown}, context={"rows": chosen, "counts": counts}
        )

    async def dataset(self, visit: Visit) -> Page:
        """All assessments of a dataset, newest first, and what can be done."""
        return await self._dataset(visit)

    async def decide(self, visit: Visit, form: Form) -> Done:
        """Sign the newest assessment off, or take the dataset back."""
        key = visit.parts["key"]
        if form.first("act") == "withdraw":
            name, done = "withdraw", "withdrawn"
            variables: dict[str, Any] = {"reason": form.first("reason")}
        else:
            name, done = "sign_off", "signed"
            version = form.first("version")
            variables = {"version": int(version) if version.isascii() and version.isdigit() else 0}
        answer = await self._asker.ask(name, visit.caller, dataset=self._id(key), **variables)
        if answer.errors:
            return await self._dataset(visit, answer, form)
        return GoTo(f"{DATASET}/{key}?done={done}")

    async def assess(self, visit: Visit) -> Page:
        """The form, filled with what the newest assessment says."""
        item = await self._item(visit)
        if item is None:
            return not_found()
        answer = await self._asker.ask("assessments", visit.caller, dataset=item["dataset"])
        versions = answer.data.get("assessments") or []
        return _form(item, filled_from(versions[0] if versions else None, item), {}, 200)

    async def submit(self, visit: Visit, form: Form) -> Done:
        """Write a new assessment, or say what is wrong with the form."""
        item = await self._item(visit)
        if item is None:
            return not_found()
        read = AssessmentForm(item["dataset"], form)
        if read.flaws:
            return _form(item, form, read.flaws, 422)
        answer = await self._asker.ask("assess", visit.caller, assessment=read.assessment)
        if answer.errors:
            return _form(item, form, answer.flaws, 422, answer)
        return GoTo(f"{DATASET}/{visit.parts['key']}?done=written")

    async def _dataset(self, visit: Visit, refused: Answer | None = None, form: Form | None = None) -> Page:
        item = await self._item(visit)
        if item is None:
            return not_found()
        answer = await self._asker.ask("assessments", visit.caller, dataset=item["dataset"])
        versions = answer.data.get("assessments") or []
        answers = {"found": answer, **({"refused": refused} if refused else {})}
        return Page(
            "governance_dataset.html",
            answers,
            context={
                "item": item,
                "key": visit.parts["key"],
                "versions": versions,
                "in_force": next((one for one in versions if one["inForce"]), None),
                "unsigned": next((one for one in versions[:1] if one["signedOffAt"] is None), None),
                "flaws": refused.flaws if refused else {},
                "form": form or Form(),
                "done": visit.first("done"),
            },
            status=422 if refused else 200,
        )

    async def _item(self, visit: Visit) -> dict[str, Any] | None:
        answer = await self._asker.ask("worklist", visit.caller, dataset=self._id(visit.parts["key"]))
        rows: list[dict[str, Any]] = answer.data.get("worklist") or []
        return rows[0] if rows else None

    def _id(self, key: str) -> str:
        return f"{self._city}:dataset:{key}"


def _form(
    item: dict[str, Any], form: Form, flaws: dict[str, dict[str, str]], status: int, answer: Answer | None = None
) -> Page:
    key = item["dataset"].split(":", 2)[2]
    unplaced = [] if flaws or answer is None else answer.errors
    return Page(
        "governance_assess.html",
        {} if answer is None else {"refused": answer},
        facts={"item": item, "flaws": flaws},
        context={"form": form, "key": key, "unplaced": unplaced},
        status=status,
    )
