"""Facets: how many datasets there are of each theme, tier, publisher …, for the side bar of a catalog page."""

from __future__ import annotations

import strawberry

from schema.types.paging import FederationReport


@strawberry.type(description="A value and how many datasets have it.")
class FacetCount:
    """One row of a facet."""

    value: str = strawberry.field(description="What to put into the filter.")
    label: str = strawberry.field(description="For people, German where there is a German name.")
    count: int = strawberry.field(description="Datasets that have it.")


@strawberry.type(
    description="Counts of the datasets that the filter and the caller's rights leave, summed over the cities that"
    " answered. Each facet ignores the filter's own list of its values, so the values that are not chosen keep their"
    " counts. Ordered by count, then by value; at most 1000 values of each city."
)
class DatasetFacetsResult:
    """The side bar of a catalog page."""

    total: int = strawberry.field(description="Datasets that the whole filter leaves.")
    cities: list[FacetCount] = strawberry.field(description="By owner, city id.")
    themes: list[FacetCount] = strawberry.field(description="EU data themes, e.g. TRAN.")
    tiers: list[FacetCount]
    publishers: list[FacetCount] = strawberry.field(description="By name.")
    licences: list[FacetCount] = strawberry.field(description="By code; a dataset counts once for each licence.")
    formats: list[FacetCount] = strawberry.field(description="EU file types of the distributions.")
    languages: list[FacetCount] = strawberry.field(description="EU language codes.")
    accrual_periodicities: list[FacetCount] = strawberry.field(description="EU frequency codes.")

    @strawberry.field(description="The `first` most frequent keywords, at most 1000.")
    def keywords(self, first: int = 50) -> list[FacetCount]:
        """Prepared."""
        raise NotImplementedError

    federation: FederationReport | None = strawberry.field(description="Who answered.")
