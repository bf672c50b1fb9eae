"""The search over all cities: what its URL says becomes a filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from node.web.pages import Page, Visit
from node.web.portal import Portal
from node.web.stored import Asker
from node.web.words import ORDERS

PER_PAGE = 20
MAX_VALUES = 50
LONGEST = 200
# parameter of the URL, field of the filter, facet
FACETS = (
    ("city", "cities", "cities"),
    ("theme", "themes", "themes"),
    ("tier", "tiers", "tiers"),
    ("publisher", "publishers", "publishers"),
    ("licence", "licences", "licences"),
    ("type", "formats", "formats"),  # `format` is the page's own,
    ("frequency", "accrualPeriodicities", "accrualPeriodicities"),
)
_TIERS = {"OPEN", "SHARED", "INTERNAL", "PROTECTED"}


class Search:
    """The view."""

    def __init__(self, asker: Asker, portal: Portal) -> None:
        self._asker = asker
        self._portal = portal

    async def view(self, visit: Visit) -> Page:
        """A page of hits with facets. A filter is a link: all of it stands in the URL."""
        members = self._portal.members()
        chosen = _chosen(visit, set(members))
        text = (visit.first("q") or "")[:LONGEST] or None
        order = visit.first("order")
        if order not in ORDERS or (order == "RELEVANCE" and text is None):
            order = "RELEVANCE" if text else "TITLE_ASC"
        answer = await self._asker.ask(
            "search",
            visit.caller,
            cities=chosen["city"] or None,
            filter=_filter(chosen, text),
            orderBy=order,
            first=PER_PAGE,
            after=visit.first("after"),
            spelling=text is not None,
        )
        status = 400 if answer.codes & {"BAD_INPUT", "BAD_REQUEST", "INVALID"} else 200
        context = {"members": members, "chosen": chosen, "text": text or "", "order": order, "facets": FACETS}
        return Page("search.html", {"found": answer}, context=context, status=status)


def _chosen(visit: Visit, cities: set[str]) -> Mapping[str, list[str]]:
    """What is chosen in each facet; values that can't be are left out."""
    found = {
        name: [value[:LONGEST] for value in visit.query.get(name, []) if value][:MAX_VALUES] for name, _, _ in FACETS
    }
    found["city"] = [city for city in found["city"] if city in cities]
    found["tier"] = [tier for tier in found["tier"] if tier in _TIERS]
    return found


def _filter(chosen: Mapping[str, list[str]], text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {field: chosen[name] for name, field, _ in FACETS if name != "city" and chosen[name]}
    if text is not None:
        found["text"] = text
    return found
