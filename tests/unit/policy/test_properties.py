"""What must hold whatever the facts are."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from cedarpy import Decision as CedarDecision
from cedarpy import Entities, is_authorized
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import entities
from policy.agreements import links
from policy.model import Action, Agreement, Caller, DatasetFacts, Tier
from policy.obligations import NONE
from policy.rules import RuleSet
from tests.unit.policy.world import DAY, NOW, OWNER, RULES, engine, guest

CITIES = ("giessen", "offenbach", "wetzlar")
PURPOSES = ("traffic-planning", "research")
APPLICATIONS = ("a", "b")
KEYS = tuple(f"d{i}" for i in range(6))

facts = st.lists(st.sampled_from(list(Tier)), min_size=1, max_size=6).map(
    lambda tiers: [DatasetFacts(i, f"d{i}", tier) for i, tier in enumerate(tiers)]
)
agreement = st.builds(
    Agreement,
    id=st.uuids().map(str),
    member=st.sampled_from(CITIES[1:]),
    datasets=st.frozensets(st.sampled_from(KEYS), min_size=1),
    purposes=st.frozensets(st.sampled_from(PURPOSES), min_size=1),
    valid_from=st.sampled_from([NOW - DAY, NOW, NOW + DAY]),
    valid_until=st.sampled_from([NOW - timedelta(hours=1), NOW, NOW + 2 * DAY]),
    applications=st.frozensets(st.sampled_from(APPLICATIONS)),
    revoked_at=st.sampled_from([None, NOW, NOW + DAY]),
)
callers = st.builds(
    Caller,
    city=st.sampled_from([None, *CITIES]),
    application=st.sampled_from([None, *APPLICATIONS]),
    purpose=st.sampled_from([None, *PURPOSES]),
    peer=st.sampled_from([None, *CITIES[1:]]),
)
actions = st.sampled_from(list(Action))


def ask_cedar_singly(datasets, agreements, caller, action, key) -> bool:
    """One dataset, one question, all facts spelled out: what the engine's classes must not change."""
    described = [
        entities.city_entity(OWNER, frozenset()),
        *(
            entities.dataset_entity(one, OWNER, [a.id for a in agreements if one.key in a.datasets], NONE)
            for one in datasets
        ),
        *entities.caller_entities(caller, OWNER, frozenset()),
    ]
    policies = RULES.policies.with_linked_batch(links(agreements, NOW))
    answer = is_authorized(
        entities.request(caller, action, key, NONE),
        policies,
        Entities.from_json_str(orjson.dumps(described).decode(), RULES.schema),
        RULES.schema,
    )
    return answer.decision is CedarDecision.Allow and not answer.diagnostics.errors


@settings(max_examples=60, deadline=None)
@given(facts, st.lists(agreement, max_size=4), callers, actions)
def test_the_grant_is_what_single_decisions_say(datasets, agreements, caller, action):
    judge = engine(datasets, agreements)
    granted = set(judge.grant(caller, action, NOW).datasets.values())
    for dataset in datasets:
        singly = ask_cedar_singly(datasets, agreements, caller, action, dataset.key)
        assert (dataset.key in granted) is singly
        assert judge.decide(caller, action, dataset.key, NOW).permit is singly


@settings(max_examples=60, deadline=None)
@given(facts, st.lists(agreement, min_size=1, max_size=4), callers, actions, st.data())
def test_taking_an_agreement_away_never_widens(datasets, agreements, caller, action, data):
    fewer = list(agreements)
    fewer.pop(data.draw(st.integers(0, len(fewer) - 1)))
    wide = set(engine(datasets, agreements).grant(caller, action, NOW).datasets)
    assert set(engine(datasets, fewer).grant(caller, action, NOW).datasets) <= wide


STRICTER = [
    RuleSet.load(f'@id("stricter") forbid (principal, action, resource) when {{ {condition} }};')
    for condition in ('resource.tier == "OPEN"', "context.hops == 1", 'context.purpose == "research"', "true")
]


