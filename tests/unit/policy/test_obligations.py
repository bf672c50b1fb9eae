"""Obligations: their text, how they compose, and how plans are tightened until the rules let them pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.errors import PolicyError
from policy.model import ANONYMOUS, Action, Agreement, Caller, DatasetFacts, Tier
from policy.obligations import (
    FIELDS,
    LEAST_COUNT,
    MOST,
    NONE,
    STEPS,
    UNLIMITED,
    Obligations,
    coarsest_step,
    read_obligations,
)
from policy.repairs import read_repair
from policy.rules import RuleSet
from tests.unit.policy.world import DAY, NOW, OWNER, engine, guest, own

READ = Action.READ_OBSERVATIONS
obligations = st.builds(
    Obligations,
    st.sampled_from([0, 3, 5, 10]),
    st.sampled_from([0, *STEPS.values()]),
    st.sampled_from([0, 60, 3600]),
    st.sampled_from([0, 100, 1000]),
    st.sampled_from([0, 5, 10]),
    st.sampled_from([1, 100, UNLIMITED]),
    st.frozensets(st.sampled_from(sorted(FIELDS))),
)


@given(obligations)
def test_the_text_says_it_all(one):
    assert read_obligations(one.texts()) == one


def test_what_can_be_said():
    """The words are part of agreements that cities have signed: none may change its meaning."""
    assert STEPS == {"PT15M": 900, "PT30M": 1_800, "PT1H": 3_600, "PT6H": 21_600, "P1D": 86_400}
    assert (UNLIMITED, LEAST_COUNT, MOST) == (2_147_483_647, 3, 1_000_000_000)
    assert Obligations(0, 0, 0, 0, 0, UNLIMITED, frozenset()) == NONE
    for text, expected in (
        ("minimum-count=3", Obligations(minimum_count=3)),
        ("delay=1", Obligations(delay_s=1)),
        ("place=1", Obligations(place_m=1)),
        ("round=2", Obligations(rounding=2)),
        ("rows=1", Obligations(rows=1)),
        ("rows=1000000000", Obligations(rows=1_000_000_000)),
        ("time=P1D", Obligations(step_s=86_400)),
        ("without=Thing.location", Obligations(without=frozenset({"Thing.location"}))),
    ):
        assert read_obligations([text]) == expected
        assert expected.texts() == (text,)
    assert Obligations(step_s=60).texts() == ("time=PT60S",)
    assert NONE.texts() == ()
    assert NONE.severity < Obligations(rows=5).severity < Obligations(minimum_count=3).severity
    assert coarsest_step([]) == 0
    assert coarsest_step([Obligations(step_s=900), NONE]) == 900


@given(obligations, obligations, obligations)
def test_they_compose(one, other, third):
    assert one | other == other | one
    assert (one | other) | third == one | (other | third)
    assert one | one == one == one | NONE
    assert (one | other).meets(one)
    assert (one | other).severity >= one.severity
    assert one.meets(other) == (one | other == one)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time=PT2H", "choose a step from PT15M, PT30M, PT1H, PT6H, P1D"),
        ("minimum-count=2", "a whole number from 3"),
        ("minimum-count=+5", "a whole number from 3"),
        ("minimum-count=٥", "a whole number from 3"),
        ("delay=0", "a whole number from 1"),
        ("round=1", "a whole number from 2"),
        ("rows=1000000001", "to 1000000000"),
        ("rows=" + "9" * 5000, "to 1000000000"),
        ("without=Dataset.tier", "fields that can be left out are Dataset.contactPoint"),
        ("blur=3", "is not known; write minimum-count=…"),
    ],
)
def test_a_text_that_says_nothing_known_is_refused(text, reason):
    with pytest.raises(PolicyError, match=reason):
        read_obligations([text])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("plan.rows >= 5", "rows are bounded by <="),
        ("plan.minimumCount <= 5", "everything else by >="),
        ("plan.minimumCount >= resource.terms.rows", "compare with resource.terms.minimumCount"),
        ("plan.size >= 5", "write e.g."),
        ("plan.stepSeconds >= 7200", "there are no steps of 7200 seconds"),
        ("plan.minimumCount >= 2", "is at least 3"),
        ("be nice", "write e.g."),
        ('plan.without contains "Dataset.tier"', "can't be left out"),
    ],
)
def test_advice_that_can_not_be_followed_is_refused(text, reason):
    with pytest.raises(PolicyError, match=reason):
        read_repair(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plan.minimumCount >= 5", Obligations(minimum_count=5)),
        ("plan.stepSeconds >= resource.terms.stepSeconds", Obligations(step_s=3600)),
        ("plan.delaySeconds >= 60", Obligations(delay_s=60)),
        ("plan.placeMetres >= 100", Obligations(place_m=100)),
        ("plan.roundTo >= 5", Obligations(rounding=5)),
        ("plan.rows <= 10", Obligations(rows=10)),
        ("plan.rows <= resource.terms.rows", Obligations(rows=7)),
        ('plan.without contains "Thing.location"', Obligations(without=frozenset({"Thing.location"}))),
        ("plan.without contains resource.terms.without", Obligations(without=frozenset({"Thing.description"}))),
    ],
)
def test_advice(text, expected):
    terms = Obligations(step_s=3600, rows=7, without=frozenset({"Thing.description"}))
    assert read_repair(text).of(terms) == expected


HOURLY = Obligations(minimum_count=5, step_s=3600)
FINE = Obligations(minimum_count=5)
COUNTS = DatasetFacts(1, "rad", Tier.OPEN, obligations=FINE, open_obligations=HOURLY)


def agreed(obligations=NONE, id_="a", **more):
    return Agreement(
        id_, "fulda", frozenset({"rad"}), frozenset({"research"}), NOW - DAY, NOW + DAY, obligations=obligations, **more
    )


@pytest.mark.parametrize(
    ("caller", "agreements", "expected"),
    [
        (ANONYMOUS, [], HOURLY),
        (own(), [], NONE),
        (guest("fulda", "research"), [], HOURLY),
        (guest("fulda", "research"), [agreed()], FINE),
        (guest("fulda", "statistics"), [agreed()], HOURLY),
        (guest("fulda", "research"), [agreed(Obligations(rows=10))], FINE | Obligations(rows=10)),
        # of two agreements the less severe one; never a mixture
        (
            guest("fulda", "research"),
            [agreed(Obligations(step_s=900)), agreed(Obligations(delay_s=60), "b")],
            FINE | Obligations(delay_s=60),
        ),
        # an agreement that is stricter than what everybody has takes nothing away
        (guest("fulda", "research"), [agreed(Obligations(step_s=86_400))], HOURLY),
    ],
)
def test_what_comes_under_which_obligations(caller, agreements, expected):
    judge = engine([COUNTS], agreements)
    for action in Action:
        decision = judge.decide(caller, action, "rad", NOW)
        assert decision.permit
        assert decision.obligations == expected
    grant = judge.grant(caller, READ, NOW)
    assert grant.obligations == ({} if expected == NONE else {"rad": expected})
    assert grant.obligations_for(frozenset({"rad", "else"})) == tuple(sorted(expected.texts()))


def test_the_rules_that_oblige_are_named():
    decision = engine([COUNTS], []).decide(ANONYMOUS, READ, "rad", NOW)
    assert decision.rules == ("open-tier",)
    assert decision.obliged_by == ("coarser-time", "minimum-count")


def test_every_obligation_of_the_federation_is_repaired():
    terms = Obligations(5, 3600, 60, 100, 5, 10, frozenset(FIELDS))
    judge = engine([replace(COUNTS, obligations=terms)], [])
    assert judge.decide(ANONYMOUS, READ, "rad", NOW).obligations == terms


def test_what_tells_of_people_indirectly_has_a_minimum_count():
    judge = engine([DatasetFacts(1, "rad", Tier.OPEN, personal="INDIRECT")], [])
    assert judge.decide(ANONYMOUS, READ, "rad", NOW).obligations == Obligations(minimum_count=3)
    assert judge.decide(own(), READ, "rad", NOW).obligations == NONE


def test_what_tells_of_people_directly_stays_at_home():
    judge = engine([DatasetFacts(1, "rad", Tier.OPEN, personal="DIRECT")], [agreed()])
    assert not judge.decide(ANONYMOUS, READ, "rad", NOW).permit
    assert not judge.decide(guest("fulda", "research"), READ, "rad", NOW).permit
    assert judge.decide(own(), READ, "rad", NOW).permit


@pytest.mark.parametrize("caller", [own("ai-training"), guest("fulda", "ai-training")])
@pytest.mark.parametrize(("purposes", "permit"), [(None, False), ({"research"}, False), ({"ai-training"}, True)])
def test_ai_is_off_unless_it_was_assessed(caller, purposes, permit):
    facts = DatasetFacts(1, "rad", Tier.SHARED, purposes=purposes and frozenset(purposes))
    judge = engine([facts], [replace(agreed(), purposes=frozenset({"research", "ai-training"}))])
    assert judge.decide(caller, READ, "rad", NOW).permit is permit
    if permit is False and purposes is None:
        assert judge.decide(caller, READ, "rad", NOW).rules == ("ai-only-if-assessed",)


def test_an_agreement_does_not_allow_what_the_assessment_does_not():
    facts = DatasetFacts(1, "rad", Tier.SHARED, purposes=frozenset({"statistics"}))
    judge = engine([facts], [agreed()])
    assert judge.decide(guest("fulda", "research"), READ, "rad", NOW).rules == ("assessed-purposes-only",)
    assert judge.decide(own("research"), READ, "rad", NOW).permit


def city(text: str):
    return RuleSet.load(f'@id("own-rule") {text}')


def test_a_city_obliges_by_rules_of_its_own():
    rules = city(
        '@obligation("plan.roundTo >= 10") forbid (principal, action, resource) when { context.plan.roundTo < 10 };'
    )
    decision = engine([COUNTS], [], rules).decide(own(), READ, "rad", NOW)
    assert decision.obligations == Obligations(rounding=10)
    assert decision.obliged_by == ("own-rule",)


@pytest.mark.parametrize(
    "text",
    [
        # advice that does not help, advice for a rule that nothing satisfies, and no advice at all
        '@obligation("plan.roundTo >= 5") forbid (principal, action, resource) when { context.plan.roundTo < 10 };',
        '@obligation("plan.roundTo >= 5") forbid (principal, action, resource);',
        "forbid (principal, action, resource) when { context.plan.roundTo < 10 };",
    ],
)
def test_a_rule_whose_advice_does_not_help_forbids(text):
    decision = engine([COUNTS], [], city(text)).decide(ANONYMOUS, READ, "rad", NOW)
    assert not decision.permit
    assert decision.rules == ("own-rule",)


def test_advice_that_chases_itself_ends_in_a_denial():
    text = "\n".join(
        f'@id("r{n}") @obligation("plan.delaySeconds >= {n + 1}") forbid (principal, action, resource)'
        f" when {{ context.plan.delaySeconds == {n} }};"
        for n in range(20)
    )
    assert not engine([COUNTS], [], RuleSet.load(text)).decide(ANONYMOUS, READ, "rad", NOW).permit


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '@id("a") @obligation("plan.rows <= 5") permit (principal, action, resource);',
            "city.cedar:1: @obligation stands",
        ),
        ('\n@id("a") @obligation("no") forbid (principal, action, resource);', "city.cedar:2: @obligation"),
    ],
)
def test_an_obligation_that_can_not_be_kept_is_refused_with_its_line(text, reason):
    with pytest.raises(PolicyError, match=reason):
        RuleSet.load(text)


WIDEST = '@id("all") permit (principal, action, resource);'
facts = st.builds(
    DatasetFacts,
    st.just(1),
    st.just("rad"),
    st.sampled_from(list(Tier)),
    st.sampled_from(["", "NONE", "INDIRECT", "DIRECT"]),
    st.none() | st.frozensets(st.sampled_from(["research", "ai-training"])),
    obligations,
    obligations,
)
callers = st.builds(
    Caller,
    st.sampled_from([None, OWNER, "fulda"]),
    st.sampled_from([None, "app"]),
    st.sampled_from([None, "research", "ai-training"]),
    peer=st.sampled_from([None, "fulda"]),
)
several = st.lists(st.builds(agreed, obligations, st.uuids().map(str)), max_size=3)


@settings(max_examples=150, deadline=None)
@given(facts, several, callers)
def test_no_city_can_weaken_the_federation(one, agreements, caller):
    """A rule that permits everything opens a tier at most; what is forbidden and obliged stays so."""
    allowed = engine([one], agreements, RuleSet.load(WIDEST)).decide(caller, READ, "rad", NOW)
    is_own = caller.application is not None and caller.city == OWNER
    if not allowed.permit:
        return
    assert one.tier is not Tier.PROTECTED
    assert is_own or one.personal != "DIRECT"
    assert is_own or one.tier in (Tier.OPEN, Tier.SHARED)
    assert is_own or allowed.obligations.meets(one.obligations)
    assert is_own or one.personal != "INDIRECT" or allowed.obligations.minimum_count >= 3
    assert caller.purpose != "ai-training" or "ai-training" in (one.purposes or ())


@settings(max_examples=150, deadline=None)
@given(facts, several.filter(bool), callers, st.data())
def test_without_an_agreement_an_answer_is_never_wider(one, agreements, caller, data):
    gone = data.draw(st.sampled_from(agreements))
    wide = engine([one], agreements).decide(caller, READ, "rad", NOW)
    narrow = engine([one], [other for other in agreements if other is not gone]).decide(caller, READ, "rad", NOW)
    assert wide.permit >= narrow.permit
    if narrow.permit:
        assert narrow.obligations.severity >= wide.obligations.severity


FORBIDS = [
    'forbid (principal, action, resource) when { resource.tier == "SHARED" };',
    '@obligation("plan.roundTo >= 10") forbid (principal, action, resource) when { context.plan.roundTo < 10 };',
    '@obligation("plan.rows <= 5") forbid (principal, action, resource) when { context.plan.rows > 5 };',
    '@obligation("plan.without contains "Thing.location"") forbid (principal, action, resource);'.replace(
        '"Thing.location"', '\\"Thing.location\\"'
    ),
]


@settings(max_examples=100, deadline=None)
@given(facts, several, callers, st.lists(st.sampled_from(FORBIDS), unique=True), st.sampled_from(FORBIDS))
def test_a_forbid_more_never_widens(one, agreements, caller, texts, further):
    def decided(of):
        rules = RuleSet.load("\n".join(f'@id("r{n}") {text}' for n, text in enumerate([WIDEST[11:], *of])))
        return engine([one], agreements, rules).decide(caller, READ, "rad", NOW)

    wide, narrow = decided(texts), decided([*texts, further])
    assert wide.permit >= narrow.permit
    if narrow.permit:
        assert narrow.obligations.severity >= wide.obligations.severity


@settings(max_examples=100, deadline=None)
@given(facts, several, callers)
def test_the_plan_that_is_run_is_one_that_was_allowed(one, agreements, caller):
    """Whoever has less than everything has exactly what some way lets pass."""
    decision = engine([one], agreements).decide(caller, READ, "rad", NOW)
    if decision.permit and not (caller.application and caller.city == OWNER):
        people = Obligations(minimum_count=3) if one.personal == "INDIRECT" else NONE
        ways = [one.obligations | one.open_obligations | people]
        ways += [one.obligations | agreement.obligations | people for agreement in agreements]
        assert decision.obligations in ways


def test_the_grid_is_the_coarsest_step_that_anybody_gets():
    agreements = [agreed(Obligations(step_s=21_600)), agreed(Obligations(step_s=86_400), "b", revoked_at=NOW - DAY)]
    others = DatasetFacts(2, "kfz", Tier.SHARED, obligations=Obligations(step_s=900))
    assert engine([COUNTS, others], agreements).grids() == {1: 21_600, 2: 900}
    rule = city('@obligation("plan.stepSeconds >= 3600") forbid (principal, action, resource);')
    assert engine([COUNTS, others], agreements, rule).grids() == {1: 21_600, 2: 3_600}
    plain = DatasetFacts(3, "bus", Tier.SHARED)
    fine = Agreement("f", "fulda", frozenset({"bus"}), frozenset({"research"}), NOW - DAY, NOW + DAY)
    assert engine([plain], [fine]).grids() == engine([plain], []).grids() == {3: 0}


def test_the_strictest_terms_are_of_datasets_agreements_and_rules_together():
    rule = city('@obligation("plan.placeMetres >= 500") forbid (principal, action, resource);')
    one = DatasetFacts(1, "rad", Tier.OPEN, "", None, Obligations(rounding=5), Obligations(step_s=900))
    assert engine([one], [agreed(Obligations(delay_s=60))], rule).terms() == Obligations(
        minimum_count=3, rounding=5, step_s=900, delay_s=60, place_m=500
    ), "3 is the federation's, of what tells of people indirectly"
    assert engine([], []).terms() == Obligations(minimum_count=3)
