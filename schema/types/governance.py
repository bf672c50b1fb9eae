"""Assessments and agreements, for stewards."""

from __future__ import annotations

from enum import Enum

import strawberry
from strawberry.scalars import JSON

from schema.types.enums import Tier
from schema.types.scalars import DateTime


@strawberry.enum(description="Whether data tells of people.")
class PersonalReference(Enum):
    """As in policy.assessment."""

    NONE = "NONE"
    INDIRECT = "INDIRECT"
    DIRECT = "DIRECT"


@strawberry.enum(description="Protection need, after BSI Standard 200-2.")
class ProtectionNeed(Enum):
    """As in policy.assessment."""

    NORMAL = "NORMAL"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"


@strawberry.enum(description="Consent of the supervisory authority.")
class SupervisoryConsent(Enum):
    """As in policy.assessment."""

    NOT_NEEDED = "NOT_NEEDED"
    NEEDED = "NEEDED"
    GIVEN = "GIVEN"


@strawberry.input(description="What a steward finds out about a dataset. It changes nothing before it is signed off.")
class AssessmentInput:
    """A new version."""

    dataset: strawberry.ID = strawberry.field(description="Global id.")
    tier: Tier
    reason: str = strawberry.field(description="Why the dataset belongs into this tier.")
    personal_reference: PersonalReference = PersonalReference.NONE
    anonymisation: str = strawberry.field(default="", description="How people were made unrecognisable.")
    confidentiality: ProtectionNeed = ProtectionNeed.NORMAL
    integrity: ProtectionNeed = ProtectionNeed.NORMAL
    availability: ProtectionNeed = ProtectionNeed.NORMAL
    legal_basis: str = strawberry.field(default="", description="ELI or text.")
    purposes: list[strawberry.ID] | None = strawberry.field(default=None, description="Left out: not limited.")
    licence: str = strawberry.field(default="", description="E.g. dl-by-de/2.0.")
    consent: SupervisoryConsent = SupervisoryConsent.NOT_NEEDED
    consent_reference: str = ""
    hvd_category: str = strawberry.field(default="", description="IRI, if this is a high-value dataset.")
    data_owner: str = strawberry.field(default="", description="Office that owns the data.")
    data_steward: str = ""
    review_due: DateTime | None = None
    retention: list[str] = strawberry.field(default_factory=list, description="E.g. PT15M=P2Y.")
    reference_class: str = strawberry.field(default="", description="Class of the Musterdatenkatalog.")
    obligations: list[str] = strawberry.field(
        default_factory=list, description="For all other cities, e.g. minimum-count=5."
    )
    open_obligations: list[str] = strawberry.field(
        default_factory=list, description="Also, for whoever has no agreement."
    )


@strawberry.type(description="A version of an assessment.")
class AssessmentVersion:
    """Quality scores are computed from the data."""

    dataset: strawberry.ID
    version: int
    author: str
    authored_at: DateTime
    tier: Tier
    reason: str
    personal_reference: PersonalReference
    anonymisation: str = strawberry.field(description="How people were made unrecognisable.")
    confidentiality: ProtectionNeed
    integrity: ProtectionNeed
    availability: ProtectionNeed
    legal_basis: str = strawberry.field(description="ELI or text.")
    purposes: list[strawberry.ID] | None = strawberry.field(description="Null: not limited.")
    licence: str
    consent: SupervisoryConsent
    consent_reference: str = strawberry.field(description="Where the consent is written down.")
    hvd_category: str = strawberry.field(description="IRI, if this is a high-value dataset.")
    data_owner: str = strawberry.field(description="Office that owns the data.")
    data_steward: str
    retention: list[str] = strawberry.field(description="How long results of a step are kept, e.g. PT15M=P2Y.")
    reference_class: str = strawberry.field(description="Class of the Musterdatenkatalog.")
    obligations: list[str] = strawberry.field(description="For all other cities.")
    open_obligations: list[str] = strawberry.field(description="Also, for whoever has no agreement.")
    review_due: DateTime | None
    completeness: float | None = strawberry.field(description="Valid values of those expected, 0 to 1.")
    timeliness: float | None = strawberry.field(description="1: up to date, 0.5: within a week.")
    plausibility: float | None = strawberry.field(description="Share of values neither estimated nor suspect.")
    signed_off_by: str | None
    signed_off_at: DateTime | None
    in_force: bool


@strawberry.type(description="A dataset about which something is to be done.")
class WorklistItem:
    """A row of the worklist."""

    dataset: strawberry.ID
    title: str
    tier: Tier
    todo: list[str] = strawberry.field(description="UNASSESSED, UNSIGNED, OVERDUE, CHANGED.")
    version: int | None = strawberry.field(description="The newest assessment.")
    author: str | None = strawberry.field(description="Who wrote it.")
    review_due: DateTime | None
    proposed_open_obligations: list[str] = strawberry.field(
        description="What the federation proposes for whoever has no agreement: counts of traffic without small"
        " numbers and short times."
    )


@strawberry.input(description="What is offered to another city. Datasets are meant by key, theme and keyword.")
class OfferInput:
    """An agreement's terms."""

    id: strawberry.ID
    version: int = 1
    member: strawberry.ID = strawberry.field(description="City that may ask.")
    datasets: list[str] = strawberry.field(default_factory=list, description="Local keys.")
    themes: list[str] = strawberry.field(default_factory=list)
    keywords: list[str] = strawberry.field(default_factory=list)
    applications: list[str] = strawberry.field(default_factory=list, description="Empty: all of the member.")
    purposes: list[strawberry.ID]
    valid_from: DateTime
    valid_until: DateTime = strawberry.field(description="Exclusive.")
    obligations: list[str] = strawberry.field(default_factory=list)
    note: str = ""


@strawberry.type(description="An agreement between two cities, as this node has it.")
class Agreement:
    """Either side's copy."""

    id: strawberry.ID
    version: int
    owner: str
    member: str
    datasets: list[str]
    themes: list[str]
    keywords: list[str]
    applications: list[str]
    purposes: list[strawberry.ID]
    valid_from: DateTime
    valid_until: DateTime
    obligations: list[str]
    state: str = strawberry.field(description="offered, not yet, in force, replaced, ended, revoked …")
    undelivered: str | None = strawberry.field(description="What the other city has not been given yet.")
    german: str = strawberry.field(description="The agreement in German.")
    english: str = strawberry.field(description="The agreement in English.")
    odrl: JSON = strawberry.field(description="The agreement as ODRL 2.2 in JSON-LD.")