@settings(max_examples=60, deadline=None)
@given(facts, st.lists(agreement, max_size=3), callers, actions, st.sampled_from(STRICTER))
def test_a_further_forbid_never_widens(datasets, agreements, caller, action, stricter):
    wide = set(engine(datasets, agreements).grant(caller, action, NOW).datasets)
    assert set(engine(datasets, agreements, stricter).grant(caller, action, NOW).datasets) <= wide


@settings(max_examples=60, deadline=None)
@given(facts, st.lists(agreement, max_size=4), callers, actions)
def test_others_never_see_internal_or_protected(datasets, agreements, caller, action):
    granted = set(engine(datasets, agreements).grant(caller, action, NOW).datasets.values())
    for dataset in datasets:
        if dataset.tier is Tier.PROTECTED or (dataset.tier is Tier.INTERNAL and caller.city != OWNER):
            assert dataset.key not in granted


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        (NOW - timedelta(microseconds=1), False),
        (NOW, True),
        (NOW + DAY - timedelta(microseconds=1), True),
        (NOW + DAY, False),
        (NOW + 9 * DAY, False),
    ],
)
def test_an_agreement_begins_and_ends_on_the_microsecond(moment, holds):
    one = Agreement("x", "offenbach", frozenset({"kfz"}), frozenset({"research"}), NOW, NOW + DAY)
    judge = engine(agreements=[one])
    for _ in range(2):  # what is remembered from one time must not serve another
        assert (
            "kfz" in judge.grant(guest("offenbach", "research"), Action.READ_CATALOG, moment).datasets.values()
        ) is holds
    judge.grant(guest("offenbach", "research"), Action.READ_CATALOG, NOW)
    assert (
        "kfz" in judge.grant(guest("offenbach", "research"), Action.READ_CATALOG, moment).datasets.values()
    ) is holds


def test_a_revoked_agreement_ends_when_it_was_revoked():
    one = Agreement("x", "offenbach", frozenset({"kfz"}), frozenset({"research"}), NOW - DAY, NOW + DAY, revoked_at=NOW)
    judge = engine(agreements=[one])
    before = judge.grant(guest("offenbach", "research"), Action.READ_CATALOG, NOW - timedelta(seconds=1))
    assert "kfz" in before.datasets.values()
    assert "kfz" not in judge.grant(guest("offenbach", "research"), Action.READ_CATALOG, NOW).datasets.values()


STRANGE = [
    'x" ) || true',
    "offenbach/portal",
    "a/b",
    "%2F",
    "",
    "\x00",
    "ä\u202e",
    '{"__entity": {}}',
    "x" * 5_000,
    "::",
]


@pytest.mark.parametrize("text", STRANGE)
def test_strange_ids_are_only_ids(text):
    judge = engine()
    for caller in (guest(text, "traffic-planning"), guest("offenbach", text), guest("offenbach", "research", text)):
        assert set(judge.grant(caller, Action.READ_CATALOG, NOW).datasets.values()) <= {"rad"}
    assert judge.decide(guest("offenbach", "research"), Action.READ_CATALOG, text, NOW).permit is False


def test_ids_can_not_pose_as_two_parts():
    """City `offenbach` with application `a/b` must not be taken for application `b` of city `offenbach/a`."""
    one = Agreement(
        "x", "offenbach", frozenset({"kfz"}), frozenset({"research"}), NOW - DAY, NOW + DAY, frozenset({"a/b"})
    )
    other = Agreement("x/a", "offenbach", frozenset({"kfz"}), frozenset({"b/research"}), NOW - DAY, NOW + DAY)
    judge = engine(agreements=[one, other])
    assert "kfz" not in judge.grant(guest("offenbach/a", "research", "b"), Action.READ_CATALOG, NOW).datasets.values()
    assert "kfz" in judge.grant(guest("offenbach", "research", "a/b"), Action.READ_CATALOG, NOW).datasets.values()
