"""Agreements at the steward's desk: offered, accepted, revoked, and as people and machines read them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from node.web.desk.obligation_fields import fields_of, read_fields
from node.web.forms import Done, Form, GoTo
from node.web.pages import Page, Visit
from node.web.portal import Portal, not_found
from node.web.stored import Answer, Asker
from policy.errors import Wrong

LIST = "/governance/agreements"
ACTS = {"accept": "accepted", "revoke": "revoked"}
DAYS = ("validFrom", "validUntil")


class AgreementDesk:
    """Views for stewards. What is done is asked of the API, and signed and delivered by the node."""

    def __init__(self, asker: Asker, portal: Portal, city: str) -> None:
        self._asker = asker
        self._portal = portal
        self._city = city

    async def listed(self, visit: Visit) -> Page:
        """All agreements, newest first."""
        answer = await self._asker.ask("agreements", visit.caller)
        return Page(
            "agreements.html",
            {"found": answer},
            context={"members": self._portal.members(), "own": self._city, "done": visit.first("done")},
        )

    async def one(self, visit: Visit) -> Page:
        """One agreement, in German, in English and as ODRL."""
        return await self._one(visit)

    async def act(self, visit: Visit, form: Form) -> Done:
        """Accept or revoke. To revoke, a box is to be ticked: it holds at once."""
        act = form.first("act")
        if act not in ACTS:
            return not_found()
        version = _whole(form.first("version"))
        if act == "revoke" and form.first("sure") != "yes":
            return await self._one(visit, flaws={"sure": {"wrong": Wrong.EMPTY}})
        answer = await self._asker.ask(f"{act}_agreement", visit.caller, id=visit.parts["id"], version=version)
        if answer.errors:
            return await self._one(visit, answer, answer.flaws)
        return GoTo(f"{LIST}/{quote(visit.parts['id'])}?done={ACTS[act]}")

    async def new(self, visit: Visit) -> Page:
        """The form of an offer; `of`: of a further version of an agreement."""
        of = visit.first("of")
        before = next((row for row in await self._rows(visit) if row["id"] == of), None) if of else None
        chosen = Form({"datasets": visit.query.get("dataset", []), "version": ["1"]})
        return await self._form(visit, _further(before) if before else chosen, {}, None)

    async def offer(self, visit: Visit, form: Form) -> Done:
        """Offer, or say what is wrong with the form."""
        flaws, days = {}, {}
        for name in DAYS:
            try:
                days[name] = form.day(name)
            except ValueError:
                days[name] = None
            if days[name] is None:
                wrong = Wrong.FORM if form.first(name) else Wrong.EMPTY
                flaws[name] = {"name": name, "wrong": wrong.value, "message": "write a day, e.g. 2027-06-01"}
        if flaws:
            return await self._form(visit, form, flaws, None)
        answer = await self._asker.ask("offer", visit.caller, offer=_offer(form) | days)
        if answer.errors:
            return await self._form(visit, form, answer.flaws, answer)
        return GoTo(f"{LIST}/{quote(form.first('id'))}?done=offered")

    async def _rows(self, visit: Visit) -> list[dict[str, Any]]:
        """All versions of all agreements, newest first."""
        answer = await self._asker.ask("agreements", visit.caller)
        rows: list[dict[str, Any]] = answer.data.get("agreements") or []
        return sorted(rows, key=lambda row: row["version"], reverse=True)

    async def _form(self, visit: Visit, form: Form, flaws: dict[str, dict[str, str]], refused: Answer | None) -> Page:
        answer = await self._asker.ask("worklist", visit.caller, all=True)
        members = self._portal.members()
        return Page(
            "agreement_new.html",
            {} if refused is None else {"refused": refused},
            facts={"flaws": flaws},
            context={
                "form": form,
                "members": {id_: one for id_, one in members.items() if id_ != self._city and one.is_active},
                "datasets": answer.data.get("worklist") or [],
                "unplaced": [] if flaws or refused is None else refused.errors,
            },
            status=422 if flaws or refused else 200,
        )

    async def _one(self, visit: Visit, refused: Answer | None = None, flaws: dict[str, Any] | None = None) -> Page:
        versions = [row for row in await self._rows(visit) if row["id"] == visit.parts["id"]]
        wanted = _whole(visit.first("version") or "")
        one = next((row for row in versions if wanted in (None, row["version"])), None)
        if one is None:
            return not_found()
        return Page(
            "agreement.html",
            {} if refused is None else {"refused": refused},
            facts={"agreement": one},
            context={
                "members": self._portal.members(),
                "own": self._city,
                "versions": versions,
                "done": visit.first("done"),
                "flaws": flaws or {},
                "forms_empty": Form(),
                "unplaced": refused.errors if refused and not flaws else [],
            },
            status=422 if refused or flaws else 200,
        )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _further(before: dict[str, Any]) -> Form:
    """The form with the terms of an agreement, for its next version."""
    values = {name: list(before[name]) for name in ("datasets", "purposes")}
    values |= {name: ["\n".join(before[name])] for name in ("themes", "keywords", "applications")}
    values |= {"id": [before["id"]], "member": [before["member"]], "version": [str(before["version"] + 1)]}
    values |= {name: [before[name][:10]] for name in DAYS}
    return Form(values | fields_of("obligations", before["obligations"]))


def _offer(form: Form) -> dict[str, Any]:
    return {
        "version": _whole(form.first("version")) or 1,
        "id": form.first("id"),
        "member": form.first("member"),
        "note": form.first("note"),
        "datasets": form.all("datasets"),
        "purposes": form.all("purposes"),
        "obligations": read_fields(form, "obligations"),
        **{name: form.lines(name) for name in ("themes", "keywords", "applications")},
    }
