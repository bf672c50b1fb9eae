"""What a city's rules have to decide, as its file of expectations says."""

from __future__ import annotations

import pytest

from policy.errors import PolicyError
from policy.expectations import MAX_EXPECTATIONS, failures, read_expectations
from policy.rules import RuleSet
from tests.unit.policy.world import RULES

RESEARCH = 'caller = { city = "fulda", application = "portal", purpose = "research" }'
OWN = 'caller = { city = "giessen", application = "amt", purpose = "operations" }'


def unmet(*lines: str, rules: RuleSet = RULES, owner: str = "giessen") -> list[str]:
    text = "\n".join(["[[expect]]", 'what = "x"', *lines])
    return failures(read_expectations(text), rules, owner)


@pytest.mark.parametrize(
    "lines",
    [
        ('dataset = { tier = "OPEN" }', "permit = true", 'rules = ["open-tier"]', "obligations = []"),
        ('dataset = { tier = "SHARED" }', "permit = false"),
        ('dataset = { tier = "SHARED" }', "permit = true", OWN, 'rules = ["own-city"]'),
        ('dataset = { tier = "SHARED" }', "permit = false", RESEARCH, "rules = []"),
        (
            'dataset = { tier = "SHARED", obligations = ["minimum-count=5"], open_obligations = ["time=P1D"] }',
            'agreement = { purposes = ["research"], obligations = ["time=PT1H"] }',
            'obligations = ["time=PT1H", "minimum-count=5"]', "permit = true", RESEARCH, 'rules = ["agreement"]',
        ),
        ('dataset = { tier = "SHARED" }', 'agreement = { purposes = ["statistics"] }', "permit = false", RESEARCH),
        (
            'dataset = { tier = "SHARED" }', 'agreement = { purposes = ["research"], applications = ["other"] }',
            "permit = false", RESEARCH,
        ),
        (
            'dataset = { tier = "SHARED", purposes = ["statistics"] }', 'agreement = { purposes = ["research"] }',
            "permit = false", RESEARCH, 'rules = ["assessed-purposes-only"]',
        ),
        ('dataset = { tier = "SHARED", purposes = [] }', 'agreement = { purposes = ["research"] }', "permit = false", RESEARCH),
        ('dataset = { tier = "OPEN", personal = "DIRECT" }', "permit = false", 'rules = ["personal-data-stays-home"]'),
        ('dataset = { tier = "OPEN", personal = "DIRECT" }', "permit = true", OWN),
        ('dataset = { tier = "OPEN", open_obligations = ["time=PT1H"] }', "permit = true", 'obligations = ["time=PT1H"]'),
        (
            'dataset = { tier = "OPEN" }', "permit = false",
            'caller = { city = "fulda", application = "a", peer = "wetzlar" }', 'rules = ["own-applications-only"]',
        ),
        ('dataset = { tier = "OPEN" }', "permit = true", 'action = "readCatalog"', 'caller = { city = "fulda" }'),
    ],
)  # fmt: skip
def test_what_is_decided_as_expected(lines):
    assert unmet(*lines) == []


@pytest.mark.parametrize(
    ("lines", "flaws"),
    [
        (('dataset = { tier = "OPEN" }', "permit = false"), ["permit True instead of False"]),
        (
            ('dataset = { tier = "OPEN" }', "permit = true", 'rules = ["own-city"]', 'obligations = ["time=PT1H"]'),
            ["rules ['open-tier'] instead of ['own-city']", "obligations [] instead of ['time=PT1H']"],
        ),
        (
            ('dataset = { tier = "OPEN", obligations = ["time=PT1H"] }', "permit = true", "obligations = []"),
            ["obligations ['time=PT1H'] instead of []"],
        ),
        (('dataset = { tier = "SHARED" }', "permit = false", "rules = []", OWN), ["permit True", "rules ['own-city'] instead of []"]),
    ],
)  # fmt: skip
def test_what_is_decided_otherwise_is_told(lines, flaws):
    found = unmet(*lines)
    assert len(found) == len(flaws)
    for told, flaw in zip(found, flaws, strict=True):
        assert told.startswith("expectations.toml: x: ")
        assert flaw in told


def test_rules_may_speak_of_the_key_and_the_action():
    rules = RuleSet.load(
        '@id("no-counts") forbid (principal, action == Verbund::Action::"readObservations",'
        ' resource == Verbund::Dataset::"kfz");'
    )
    named = 'dataset = { tier = "OPEN", key = "kfz" }'
    assert unmet(named, "permit = false", 'rules = ["no-counts"]', rules=rules) == []
    assert unmet(named, "permit = true", 'action = "readCatalog"', rules=rules) == []
    assert unmet('dataset = { tier = "OPEN" }', "permit = true", rules=rules) == []


def test_own_applications_ask_directly_and_others_through_their_node():
    rules = RuleSet.load('@id("not-through-nodes") forbid (principal, action, resource) when { context has via };')
    shown = 'dataset = { tier = "OPEN" }'
    assert unmet(shown, "permit = true", OWN, rules=rules) == []
    assert unmet(shown, "permit = true", rules=rules) == []
    assert unmet(shown, "permit = false", RESEARCH, 'rules = ["not-through-nodes"]', rules=rules) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[expect]]\nwhat = 1", "expectations.toml: "),
        ("[[expect", "expectations.toml: "),
        ("[[expect]]\nwhat = 'x'\npermit = true\nwho = 1", "unknown field `who`"),
        ("[[expected]]\nwhat = 'x'", "unknown field `expected`"),
        ("[[expect]]\nwhat = 'x'\npermit = true\ndataset = { tier = 'GREEN' }", "GREEN"),
        ("[[expect]]\nwhat = 'x'\npermit = true\ndataset = { tier = 'OPEN', colour = 1 }", "unknown field `colour`"),
        (
            "[[expect]]\nwhat = 'x'\npermit = true\ncaller = { town = 'x' }\ndataset = { tier = 'OPEN' }",
            "unknown field",
        ),
        (
            "[[expect]]\nwhat = 'x'\npermit = true\ndataset = { tier = 'OPEN' }\n" * (MAX_EXPECTATIONS + 1),
            "length <= 1000",
        ),
    ],
)
def test_a_file_that_says_nothing_known_is_refused(text, reason):
    with pytest.raises(PolicyError) as caught:
        read_expectations(text)
    assert reason in str(caught.value)


def test_as_many_as_are_allowed_are_read():
    one = "[[expect]]\nwhat = 'x'\npermit = true\ndataset = { tier = 'OPEN' }\n"
    assert len(read_expectations(one * MAX_EXPECTATIONS)) == 1_000
    assert read_expectations("") == []


def test_an_obligation_that_there_is_not_is_refused():
    with pytest.raises(PolicyError, match="blur=3"):
        unmet('dataset = { tier = "OPEN", obligations = ["blur=3"] }', "permit = true")
    with pytest.raises(PolicyError, match="blur=3"):
        unmet('dataset = { tier = "OPEN" }', "permit = true", 'obligations = ["blur=3"]')
