"""Decide: Cedar's answer for a caller, an action and a dataset, and the grant over all datasets of a city.

An engine is a value: rules and facts of one moment. Datasets that no rule can tell apart for a caller (same facts, same
agreements with that caller, not named by any policy) are decided once for all of them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from policy import entities
from policy.agreements import Calendar, coverage, in_succession, linked_agreements, links_for
from policy.court import Class, Court, Way, ways
from policy.explanation import Explanation, explained
from policy.model import Action, Agreement, Caller, DatasetFacts, Decision, Grant
from policy.obligations import NONE, Obligations, coarsest_step
from policy.rules import RuleSet

REMEMBERED = 512

_DENIED = Decision(permit=False)
_NO_AGREEMENT: frozenset[str] = frozenset()

_Question = tuple[str | None, str | None, str | None, str | None, Action, int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was decided for one caller: by class of datasets, and as a grant."""

    classes: Mapping[str, Class]
    decisions: Mapping[Class, Decision]
    grant: Grant


class Engine:
    """Decisions of one city under one state of its rules, datasets and agreements.

    Facts that contradict each other (one key for two datasets, one id and version for two agreements) count for nobody.
    """

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
        self._suspended = suspended_cities
        keys = Counter(dataset.key for dataset in datasets)
        self._datasets = tuple(dataset for dataset in datasets if keys[dataset.key] == 1)
        self._kinds = _kinds(self._datasets, rules.named_datasets)
        versions = Counter((agreement.id, agreement.version) for agreement in agreements)
        self._calendar = Calendar(in_succession([one for one in agreements if versions[one.id, one.version] == 1]))
        self._answers: OrderedDict[_Question, _Answer] = OrderedDict()

    def decide(self, caller: Caller, action: Action, key: str, now: datetime) -> Decision:
        """May the caller do this with the dataset? One that does not exist is denied by default."""
        answer = self._answer(caller, action, now)
        class_ = answer.classes.get(key)
        return _DENIED if class_ is None else answer.decisions[class_]

    def window(self, now: datetime) -> int:
        """The window of time that `now` lies in: within one, all answers stay as they are."""
        return self._calendar.window(now)

    def grant(self, caller: Caller, action: Action, now: datetime) -> Grant:
        """All datasets with which the caller may do this."""
        return self._answer(caller, action, now).grant

    def terms(self) -> Obligations:
        """The strictest of all obligations that anybody may come under here: of datasets, agreements and rules."""
        found = NONE
        for one in self._datasets:
            found |= one.obligations | one.open_obligations
        for agreement in self._calendar.agreements:
            found |= agreement.obligations
        for repair in self._rules.repairs.values():
            found |= repair.of(NONE)
        return found

    def grids(self) -> dict[int, int]:
        """The coarsest step in seconds in which anybody is given a dataset, by the dataset's database id.

        What is hidden in a finer step is hidden for all of that, so that nobody finds it by comparing two steps.
        """
        steps: dict[str, int] = {}
        for agreement in self._calendar.agreements:
            if agreement.revoked_at is None:
                for key in agreement.datasets:
                    steps[key] = max(steps.get(key, 0), agreement.obligations.step_s)
        by_rule = coarsest_step(repair.always for repair in self._rules.repairs.values())
        return {
            one.id: max(steps.get(one.key, 0), by_rule, coarsest_step((one.obligations, one.open_obligations)))
            for one in self._datasets
        }

    def _answer(self, caller: Caller, action: Action, now: datetime) -> _Answer:
        window = self._calendar.window(now)
        question = (caller.city, caller.application, caller.purpose, caller.peer, action, window)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = self._decided(caller, action, now)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(question)
        return answer

    def _decided(self, caller: Caller, action: Action, now: datetime) -> _Answer:
        try:
            classes, decisions = self._by_class(caller, action, now)
        except (ValueError, TypeError):
            # What Cedar can't read it can't permit, e.g. an id that is not valid Unicode.
            classes, decisions = {}, {}
        grant = Grant(policy_version=self.policy_version)
        permitted = {class_: decision for class_, decision in decisions.items() if decision.permit}
        for dataset in self._datasets:
            class_ = classes.get(dataset.key)
            if class_ in permitted:
                grant.datasets[dataset.id] = dataset.key
                grant.rules[dataset.key] = permitted[class_].rules
                if permitted[class_].obligations != NONE:
                    grant.obligations[dataset.key] = permitted[class_].obligations
        return _Answer(classes, decisions, grant)

    def explain(self, caller: Caller, action: Action, now: datetime) -> list[Explanation]:
        """Why each dataset is permitted or denied; datasets that no rule can tell apart are explained together."""
        try:
            classes, court, possible = self._court(caller, action, now)
            judged = [(way, court.judged(way)) for way in possible] if court is not None else []
        except (ValueError, TypeError):
            classes, court, judged = {}, None, []
        if court is None:
            return []
        members: dict[Class, list[str]] = {}
        for key, class_ in classes.items():
            members.setdefault(class_, []).append(key)
        answer = self._answer(caller, action, now)
        return [
            Explanation(
                tuple(keys),
                answer.decisions[class_],
                [explained(court, way, rounds[class_], class_) for way, rounds in judged],
            )
            for class_, keys in members.items()
        ]

    def _by_class(
        self, caller: Caller, action: Action, now: datetime
    ) -> tuple[dict[str, Class], dict[Class, Decision]]:
        classes, court, possible = self._court(caller, action, now)
        return classes, court.decisions(possible) if court is not None else {}

    def _court(
        self, caller: Caller, action: Action, now: datetime
    ) -> tuple[dict[str, Class], Court | None, Sequence[Way]]:
        """Each dataset's class, and who judges the classes on which ways; nobody without datasets."""
        in_force = self._calendar.in_force(now)
        linked = links_for(caller, in_force, now)
        speaking = linked_agreements(linked) | self._rules.named_agreements
        covering = coverage([agreement for agreement in in_force if agreement.id in speaking])
        classes: dict[str, Class] = {}
        leaders: dict[Class, DatasetFacts] = {}
        for dataset, kind in zip(self._datasets, self._kinds, strict=True):
            class_ = classes[dataset.key] = (kind, covering.get(dataset.key, _NO_AGREEMENT))
            leaders.setdefault(class_, dataset)
        if not leaders:
            return {}, None, ()
        facts = [
            entities.city_entity(self._owner, self._suspended),
            *entities.caller_entities(caller, self._owner, self._suspended),
        ]
        court = Court(self._rules, self._owner, caller, action, facts, leaders)
        return classes, court, ways(linked, in_force, leaders.values())


def _kinds(datasets: Sequence[DatasetFacts], named: frozenset[str]) -> list[int]:
    """For each dataset a number that it shares with those of the same facts, or with none if a policy names it."""
    numbers: dict[DatasetFacts, int] = {}
    return [
        numbers.setdefault(replace(dataset, id=0, key=dataset.key if dataset.key in named else ""), len(numbers))
        for dataset in datasets
    ]
