"""Where Cedar decides: a plan that obligations rule out is tightened and decided again, until it may pass or can't.

A dataset can be reached in several ways: with no agreement, or relying on one. Each way has its own terms and is judged
with the links of its own agreements only, so that no agreement lends its permit to another one's terms. Of the ways
that lead there, the least severe is taken: taking a way off can't make an answer wider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cedarpy import AuthzResult, Entities, PolicySet, is_authorized_batch
from cedarpy import Decision as CedarDecision

from policy import entities
from policy.agreements import Link, agreement_of
from policy.model import Action, Agreement, Caller, DatasetFacts, Decision
from policy.obligations import NONE, Obligations
from policy.rules import AGREEMENT_TEMPLATE, RuleSet

ROUNDS = 8  # more than obligations there are; a policy whose advice never helps ends in a denial

Class = tuple[int, frozenset[str]]  # the number of facts that datasets share; their agreements with the caller


@dataclass(frozen=True, slots=True)
class Way:
    """Relying on agreements that have the same obligations, or (`terms` None) on none."""

    terms: Obligations | None
    links: Sequence[Link]

    def terms_of(self, dataset: DatasetFacts) -> Obligations:
        """What a dataset comes under when it is reached in this way."""
        return dataset.obligations | (dataset.open_obligations if self.terms is None else self.terms)


def ways(linked: Sequence[Link], agreements: Iterable[Agreement], datasets: Iterable[DatasetFacts]) -> list[Way]:
    """All ways of a caller whom these links serve."""
    obligations = {agreement.id: agreement.obligations for agreement in agreements}
    found: dict[Obligations, list[Link]] = {}
    for link in linked:
        found.setdefault(obligations[agreement_of(link)], []).append(link)
    relying = [Way(terms, links) for terms, links in found.items()]
    if NONE in found and all(dataset.open_obligations == NONE for dataset in datasets):
        return relying  # the way without obligations has the terms of the one without agreement, and its permits
    return [Way(None, ()), *relying]


@dataclass(frozen=True, slots=True)
class Round:
    """One question to Cedar: the plan, the answer, and the rules that gave it (none: the default deny)."""

    plan: Obligations
    permit: bool
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Court:
    """Judges one caller's action upon datasets; `facts` are the entities but the datasets."""

    rules: RuleSet
    owner: str
    caller: Caller
    action: Action
    facts: Sequence[entities.Entity]
    datasets: Mapping[Class, DatasetFacts]

    def decisions(self, of: Iterable[Way]) -> dict[Class, Decision]:
        """For each class the least severe permit, or the denial."""
        found: dict[Class, Decision] = {}
        for way in of:
            for class_, rounds in self.judged(way).items():
                found[class_] = _better(found.get(class_), self.decision(rounds))
        return found

    def judged(self, way: Way) -> dict[Class, tuple[Round, ...]]:
        """What was decided in each round; the last one settles it, unless there were too many."""
        policies = self.rules.policies.with_linked_batch(list(way.links))
        terms = {class_: way.terms_of(dataset) for class_, dataset in self.datasets.items()}
        facts = self._entities(terms)
        plans = dict.fromkeys(self.datasets, NONE)
        rounds: dict[Class, tuple[Round, ...]] = dict.fromkeys(self.datasets, ())
        for _ in range(ROUNDS):
            for class_, (permit, rules) in self._asked(plans, policies, facts).items():
                plan = plans.pop(class_)
                rounds[class_] = (*rounds[class_], Round(plan, permit, rules))
                tightened = plan if permit else self._tightened(plan, rules, terms[class_])
                if tightened != plan:
                    plans[class_] = tightened
            if not plans:
                break
        return rounds

    def decision(self, rounds: Sequence[Round]) -> Decision:
        """What the rounds come to."""
        last = rounds[-1]
        if last.permit:
            obliged_by = {rule for one in rounds[:-1] for rule in one.rules}
            return Decision(last.permit, last.rules, last.plan, tuple(sorted(obliged_by)))
        return Decision(last.permit, () if len(rounds) == ROUNDS else self._final(last.rules))

    def _final(self, rules: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the forbids that no plan meets, as far as is known; all if each has advice."""
        return tuple(rule for rule in rules if rule not in self.rules.repairs) or rules

    def _tightened(self, plan: Obligations, forbids: Sequence[str], terms: Obligations) -> Obligations:
        """The plan repaired as all the forbids advise; as it is if one of them has no advice."""
        repairs = [self.rules.repairs.get(rule) for rule in forbids]
        if any(repair is None for repair in repairs):
            return plan
        for repair in filter(None, repairs):
            plan |= repair.of(terms)
        return plan

    def _asked(
        self, plans: Mapping[Class, Obligations], policies: PolicySet, facts: Entities
    ) -> dict[Class, tuple[bool, tuple[str, ...]]]:
        requests = [
            entities.request(self.caller, self.action, self.datasets[class_].key, plan)
            for class_, plan in plans.items()
        ]
        answers = is_authorized_batch(requests, policies, facts, self.rules.schema)
        return {class_: _read(answer) for class_, answer in zip(plans, answers, strict=True)}

    def _entities(self, terms: Mapping[Class, Obligations]) -> Entities:
        facts: list[dict[str, Any]] = [*self.facts]
        facts += [
            entities.dataset_entity(dataset, self.owner, class_[1], terms[class_])
            for class_, dataset in self.datasets.items()
        ]
        return Entities.from_json_str(orjson.dumps(facts).decode(), self.rules.schema)


def _better(one: Decision | None, other: Decision) -> Decision:
    if one is None or (other.permit and not one.permit):
        return other
    if one.permit and other.permit:
        return min(one, other, key=lambda decision: (decision.obligations.severity, decision.rules))
    return one if one.permit or one.rules else other


def _read(answer: AuthzResult) -> tuple[bool, tuple[str, ...]]:
    """Allowed only if Cedar says Allow and no policy erred: an erring forbid would otherwise be passed over."""
    diagnostics = answer.diagnostics
    permit = answer.decision is CedarDecision.Allow
    if permit and diagnostics.errors:
        return False, ()
    names = diagnostics.id_annotations_by_reason
    rules = (r if r.startswith(f"{AGREEMENT_TEMPLATE}/") else str(names.get(r, r)) for r in diagnostics.reasons)
    return permit, tuple(sorted(rules))
