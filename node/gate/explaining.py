"""Explain what a document would do: whom it asks, and what the rules say, here and at the owners that it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from strawberry.scalars import JSON

from federation.errors import MembershipError
from federation.explanations import Datasets, Explained
from federation.fanout import Fanout, Outcome
from federation.membership import Member, Membership
from federation.report import CityReport, State
from node.audit.log import AccessLog
from node.gate.decisions import Decisions
from node.gate.own_data import action_of
from node.gate.records import Recorder
from node.gate.targets import Targets, WhySkip, targets_of
from policy.explanation import Explanation
from policy.model import Action, Caller
from schema.errors import Forbidden, Unavailable
from schema.ids import parse_id
from schema.ports import Planned, Request
from schema.selection import Field
from schema.types import explain as api
from schema.types.enums import CityState

SCOPE = "governance:read"
READ_SCOPE = "data:read"
LISTED = 100
_FIELD = Field("explain", "explain", "Explanation", {}, {}, ())
_HYPOTHETICAL = "an owner explains to callers their own rights only; ask its stewards"


@dataclass(frozen=True, slots=True)
class _Own:
    """What this city says of one root field, and under which version of its policy."""

    version: str
    datasets: Sequence[Explanation]


class Explainer:
    """Fills `schema.ports.Explainer`. A caller learns of its own rights only what it could learn by asking."""

    def __init__(
        self,
        city: str,
        decisions: Decisions,
        membership: Callable[[], Membership],
        why_skip: WhySkip,
        fanout: Fanout,
        access_log: AccessLog,
    ) -> None:
        self._city = city
        self._decisions = decisions
        self._current_membership = membership
        self._why_skip = why_skip
        self._fanout = fanout
        self._log = access_log

    async def explain(
        self, request: Request, planned: Planned, purpose: str | None, as_: api.HypotheticalCaller | None
    ) -> api.Explanation:
        """What the planned document would do. Recorded like a look at the catalog, here and at the owners.

        Raises:
            Forbidden: only stewards may explain for others, or for a purpose that the token does not name.
            Unavailable: the database or the membership list can't be used.
        """
        try:
            caller = self._caller(request.caller, purpose, as_)
        except Forbidden:
            recorder = Recorder(self._city, request, _FIELD)
            reads = request.caller.is_anonymous or READ_SCOPE in request.caller.scopes
            recorder.refused(SCOPE if reads else READ_SCOPE)
            await self._log.append(recorder.records, request.document)
            raise
        targets = [self._targets(field, caller) for field in planned.fields]
        own = [await self._own(field, caller, request.caller) for field in planned.fields]
        peers = {city: member for one in targets for city, member in one.peers.items()}
        is_hypothetical = caller is not request.caller
        told = {} if is_hypothetical else await self._fanout.explained(planned.question, peers, request)
        await self._record(request, own, told)
        owners = [
            api.OwnerExplanation(
                city=self._city,
                state=CityState.OK,
                policy_version=(await self._decisions.explanations(caller, Action.READ_CATALOG))[0],
                cost=_cost(planned.cost),
                reason=None,
            )
        ]
        owners += [_owner(city, told.get(city)) for city in peers]
        return api.Explanation(
            cost=_cost(planned.cost),
            policy_version=owners[0].policy_version or "",
            owners=sorted(owners, key=lambda one: one.city),
            fields=[
                self._field(*one, {city: outcome.given for city, outcome in told.items() if outcome.given is not None})
                for one in zip(planned.fields, targets, own, strict=True)
            ],
        )

    def _is_steward(self, caller: Caller) -> bool:
        return caller.peer is None and caller.city == self._city and SCOPE in caller.scopes

    def _caller(self, caller: Caller, purpose: str | None, as_: api.HypotheticalCaller | None) -> Caller:
        is_steward = self._is_steward(caller)
        if not (is_steward or caller.is_anonymous or READ_SCOPE in caller.scopes):
            raise Forbidden(f"explain: the token has no scope {READ_SCOPE}", hint="ask for a token with that scope")
        if (as_ is not None or purpose not in (None, caller.purpose)) and not is_steward:
            raise Forbidden(
                f"explain: for others, or for another purpose than the token's, the token needs the scope {SCOPE}",
                hint="leave out `as` and `purpose`",
            )
        if as_ is not None:
            peer = as_.city if as_.city not in (None, self._city) else None
            caller = Caller(as_.city, as_.application, as_.purpose, peer=peer)
        return caller if purpose in (None, caller.purpose) else replace(caller, purpose=purpose)

    async def _own(self, field: Field, caller: Caller, asking: Caller) -> _Own:
        """What this city's rules say; a caller that is no steward is told of datasets that it sees in the catalog."""
        if not self._asks_own(field, caller):
            return _Own("", ())
        version, found = await self._decisions.explanations(caller, action_of(field))
        if self._is_steward(asking):
            return _Own(version, found)
        visible = (await self._decisions.ruling(caller, Action.READ_CATALOG)).grant.datasets.values()
        shared = self._decisions.shared_rules
        told = (one.told_to_caller(frozenset(visible), shared) for one in found)
        return _Own(version, [one for one in told if one is not None])

    def _asks_own(self, field: Field, caller: Caller) -> bool:
        return field.name != "accessLog" and self._targets(field, caller).own

    def _targets(self, field: Field, caller: Caller) -> Targets:
        """Whom the field asks. Another city's caller asks this city alone; what else it asks is its home node's say."""
        if field.name == "accessLog":
            skipped = CityReport(self._city, State.SKIPPED, reason="the log belongs to no dataset")
            return Targets(own=False, peers={}, skipped=[skipped])
        membership = self._membership()
        if "id" not in field.arguments:  # else it is one object
            found = targets_of(field, replace(caller, peer=None), self._city, membership, self._why_skip)
        else:
            owner = parse_id(field.arguments["id"], kind=field.name, argument="id").city
            member = membership.by_id(owner)
            is_peer = owner != self._city and member is not None and member.status == "ACTIVE"
            peers: Mapping[str, Member] = {owner: member} if is_peer and member is not None else {}
            found = Targets(owner == self._city, peers, [])
        return found if caller.peer is None else Targets(found.own, {}, [])

    async def _record(self, request: Request, own: Sequence[_Own], told: Mapping[str, Outcome[Explained]]) -> None:
        recorder = Recorder(self._city, request, _FIELD)
        for one in own:
            if one.version:
                recorder.explained(one.version, one.datasets)
        for outcome in told.values():
            recorder.peer(outcome.report, outcome.bytes)
        entries = await self._log.append(recorder.records, request.document)
        if request.evidence is not None:
            request.evidence.entries += entries

    def _field(self, field: Field, targets: Targets, own: _Own, told: Mapping[str, Explained]) -> api.FieldExplanation:
        asked = [*([self._city] if targets.own else []), *targets.peers]
        cities = [api.CityExplanation(city=city, asked=True, reason=None) for city in asked]
        cities += [api.CityExplanation(city=one.city, asked=False, reason=one.reason) for one in targets.skipped]
        datasets = [_dataset(self._city, one) for one in own.datasets]
        datasets += [_told(city, one) for city in targets.peers if city in told for one in told[city].of(field.key)]
        return api.FieldExplanation(field=field.key, cities=sorted(cities, key=lambda one: one.city), datasets=datasets)

    def _membership(self) -> Membership:
        try:
            return self._current_membership()
        except MembershipError as error:
            raise Unavailable(f"the membership list can't be used: {error.reason}") from error


