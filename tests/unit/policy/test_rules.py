"""A city may add rules; it can't weaken the federation's, and a bad file is refused with line and reason."""

from __future__ import annotations

import pytest

from policy.errors import PolicyError
from policy.model import ANONYMOUS, Action
from policy.rules import RuleSet
from tests.unit.policy.world import NOW, engine, guest, own

EVERYTHING = "permit (principal, action, resource);"


@pytest.mark.parametrize(
    "text",
    [
        f'@id("all") {EVERYTHING}',
        '@id("all") permit (principal, action, resource is Verbund::Dataset) when { true };',
        '@id("all") permit (principal is Verbund::Anonymous, action, resource);',
        '@id("all") permit (principal, action, resource == Verbund::Dataset::"melde");',
        '@id("all") permit (principal, action, resource) unless { context.hops > 99 };',
    ],
)
def test_no_permit_of_a_city_beats_the_federation(text):
    judge = engine(rules=RuleSet.load(text))
    for action in Action:
        assert set(judge.grant(ANONYMOUS, action, NOW).datasets.values()) == {"rad"}
        assert "melde" not in judge.grant(own(), action, NOW).datasets.values()
        assert {"akten", "melde"}.isdisjoint(judge.grant(guest("offenbach", "research"), action, NOW).datasets.values())
        assert not judge.grant(guest("offenbach", "research", peer="fulda"), action, NOW).datasets


def test_a_city_can_be_stricter():
    judge = engine(
        rules=RuleSet.load('@id("no-fulda") forbid (principal in Verbund::City::"fulda", action, resource);')
    )
    assert not judge.grant(guest("fulda", "research", "labor"), Action.READ_CATALOG, NOW).datasets
    assert judge.decide(guest("fulda", "research"), Action.READ_CATALOG, "rad", NOW).rules == ("no-fulda",)
    assert judge.grant(guest("offenbach", None), Action.READ_CATALOG, NOW).datasets == {1: "rad"}


def test_a_rule_for_one_dataset_holds_for_that_one_only():
    judge = engine(rules=RuleSet.load('@id("no-bus") forbid (principal, action, resource == Verbund::Dataset::"bus");'))
    assert set(judge.grant(guest("wetzlar", "statistics"), Action.READ_CATALOG, NOW).datasets.values()) == {
        "rad",
        "kfz",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('@id("a") permit (principal, action, resource) when { resource.colour == "red" };', ":3: a: "),
        ('@id("a") permit (principal, action, resource) when { context.nothing };', ":3: a: "),
        ('@id("a") permit (principal == Verbund::Nobody::"x", action, resource);', ":3: a: "),
        ('@id("a") permit (principal, action == Verbund::Action::"steal", resource);', ":3: a: "),
        ("permit (principal, action, resource", "does not parse"),
        ("allow everything", "does not parse"),
        (EVERYTHING, "no @id"),
        (f'@id("a") {EVERYTHING} @id("a") {EVERYTHING}', "used twice"),
        (f'@id("open-tier") {EVERYTHING}', "taken by the federation"),
        (f'@id("one-hop") {EVERYTHING}', "taken by the federation"),
        (f'@id("agreement/x/y") {EVERYTHING}', "taken by the federation"),
        ('@id("t") permit (principal in ?principal, action, resource);', "templates"),
        ("// " + "x" * 1_000_000, "larger than"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(text, told):
    with pytest.raises(PolicyError) as caught:
        RuleSet.load(f"// rules of the city\n\n{text}\n")
    assert "city.cedar" in str(caught.value)
    assert told in str(caught.value)


def test_an_empty_file_is_no_rules():
    assert set(engine(rules=RuleSet.load("// nothing yet\n")).grant(own(), Action.READ_CATALOG, NOW).datasets) == {
        1,
        2,
        3,
        4,
    }


def test_the_version_changes_with_every_text():
    versions = {RuleSet.load(text).version for text in (None, "// a", "// b", f'@id("x") {EVERYTHING}')}
    assert len(versions) == 4
    assert RuleSet.load("// a").version == RuleSet.load("// a").version
