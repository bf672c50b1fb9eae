"""Decide: Cedar's answer for a caller, an action and a dataset, and the grant over all datasets of a city.

An engine is a value: rules and facts of one moment. Datasets that no rule can tell apart (same tier, same agreements,
not named by any policy) are decided once for all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import orjson
from cedarpy import AuthzResult, Entities, PolicySet, is_authorized_batch
from cedarpy import Decision as CedarDecision

from policy import entities
from policy.agreements import Boundaries, links
from policy.model import Action, Agreement, Caller, DatasetFacts, Decision, Grant
from policy.rules import AGREEMENT_TEMPLATE, RuleSet

REMEMBERED = 1_024

_Key = tuple[str | None, str | None, str | None, str | None, Action, int]
_Value = TypeVar("_Value")


class Engine:
    """Decisions of one city under one state of its rules, datasets and agreements."""

    def __init__(
        self,
        rules: RuleSet,
        *,
        owner: str,
        datasets: Sequence[DatasetFacts],
        agreements: Sequence[Agreement],
        suspended_cities: frozenset[str] = frozenset(),
        epoch: int = 0,
    ) -> None:
        self.policy_version = f"{rules.version}-{epoch}"
        self._rules = rules
        self._owner = owner
        self._agreements = tuple(agreements)
        self._suspended = suspended_cities
        self._boundaries = Boundaries(agreements)
        self._classes = _classes(datasets, agreements, rules.named_datasets)
        self._class_of = {dataset.key: leader for leader, members in self._classes.items() for dataset in members}
        self._base = self._base_entities()
        self._policies: dict[int, PolicySet] = {}
        self._decided: OrderedDict[_Key, dict[str, Decision]] = OrderedDict()
        self._granted: OrderedDict[_Key, Grant] = OrderedDict()

    def decide(self, caller: Caller, action: Action, key: str, now: datetime) -> Decision:
        """May the caller do this with the dataset? One that does not exist is denied by default."""
        leader = self._class_of.get(key)
        return Decision(permit=False) if leader is None else self._decisions(caller, action, now)[leader]

    def grant(self, caller: Caller, action: Action, now: datetime) -> Grant:
        """All datasets with which the caller may do this."""
        key = self._key(caller, action, now)
        grant = self._granted.get(key)
        if grant is None:
            grant = _remember(self._granted, key, self._grant(self._decisions(caller, action, now)))
        return grant

    def _grant(self, decisions: dict[str, Decision]) -> Grant:
        permitted = [
            (dataset, decisions[leader])
            for leader, members in self._classes.items()
            if decisions[leader].permit
            for dataset in members
        ]
        return Grant(
            datasets={dataset.id: dataset.key for dataset, _ in permitted},
            rules={dataset.key: decision.rules for dataset, decision in permitted},
            policy_version=self.policy_version,
        )

    def _decisions(self, caller: Caller, action: Action, now: datetime) -> dict[str, Decision]:
        """The decision for each class, by its leader's key."""
        key = self._key(caller, action, now)
        decided = self._decided.get(key)
        if decided is None:
            own = entities.caller_entities(caller, self._owner, self._suspended)
            facts = self._base.with_added_json_str(orjson.dumps(own).decode(), self._rules.schema)
            questions = [entities.request(caller, action, leader) for leader in self._classes]
            answers = is_authorized_batch(questions, self._linked(now), facts, self._rules.schema) if questions else []
            decided = {leader: _read(answer) for leader, answer in zip(self._classes, answers, strict=True)}
            _remember(self._decided, key, decided)
        return decided

    def _linked(self, now: datetime) -> PolicySet:
        window = self._boundaries.window(now)
        if window not in self._policies:
            self._policies[window] = self._rules.policies.with_linked_batch(links(self._agreements, now))
        return self._policies[window]

    def _key(self, caller: Caller, action: Action, now: datetime) -> _Key:
        return caller.city, caller.application, caller.purpose, caller.peer, action, self._boundaries.window(now)

    def _base_entities(self) -> Entities:
        facts = [entities.city_entity(self._owner, self._suspended), *entities.agreement_entities(self._agreements)]
        facts += [
            entities.dataset_entity(members[0], self._owner, _agreements_of(members[0], self._agreements))
            for members in self._classes.values()
        ]
        return Entities.from_json_str(orjson.dumps(facts).decode(), self._rules.schema)


def _classes(
    datasets: Sequence[DatasetFacts], agreements: Sequence[Agreement], named: frozenset[str]
) -> dict[str, list[DatasetFacts]]:
    """Datasets that no rule can tell apart, by the key of the first one."""
    covering: dict[str, list[str]] = {}
    for agreement in agreements:
        for key in agreement.datasets:
            covering.setdefault(key, []).append(agreement.id)
    groups: dict[tuple[object, ...], list[DatasetFacts]] = {}
    for dataset in datasets:
        single = dataset.key if dataset.key in named else None
        group = (dataset.tier, tuple(sorted(covering.get(dataset.key, ()))), single)
        groups.setdefault(group, []).append(dataset)
    return {members[0].key: members for members in groups.values()}


def _agreements_of(dataset: DatasetFacts, agreements: Sequence[Agreement]) -> list[str]:
    return [agreement.id for agreement in agreements if dataset.key in agreement.datasets]


def _read(answer: AuthzResult) -> Decision:
    """Allowed only if Cedar says Allow and no policy erred: an erring forbid would otherwise be passed over."""
    diagnostics = answer.diagnostics
    permit = answer.decision is CedarDecision.Allow and not diagnostics.errors
    if answer.decision is CedarDecision.Allow and not permit:
        return Decision(permit=False)
    names = diagnostics.id_annotations_by_reason
    rules = (r if r.startswith(f"{AGREEMENT_TEMPLATE}/") else str(names.get(r, r)) for r in diagnostics.reasons)
    return Decision(permit, tuple(sorted(rules)))


def _remember(cache: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    cache[key] = value
    if len(cache) > REMEMBERED:
        cache.popitem(last=False)
    return value
