"""Why an answer is as it is: whom it asks, and what the rules say."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from schema.types.enums import CityState


@strawberry.input(
    description="Somebody who might ask. Only stewards (scope governance:read) may explain for others than themselves."
)
class HypotheticalCaller:
    """Left out: nobody in particular."""

    city: strawberry.ID | None = strawberry.field(default=None, description="City that vouches for the application.")
    application: strawberry.ID | None = None
    purpose: strawberry.ID | None = None


@strawberry.type(description="One question to the rules: what the answer would be like, and whether it may be.")
class PolicyRound:
    """A round of tightening."""

    plan: list[str] = strawberry.field(description="Obligations that the answer would meet; none: as the data is.")
    permit: bool
    rules: list[str] = strawberry.field(description="Rules that decided; empty for the default deny.")


@strawberry.type(description="One way to a dataset: relying on agreements, or on none.")
class PolicyWay:
    """Ways are judged by themselves; the least severe permit is taken."""

    agreements: list[str]
    terms: list[str] = strawberry.field(description="Obligations that the data comes under on this way.")
    rounds: list[PolicyRound]


@strawberry.type(description="What the rules of an owner say of datasets that they can't tell apart for this caller.")
class DatasetExplanation:
    """Of one city."""

    city: str = strawberry.field(description="City id of the owner.")
    datasets: list[strawberry.ID] = strawberry.field(description="At most 100 of them.")
    count: int = strawberry.field(description="How many there are.")
    permit: bool
    decided_by: list[str] = strawberry.field(
        description="The rules that decided; `default-deny` if none permits it, `own-rule` for one of the city's own."
    )
    matched: list[str] = strawberry.field(description="Every rule that matched on some way.")
    obligations: list[str] = strawberry.field(description="What is done to the data before it leaves.")
    obliged_by: list[str] = strawberry.field(description="The rules that ask for that.")
    ways: list[PolicyWay]


@strawberry.type(description="Whether a city would be asked.")
class CityExplanation:
    """An owner."""

    city: str
    asked: bool
    reason: str | None = strawberry.field(description="Why it is not asked.")


@strawberry.type(description="What becomes of one root field, or of one list of `City`.")
class FieldExplanation:
    """A field of the document that asks for data."""

    field: str = strawberry.field(description="Response key; of a list of `City` with those above it: cities.datasets.")
    cities: list[CityExplanation]
    datasets: list[DatasetExplanation] = strawberry.field(
        description="Datasets of all owners that have explained: those that the caller may see; for stewards, of this"
        " city, also those that it may not."
    )


@strawberry.type(description="Whether an owner has explained, and what the document would cost there.")
class OwnerExplanation:
    """One of the cities that would be asked, and this one."""

    city: str
    state: CityState | None = strawberry.field(
        description="OK if it has; SKIPPED where it is not asked: owners explain to callers their own rights only."
    )
    policy_version: str | None = strawberry.field(description="Of its rules and facts.")
    cost: JSON | None = strawberry.field(description="As `extensions.cost` would say there.")
    reason: str | None = strawberry.field(description="Why it has not explained.")


@strawberry.type(description="What a document would do. Nothing is read but the rules, those of other owners too.")
class Explanation:
    """The answer of `explain`."""

    cost: JSON = strawberry.field(description="As `extensions.cost` would say.")
    policy_version: str
    fields: list[FieldExplanation]
    owners: list[OwnerExplanation]
