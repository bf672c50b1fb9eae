"""What can't be decided is denied, and never an exception: facts that contradict, ids that are no text, lost context."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policy import court as court_module
from policy import engine as engine_module
from policy import entities
from policy.model import ANONYMOUS, Action, Agreement, Caller, DatasetFacts, Decision, Tier
from policy.rules import RuleSet
from tests.unit.policy.world import AGREEMENTS, DATASETS, DAY, NOW, engine, guest, own

READ = Action.READ_OBSERVATIONS
AGREED = guest("offenbach", "traffic-planning")


def seen(judge, caller, now=NOW) -> set[str]:
    return set(judge.grant(caller, READ, now).datasets.values())


@pytest.mark.parametrize("lost", ["hops", "purpose", "via"])
def test_a_question_without_its_context_is_denied(monkeypatch, lost):
    whole = entities.request

    def without(*parts):
        question = whole(*parts)
        del question["context"][lost]
        return question

    assert seen(engine(), AGREED) == {"rad", "kfz"}
    monkeypatch.setattr(entities, "request", without)
    assert seen(engine(), AGREED) == set()
    assert not engine().decide(AGREED, READ, "rad", NOW).permit


@pytest.mark.parametrize(
    "context", [{"hops": 2}, {"hops": -1}, {"hops": 0}, {"hops": "1"}, {"purpose": {"__entity": {}}}, {"more": 1}]
)
def test_a_question_with_a_context_that_does_not_fit_is_denied(monkeypatch, context):
    whole = entities.request
    monkeypatch.setattr(entities, "request", lambda *parts: (q := whole(*parts)) | {"context": q["context"] | context})
    assert seen(engine(), AGREED) == set()


@pytest.mark.parametrize("hops", [-1, 1, 2])
def test_a_direct_question_has_made_no_hop(monkeypatch, hops):
    whole = entities.request
    monkeypatch.setattr(
        entities, "request", lambda *parts: (q := whole(*parts)) | {"context": q["context"] | {"hops": hops}}
    )
    for caller in (ANONYMOUS, own()):
        assert engine().decide(caller, READ, "rad", NOW) == Decision(permit=False, rules=("one-hop",))


@pytest.mark.parametrize("caller", [
    Caller("\ud800", "portal", "research", peer="\ud800"),
    Caller("offenbach", "\udfff", "traffic-planning", peer="offenbach"),
    Caller("offenbach", "portal", "\ud800", peer="offenbach"),
])  # fmt: skip
def test_a_caller_that_is_no_unicode_is_denied(caller):
    judge = engine()
    assert seen(judge, caller) == set()
    assert judge.decide(caller, READ, "rad", NOW) == Decision(permit=False)
    assert seen(judge, ANONYMOUS) == {"rad"}


def test_a_fact_that_is_no_unicode_denies_rather_than_fails():
    assert seen(engine(datasets=[DatasetFacts(9, "\ud800", Tier.INTERNAL), *DATASETS]), own()) == set()
    assert engine().decide(own(), READ, "\ud800", NOW) == Decision(permit=False)


def test_datasets_of_one_key_count_for_nobody():
    judge = engine(datasets=[*DATASETS, DatasetFacts(6, "akten", Tier.OPEN)])
    assert seen(judge, ANONYMOUS) == {"rad"}
    assert seen(judge, own()) == {"rad", "kfz", "bus"}
    assert judge.decide(own(), READ, "akten", NOW) == Decision(permit=False)


def test_agreements_of_one_id_count_for_nobody_and_do_not_mix():
    first = AGREEMENTS[0]
    judge = engine(agreements=[first, replace(first, datasets=frozenset({"bus"}), purposes=frozenset({"research"}))])
    assert seen(judge, AGREED) == {"rad"}
    assert seen(judge, guest("offenbach", "research")) == {"rad"}


def test_a_rule_that_names_an_agreement_ends_with_it():
    """A city writes a rule about the datasets of an agreement; past its end they are in it no longer."""
    rules = RuleSet.load('@id("also") permit (principal, action, resource in Verbund::Agreement::"gi-of");')
    judge = engine(rules=rules)
    other = guest("marburg", "research")
    assert judge.decide(other, READ, "kfz", NOW) == Decision(permit=True, rules=("also",))
    assert judge.decide(other, READ, "bus", NOW) == Decision(permit=False)
    assert judge.decide(other, READ, "kfz", NOW + DAY) == Decision(permit=False)
    revoked = [replace(AGREEMENTS[0], revoked_at=NOW)]
    assert engine(agreements=revoked, rules=rules).decide(other, READ, "kfz", NOW) == Decision(permit=False)


def test_a_named_dataset_is_decided_on_its_own_even_if_it_leads_its_tier():
    rules = RuleSet.load('@id("not-kfz") forbid (principal, action, resource == Verbund::Dataset::"kfz");')
    assert seen(engine(rules=rules), own()) == {"rad", "bus", "akten"}
    reversed_ = engine(datasets=tuple(reversed(DATASETS)), rules=rules)
    assert seen(reversed_, own()) == {"rad", "bus", "akten"}


def test_an_agreement_with_applications_is_for_these_alone():
    one = Agreement("x", "fulda", frozenset({"kfz"}), frozenset({"research"}), NOW, NOW + DAY, frozenset({"a", "b"}))
    judge = engine(agreements=[one])
    assert {
        name for name in ("a", "b", "c", "", "a/b", "A") if "kfz" in seen(judge, guest("fulda", "research", name))
    } == {"a", "b"}
    assert seen(judge, guest("wetzlar", "research", "a")) == {"rad"}
    assert judge.decide(guest("fulda", "research", "a"), READ, "kfz", NOW).rules == ("agreement/x/a/research",)


def test_an_id_in_a_record_can_not_pose_as_another_agreement():
    """`a` for application `b/c` and `a/b` for application `c` must not leave the same name in the records."""
    make = lambda id_, app: Agreement(
        id_, "fulda", frozenset({"kfz"}), frozenset({"research"}), NOW, NOW + DAY, frozenset({app})
    )
    judge = engine(agreements=[make("a", "b/c"), make("a/b", "c")])
    assert judge.decide(guest("fulda", "research", "b/c"), READ, "kfz", NOW).rules == ("agreement/a/b%2Fc/research",)
    assert judge.decide(guest("fulda", "research", "c"), READ, "kfz", NOW).rules == ("agreement/a%2Fb/c/research",)


def test_what_is_remembered_serves_neither_other_callers_nor_other_times():
    judge = engine()
    variants = [
        (AGREED, NOW, {"rad", "kfz"}),
        (replace(AGREED, purpose="research"), NOW, {"rad"}),
        (replace(AGREED, peer=None), NOW, set()),
        (replace(AGREED, peer="fulda"), NOW, set()),
        (replace(AGREED, city="marburg", peer="marburg"), NOW, {"rad"}),
        (replace(AGREED, application=None), NOW, {"rad"}),
        (AGREED, NOW + DAY, {"rad"}),
        (AGREED, NOW - DAY - timedelta(microseconds=1), {"rad"}),
    ]
    for _ in range(3):
        for caller, now, expected in variants:
            assert seen(judge, caller, now) == expected


def test_memory_is_bounded_and_keeps_what_is_used(monkeypatch):
    asked = []
    whole = court_module.is_authorized_batch
    monkeypatch.setattr(engine_module, "REMEMBERED", 3)
    monkeypatch.setattr(court_module, "is_authorized_batch", lambda *parts: asked.append(1) or whole(*parts))
    judge = engine()
    for n in range(10):
        judge.grant(own(application=f"app-{n}"), READ, NOW)
        judge.grant(ANONYMOUS, READ, NOW)
    assert len(asked) == 11  # nobody in particular was asked for once only
    judge.grant(own(application="app-0"), READ, NOW)
    assert len(asked) == 12  # forgotten


def test_a_tier_that_the_federation_does_not_know_is_forbidden(monkeypatch):
    """A tier that a later version adds must not fall between the rules, even if a city permits everything."""
    whole = entities.dataset_entity
    monkeypatch.setattr(
        entities, "dataset_entity", lambda *parts: (e := whole(*parts)) | {"attrs": e["attrs"] | {"tier": "SECRET"}}
    )
    judge = engine(rules=RuleSet.load('@id("all") permit (principal, action, resource);'))
    assert judge.decide(own(), READ, "rad", NOW) == Decision(permit=False, rules=("unknown-tier",))
