"""Explain what a document would do: whom it asks, and what this city's rules say. Nothing is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from strawberry.scalars import JSON

from federation.errors import MembershipError
from federation.membership import Membership
from node.gate.decisions import Decisions
from node.gate.own_data import action_of
from node.gate.targets import WhySkip, targets_of
from policy.explanation import Explanation
from policy.model import Caller
from schema.errors import Forbidden, Unavailable
from schema.ids import parse_id
from schema.ports import Planned, Request
from schema.selection import Field
from schema.types import explain as api

SCOPE = "governance:read"
LISTED = 100


class Explainer:
    """Fills `schema.ports.Explainer`. A caller learns of its own rights only what it could learn by asking."""

    def __init__(
        self, city: str, decisions: Decisions, membership: Callable[[], Membership], why_skip: WhySkip
    ) -> None:
        self._city = city
        self._decisions = decisions
        self._membership = membership
        self._why_skip = why_skip

    async def explain(
        self, request: Request, planned: Planned, purpose: str | None, as_: api.HypotheticalCaller | None
    ) -> api.Explanation:
        """What the planned document would do.

        Raises:
            Forbidden: only stewards may explain for others, or for a purpose that the token does not name.
            Unavailable: the database or the membership list can't be used.
        """
        caller = self._caller(request.caller, purpose, as_)
        is_steward = self._is_steward(request.caller)
        fields = [await self._field(field, caller, show_denied=is_steward) for field in planned.fields]
        version = (await self._decisions.explanations(caller, action_of(None)))[0]
        return api.Explanation(cost=cast("JSON", dict(planned.cost)), policy_version=version, fields=fields)

    def _is_steward(self, caller: Caller) -> bool:
        return caller.peer is None and caller.city == self._city and SCOPE in caller.scopes

    def _caller(self, caller: Caller, purpose: str | None, as_: api.HypotheticalCaller | None) -> Caller:
        if caller.peer is not None:
            raise Forbidden("explain: is for callers of this city", hint="ask your own node")
        if (as_ is not None or purpose not in (None, caller.purpose)) and not self._is_steward(caller):
            raise Forbidden(
                f"explain: for others, or for another purpose than the token's, the token needs the scope {SCOPE}",
                hint="leave out `as` and `purpose`",
            )
        if as_ is not None:
            peer = as_.city if as_.city not in (None, self._city) else None
            caller = Caller(as_.city, as_.application, as_.purpose, peer=peer)
        return caller if purpose is None else replace(caller, purpose=purpose)

    async def _field(self, field: Field, caller: Caller, *, show_denied: bool) -> api.FieldExplanation:
        cities = self._cities(field, caller)
        datasets: Sequence[Explanation] = []
        if any(one.city == self._city and one.asked for one in cities):
            _, found = await self._decisions.explanations(caller, action_of(field))
            datasets = [one for one in found if show_denied or one.decision.permit]
        return api.FieldExplanation(
            field=field.key, cities=cities, datasets=[_dataset(self._city, one) for one in datasets]
        )

    def _cities(self, field: Field, caller: Caller) -> list[api.CityExplanation]:
        if field.name == "accessLog":
            return [api.CityExplanation(city=self._city, asked=False, reason="the log belongs to no dataset")]
        if not field.type_name.endswith(("Connection", "Result")):
            owner = parse_id(field.arguments["id"], kind=field.name, argument="id").city
            return [api.CityExplanation(city=owner, asked=True, reason=None)]
        try:
            targets = targets_of(field, caller, self._city, self._membership(), self._why_skip)
        except MembershipError as error:
            raise Unavailable(f"the membership list can't be used: {error.reason}") from error
        asked = [*([self._city] if targets.own else []), *targets.peers]
        found = [api.CityExplanation(city=city, asked=True, reason=None) for city in asked]
        found += [api.CityExplanation(city=one.city, asked=False, reason=one.reason) for one in targets.skipped]
        return sorted(found, key=lambda one: one.city)


def _dataset(city: str, one: Explanation) -> api.DatasetExplanation:
    listed: list[Any] = [f"{city}:dataset:{key}" for key in one.datasets[:LISTED]]
    return api.DatasetExplanation(
        datasets=listed,
        count=len(one.datasets),
        permit=one.decision.permit,
        decided_by=list(one.deciding),
        matched=list(one.matched),
        obligations=list(one.decision.obligations.texts()),
        obliged_by=list(one.decision.obliged_by),
        ways=[
            api.PolicyWay(
                agreements=list(way.agreements),
                terms=list(way.terms),
                rounds=[
                    api.PolicyRound(plan=list(r.plan.texts()), permit=r.permit, rules=list(r.rules)) for r in way.rounds
                ],
            )
            for way in one.ways
        ],
    )
