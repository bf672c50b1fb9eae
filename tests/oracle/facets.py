"""Facets in plain Python: how many datasets have each value, each facet without its own filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schema.errors import BadInput
from tests.oracle.filters import predicates
from tests.oracle.view import View
from tests.oracle.world import CITY, Dataset

MOST = 1_000
LONGEST = 500
_LABELS: Mapping[str, str] = {
    "TRAN": "Verkehr", "ENVI": "Umwelt", "HEAL": "Gesundheit",
    "OPEN": "offen", "SHARED": "geteilt", "INTERNAL": "intern", "PROTECTED": "geschützt",
}  # fmt: skip
_VALUES: Mapping[str, Callable[[Dataset], Iterable[str | None]]] = {
    "cities": lambda _: [CITY],
    "themes": lambda dataset: dataset.themes,
    "tiers": lambda dataset: [dataset.tier],
    "publishers": lambda dataset: [dataset.publisher.name] if dataset.publisher else [],
    "licences": lambda dataset: [one.licence.key for one in dataset.distributions if one.licence],
    "formats": lambda dataset: [one.format for one in dataset.distributions],
    "languages": lambda dataset: dataset.languages,
    "accrualPeriodicities": lambda dataset: [dataset.accrual_periodicity],
    "keywords": lambda dataset: dataset.keywords,
}
FACETS = tuple(_VALUES)


@dataclass(frozen=True)
class Facets:
    """The datasets that the caller may see, and the filter to count under."""

    view: View
    datasets: list[Dataset]
    filter: Mapping[str, Any]
    report: Any

    @property
    def total(self) -> int:
        return len(self._left(self.filter))

    def counts(self, facet: str, first: int = MOST) -> list[dict[str, Any]]:
        """The values of one facet, the most frequent first."""
        others = {name: value for name, value in self.filter.items() if name != facet}
        counts = Counter(value for dataset in self._left(others) for value in set(_VALUES[facet](dataset)))
        rows = [
            {"value": value, "label": self._label(facet, value), "count": count}
            for value, count in counts.items()
            if value is not None and len(value) <= LONGEST
        ]
        return sorted(rows, key=lambda row: (-row["count"], row["value"]))[:first]

    def _left(self, values: Mapping[str, Any]) -> list[Dataset]:
        wanted = predicates(self.view, "Dataset", {"filter": values})
        return [dataset for dataset in self.datasets if all(fits(dataset) for fits in wanted)]

    def _label(self, facet: str, value: str) -> str:
        if facet == "licences":
            return next(licence.title for licence in self.view.world.licences if licence.key == value)
        return _LABELS[value] if facet in ("themes", "tiers") else value


def check_first(first: int) -> None:
    """Raises BadInput if so many values of a facet are not given."""
    if not 0 <= first <= MOST:
        raise BadInput("first")
