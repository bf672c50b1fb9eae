"""Home, city and status: the pages about the federation and its cities."""

from __future__ import annotations

from collections.abc import Mapping

from federation.errors import MembershipError
from federation.membership import Member, Membership
from node.members import Members
from node.web.pages import Page, Visit
from node.web.stored import Asker


class Portal:
    """Views for people who look around."""

    def __init__(self, asker: Asker, members: Members) -> None:
        self._asker = asker
        self._members = members

    async def home(self, visit: Visit) -> Page:
        """Search, cities, what is new."""
        answer = await self._asker.ask("home", visit.caller)
        counts = {one["value"]: one["count"] for one in _facet(answer.data, "cities")}
        return Page("home.html", {"home": answer}, context={"members": self.members(), "counts": counts})

    async def city(self, visit: Visit) -> Page:
        """One member and what it has."""
        member = self.members().get(visit.parts["city"])
        if member is None:
            return not_found()
        answer = await self._asker.ask("city", visit.caller, city=member.id)
        return Page(
            "city.html", {"found": answer}, facts={"member": _told(member)}, context={"members": self.members()}
        )

    async def cities(self, visit: Visit) -> Page:
        """All members, and how each of them answers now."""
        answer = await self._asker.ask("status", visit.caller)
        found = answer.data.get("datasetFacets") or {"cities": [], "federation": {"cities": []}}
        membership = self._membership()
        members = self.members()
        return Page(
            "status.html",
            {"status": answer},
            facts={
                "members": [_told(member) for member in members.values()],
                "list": _list(membership),
            },
            context={
                "counts": {one["value"]: one["count"] for one in found["cities"]},
                "reports": {one["city"]: one for one in found["federation"]["cities"]},
            },
        )

    def members(self) -> Mapping[str, Member]:
        """The members by id; none if the list can't be relied on."""
        membership = self._membership()
        return {member.id: member for member in membership.members} if membership else {}

    def _membership(self) -> Membership | None:
        try:
            return self._members.current()
        except MembershipError:
            return None


def not_found() -> Page:
    """What does not exist, or may not be seen: both look the same."""
    return Page("not_found.html", facts={"code": "NOT_FOUND"}, status=404)


def _facet(data: Mapping[str, object], name: str) -> list[dict[str, object]]:
    facets = data.get("datasetFacets")
    return facets[name] if isinstance(facets, dict) else []


def _told(member: Member) -> dict[str, str | None]:
    return {
        "id": member.id,
        "name": member.name,
        "ags": member.ags,
        "issuer": member.issuer,
        "status": str(member.status),
    }


def _list(membership: Membership | None) -> dict[str, str] | None:
    if membership is None:
        return None
    return {"issuedAt": membership.issued_at.isoformat(), "expiresAt": membership.expires_at.isoformat()}
