"""A city's own rules against the federation's: whatever it permits, the federation's forbids hold."""

from __future__ import annotations

import pytest

from policy.model import ANONYMOUS, Action, Caller
from policy.rules import RuleSet
from tests.unit.policy.world import DATASETS, NOW, engine, guest, own

HOSTILE = [
    '@id("x") permit (principal, action, resource);',
    '@id("x") permit (principal, action, resource) when { true } unless { false };',
    (
        '@id("x") permit (principal is Verbund::Anonymous, action, resource is Verbund::Dataset);'
        '@id("y") permit (principal is Verbund::Application, action, resource is Verbund::Dataset);'
    ),
    '@id("x") permit (principal, action in [Verbund::Action::"readCatalog", Verbund::Action::"readObservations"], resource);',
    " ".join(
        f'@id("x-{d.key}") permit (principal, action, resource == Verbund::Dataset::"{d.key}");' for d in DATASETS
    ),
    '@id("x") permit (principal, action, resource) when { resource.tier == "PROTECTED" || resource.tier == "INTERNAL" };',
    '@id("x") permit (principal, action, resource) when { context.hops >= 0 };',
    '@id("x") permit (principal, action, resource) unless { context has via && context.via.suspended };',
    (
        '@id("x") permit (principal == Verbund::Anonymous::"anonymous", action, resource);'
        '@id("y") permit (principal in Verbund::City::"offenbach", action, resource);'
    ),
    # Annotations mean nothing but themselves.
    '@id("x") @override("own-applications-only") @priority("0") permit (principal, action, resource);',
    # Errs on every question (overflow): passed over by Cedar if nobody looked.
    (
        '@id("x") permit (principal, action, resource); '
        '@id("y") forbid (principal, action, resource) when { context.hops + 9223372036854775807 + 1 > 0 };'
    ),
]

# Every way of asking that a forbid of the federation stands against, and what may be seen at most.
LIMITS = [
    ("nobody in particular", ANONYMOUS, {"rad"}),
    ("nobody, through Offenbach", Caller("offenbach", peer="offenbach"), {"rad"}),
    ("nobody of Fulda, through Offenbach", Caller("fulda", peer="offenbach"), set()),
    ("nobody, through a suspended node", Caller("hanau", peer="hanau"), set()),
    ("our own", own(), {"rad", "kfz", "bus", "akten"}),
    ("our own, through Offenbach", guest("giessen", "operations", peer="offenbach"), set()),
    ("Offenbach", guest("offenbach", "research"), {"rad", "kfz", "bus"}),
    ("Offenbach, through Fulda", guest("offenbach", "research", peer="fulda"), set()),
    ("Offenbach, directly", Caller("offenbach", "portal", "research"), set()),
    ("a suspended city", guest("hanau", "research"), set()),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(("who", "caller", "at_most"), LIMITS, ids=[limit[0] for limit in LIMITS])
def test_no_rule_of_a_city_gets_past_the_federation(text, who, caller, at_most):
    judge = engine(rules=RuleSet.load(text), suspended=frozenset({"hanau"}))
    for action in Action:
        assert set(judge.grant(caller, action, NOW).datasets.values()) <= at_most
        for dataset in DATASETS:
            assert judge.decide(caller, action, dataset.key, NOW).permit <= (dataset.key in at_most)


def test_the_hostile_rules_do_permit_where_nothing_forbids():
    """Else the test above would pass for rules that never apply. As owner a city may share without an agreement."""
    judge = engine(rules=RuleSet.load(HOSTILE[0]))
    decision = judge.decide(guest("offenbach", "research"), Action.READ_CATALOG, "bus", NOW)
    assert (decision.permit, decision.rules) == (True, ("x",))


def test_a_rule_that_errs_denies_what_all_others_permit():
    judge = engine(rules=RuleSet.load(HOSTILE[-1]))
    for caller in (ANONYMOUS, own(), guest("offenbach", "traffic-planning")):
        for dataset in DATASETS:
            assert not judge.decide(caller, Action.READ_CATALOG, dataset.key, NOW).permit
        assert judge.grant(caller, Action.READ_CATALOG, NOW).datasets == {}
