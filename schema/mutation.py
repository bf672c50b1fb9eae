"""Mutations, for own applications alone: sensors' observations, and what stewards decide."""

from __future__ import annotations

import strawberry
from strawberry.types import Info

from schema.errors import Forbidden
from schema.ports import Context
from schema.query import stewardship
from schema.types.governance import Agreement, AssessmentInput, AssessmentVersion, OfferInput
from schema.types.intake import ObservationSeriesInput, RecordedObservations

CONTEXT = Info[Context, None]
_ACCESS = " Access: own applications with the scope governance:write."


@strawberry.type(description="What own applications bring in, and what stewards decide. Both leave access records.")
class Mutation:
    """The mutation type."""

    @strawberry.field(
        description="Record observations of this city's datastreams, at most 10000 in a batch. What is answered as"
        " accepted is stored; sending a batch again changes nothing, so repeat it if no answer came. An observation of"
        " the same datastream and time replaces the one before. Access: an application of this city whose token has the"
        " scope `observations:write`."
    )
    async def record_observations(self, info: CONTEXT, series: list[ObservationSeriesInput]) -> RecordedObservations:
        """To the intake."""
        intake = info.context.intake
        if intake is None:
            raise Forbidden("recordObservations: this node takes in nothing", hint="send it to your own city's node")
        decoded = info.context.series
        return await intake.record(info.context.request, series if decoded is None else decoded)

    @strawberry.field(description="Write a new assessment; it changes nothing before it is signed off." + _ACCESS)
    async def assess_dataset(self, info: CONTEXT, assessment: AssessmentInput) -> AssessmentVersion:
        """The author is the token's application."""
        return await stewardship(info.context).governance.assess(info.context.request, assessment)

    @strawberry.field(
        description="Put the newest assessment into force, from the next query on; not by its author." + _ACCESS
    )
    async def sign_off_assessment(self, info: CONTEXT, dataset: strawberry.ID, version: int) -> AssessmentVersion:
        """The second person is the token's application."""
        return await stewardship(info.context).governance.sign_off(info.context.request, dataset, version)

    @strawberry.field(description="Take a dataset back to INTERNAL at once." + _ACCESS)
    async def withdraw_dataset(self, info: CONTEXT, dataset: strawberry.ID, reason: str) -> bool:
        """True if it was done."""
        return await stewardship(info.context).governance.withdraw(info.context.request, dataset, reason)

    @strawberry.field(
        description="Offer another city the use of data, signed by this node. A further version of an agreement takes"
        " its place when it has been accepted and begins; the version before holds until then." + _ACCESS
    )
    async def offer_agreement(self, info: CONTEXT, offer: OfferInput) -> Agreement:
        """Delivered at once, if the other node can be reached."""
        return await stewardship(info.context).governance.offer(info.context.request, offer)

    @strawberry.field(
        description="Accept another city's offer, signed by this node; by default its newest version." + _ACCESS
    )
    async def accept_agreement(
        self,
        info: CONTEXT,
        id: strawberry.ID,  # noqa: A002
        version: int | None = None,
    ) -> Agreement:
        """Delivered at once, if the other node can be reached."""
        return await stewardship(info.context).governance.accept(info.context.request, id, version)

    @strawberry.field(description="Revoke an agreement at once, as either side: all its versions, or one." + _ACCESS)
    async def revoke_agreement(
        self,
        info: CONTEXT,
        id: strawberry.ID,  # noqa: A002
        version: int | None = None,
    ) -> Agreement:
        """Delivered at once, if the other node can be reached."""
        return await stewardship(info.context).governance.revoke(info.context.request, id, version)
