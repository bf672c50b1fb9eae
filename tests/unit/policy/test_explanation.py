"""Explanations: every way, every round, what decided; and what of it callers are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from policy.explanation import OWN_RULE, Explanation
from policy.model import ANONYMOUS, Action, DatasetFacts, Tier
from policy.obligations import NONE, Obligations
from policy.rules import RuleSet
from tests.unit.policy.world import AGREEMENTS, DATASETS, NOW, RULES, engine, guest, own

READ = Action.READ_OBSERVATIONS
AGREED = guest("offenbach", "traffic-planning")
HOURS, FIVE = Obligations(step_s=3_600), Obligations(minimum_count=5)
COUNTS = DatasetFacts(2, "kfz", Tier.SHARED, obligations=FIVE)
ROUNDED = RuleSet.load(
    '@id("rounded") @obligation("plan.roundTo >= 10")'
    " forbid (principal, action, resource) when { context.plan.roundTo < 10 };"
)


def explained(judge, caller, key: str, now: datetime = NOW) -> Explanation:
    (found,) = [one for one in judge.explain(caller, READ, now) if key in one.datasets]
    return found


def obliged(rules: RuleSet = RULES):
    agreement = replace(AGREEMENTS[0], obligations=HOURS)
    return engine(datasets=[DATASETS[0], COUNTS], agreements=[agreement], rules=rules)


def test_each_way_and_each_round_is_told():
    one = explained(obliged(), AGREED, "kfz")
    assert one.decision == obliged().decide(AGREED, READ, "kfz", NOW)
    alone, relying = one.ways
    assert (alone.agreements, alone.terms, alone.decision.permit) == ((), ("minimum-count=5",), False)
    assert [(r.plan, r.permit, r.rules) for r in alone.rounds] == [(NONE, False, ("minimum-count",)), (FIVE, False, ())]
    assert (relying.agreements, relying.terms) == (("gi-of",), ("minimum-count=5", "time=PT1H"))
    assert [(r.plan, r.permit) for r in relying.rounds] == [(NONE, False), (FIVE | HOURS, True)]
    assert one.deciding == ("agreement/gi-of/traffic-planning",)
    assert one.matched == ("agreement/gi-of/traffic-planning", "coarser-time", "minimum-count")


def test_as_text():
    assert explained(obliged(), AGREED, "kfz").lines() == [
        "kfz: permitted by agreement/gi-of/traffic-planning",
        "  under minimum-count=5, time=PT1H (by coarser-time, minimum-count)",
        "  without an agreement; terms: minimum-count=5",
        "    plan as it is: deny (minimum-count)",
        "    plan minimum-count=5: deny (default-deny)",
        "  relying on gi-of; terms: minimum-count=5, time=PT1H",
        "    plan as it is: deny (coarser-time, minimum-count)",
        "    plan minimum-count=5, time=PT1H: permit (agreement/gi-of/traffic-planning)",
    ]
    assert explained(engine(), ANONYMOUS, "rad").lines() == [
        "rad: permitted by open-tier",
        "  without an agreement; terms: none",
        "    plan as it is: permit (open-tier)",
    ]
    assert explained(engine(), guest("marburg", "research"), "kfz").lines()[0] == "kfz, bus: denied by default-deny"


def test_obligations_that_nobody_asked_for_are_told_without_a_rule():
    one = explained(obliged(), AGREED, "kfz")
    bare = replace(one, decision=replace(one.decision, obliged_by=()))
    assert bare.lines()[1] == "  under minimum-count=5, time=PT1H"


def test_an_agreement_that_does_not_cover_a_dataset_is_no_way_to_it():
    assert all(way.agreements == () for way in explained(engine(), AGREED, "akten").ways)
    assert [way.agreements for way in explained(obliged(), AGREED, "kfz").ways] == [(), ("gi-of",)]
    assert engine(datasets=()).explain(own(), READ, NOW) == []
    assert engine().explain(replace(AGREED, application="\ud800"), READ, NOW) == [], "what Cedar can't read is nothing"


def test_callers_are_told_of_what_they_see_and_not_which_rules_a_city_has_made():
    one = explained(obliged(ROUNDED), AGREED, "kfz")
    assert "rounded" in one.matched
    told = one.told_to_caller({"kfz"}, ROUNDED.shared)
    assert told.datasets == ("kfz",)
    assert told.decision.obligations == one.decision.obligations
    assert OWN_RULE in told.decision.obliged_by
    assert {"agreement/gi-of/traffic-planning", "minimum-count"} < set(told.matched)
    assert "rounded" not in str(told)
    assert one.told_to_caller({"rad"}, ROUNDED.shared) is None
    both = replace(one, datasets=("kfz", "bus"))
    assert both.told_to_caller({"bus"}, ROUNDED.shared).datasets == ("bus",)


@pytest.mark.parametrize("key", ["akten", "melde", "bus"])
def test_of_what_is_denied_callers_are_told_nothing(key):
    denied = explained(engine(), AGREED, key)
    assert not denied.decision.permit
    assert denied.told_to_caller({key}, RULES.shared) is None


def test_a_city_rule_that_permits_is_told_as_one_of_the_city():
    rules = RuleSet.load('@id("also") permit (principal, action, resource == Verbund::Dataset::"kfz");')
    one = explained(engine(rules=rules), guest("marburg", "research"), "kfz")
    assert one.deciding == ("also",)
    assert one.told_to_caller({"kfz"}, rules.shared).deciding == (OWN_RULE,)
    assert "also" not in rules.shared
    assert {"open-tier", "agreement", "minimum-count"} < rules.shared
