"""Explanations at the steward's desk: what the rules say to a question, for oneself or for somebody else."""

from __future__ import annotations

from node.web.pages import Page, Visit
from node.web.portal import Portal
from node.web.stored import Asker
from policy.vocabulary import PURPOSES

LONGEST = 10_000
DATASET = """query {{
  dataset(id: "{id}") {{
    title
    datastreams {{ nodes {{ id latest {{ phenomenonTime result }} }} }}
  }}
}}"""
DATASETS = """query {{
  datasets(cities: ["{city}"]) {{ nodes {{ id title }} }}
}}"""


class ExplainDesk:
    """The view. A question is a link: all of it stands in the URL."""

    def __init__(self, asker: Asker, portal: Portal, city: str) -> None:
        self._asker = asker
        self._portal = portal
        self._city = city

    async def view(self, visit: Visit) -> Page:
        """The form, and what it comes to. `dataset`: the one to look at, of those that the question touches."""
        dataset = visit.first("dataset")
        default = DATASET.format(id=_plain(dataset)) if dataset else DATASETS.format(city=self._city)
        document = (visit.first("document") or default)[:LONGEST]
        city, application, purpose = (visit.first(name) for name in ("city", "application", "purpose"))
        purpose = purpose if purpose in PURPOSES else None
        asked = visit.first("who") or ("other" if city or application else "nobody")
        caller = {
            "self": None,
            "nobody": {"city": None, "application": None, "purpose": None},
            "other": {"city": city, "application": application, "purpose": purpose},
        }.get(asked)
        answer = await self._asker.ask("explain", visit.caller, document=document, **{"as": caller})
        told = answer.data.get("explain")
        fields = told["fields"] if told else []
        return Page(
            "explain.html",
            {"found": answer},
            context={
                "members": self._portal.members(),
                "document": document,
                "who": asked,
                "city": city,
                "application": application,
                "purpose": purpose,
                "dataset": dataset,
                "fields": [
                    one | {"datasets": [g for g in one["datasets"] if dataset is None or dataset in g["datasets"]]}
                    for one in fields
                ],
            },
            status=200 if not answer.errors else 400,
        )


def _plain(id_: str) -> str:
    """An id as it may stand in a document."""
    return "".join(char for char in id_ if char.isprintable() and char not in '"\\')