def _cost(cost: Mapping[str, int]) -> JSON:
    return cast("JSON", dict(cost))


def _owner(city: str, outcome: Outcome[Explained] | None) -> api.OwnerExplanation:
    if outcome is None:
        return api.OwnerExplanation(
            city=city, state=CityState.SKIPPED, policy_version=None, cost=None, reason=_HYPOTHETICAL
        )
    given = outcome.given
    return api.OwnerExplanation(
        city=city,
        state=CityState[outcome.report.state.value],
        policy_version=given.policy_version if given else None,
        cost=_cost(given.cost) if given else None,
        reason=outcome.report.reason,
    )


def _dataset(city: str, one: Explanation) -> api.DatasetExplanation:
    listed: list[Any] = [f"{city}:dataset:{key}" for key in one.datasets[:LISTED]]
    return api.DatasetExplanation(
        city=city,
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


def _told(city: str, one: Datasets) -> api.DatasetExplanation:
    """What another owner says."""
    listed: list[Any] = list(one.datasets)
    return api.DatasetExplanation(
        city=city,
        datasets=listed,
        count=one.count,
        permit=one.permit,
        decided_by=one.decided_by,
        matched=one.matched,
        obligations=one.obligations,
        obliged_by=one.obliged_by,
        ways=[
            api.PolicyWay(
                agreements=way.agreements,
                terms=way.terms,
                rounds=[api.PolicyRound(plan=r.plan, permit=r.permit, rules=r.rules) for r in way.rounds],
            )
            for way in one.ways
        ],
    )
