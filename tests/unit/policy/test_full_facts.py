"""The engine against Cedar asked for each dataset singly, over all facts, spelled out here without the engine's code."""

from __future__ import annotations

import json
from datetime import timedelta

from cedarpy import Decision as CedarDecision
from cedarpy import is_authorized
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model import Action, Agreement, Caller, DatasetFacts, Decision, Tier
from policy.rules import RuleSet
from tests.unit.policy.world import DAY, NOW, OWNER, engine

CITIES = (OWNER, "offenbach", "wetzlar")
PURPOSES = ("research", "statistics")
APPLICATIONS = ("lab", "portal")
KEYS = tuple(f"d{n}" for n in range(8))

STATEMENTS = [
    '@id("{}") {} (principal, action, resource == Verbund::Dataset::"d0");',
    '@id("{}") {} (principal, action, resource) when {{ [Verbund::Dataset::"d1", Verbund::Dataset::"d2"].contains(resource) }};',
    '@id("{}") {} (principal in Verbund::City::"offenbach", action, resource) when {{ resource.tier == "SHARED" }};',
    '@id("{}") {} (principal, action == Verbund::Action::"readCatalog", resource) when {{ context.purpose == "research" }};',
    '@id("{}") {} (principal, action, resource in Verbund::Agreement::"ag0");',
    '@id("{}") {} (principal in Verbund::Mandate::"wetzlar/research", action, resource) when {{ resource.tier != "OPEN" }};',
    '@id("{}") {} (principal, action, resource) when {{ context has via && context.via == Verbund::City::"wetzlar" }};',
    '@id("{}") {} (principal, action, resource) when {{ context.hops + 9223372036854775807 > 0 }};',
]
statements = st.lists(st.tuples(st.sampled_from(STATEMENTS), st.sampled_from(["permit", "forbid"])), max_size=3)
city_rules = statements.map(
    lambda chosen: RuleSet.load("\n".join(text.format(f"rule{n}", effect) for n, (text, effect) in enumerate(chosen)))
)
forbids = st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=2)

datasets = st.lists(st.sampled_from(list(Tier)), min_size=1, max_size=8).map(
    lambda tiers: [DatasetFacts(n, f"d{n}", tier) for n, tier in enumerate(tiers)]
)
some_agreements = st.lists(
    st.builds(
        Agreement,
        id=st.sampled_from(["ag0", "ag1", "ag2", "ag3"]),
        member=st.sampled_from(CITIES),
        datasets=st.frozensets(st.sampled_from(KEYS), min_size=1),
        purposes=st.frozensets(st.sampled_from(PURPOSES), min_size=1),
        valid_from=st.sampled_from([NOW - DAY, NOW, NOW + timedelta(microseconds=1)]),
        valid_until=st.sampled_from([NOW, NOW + timedelta(microseconds=1), NOW + 2 * DAY]),
        applications=st.frozensets(st.sampled_from(APPLICATIONS)),
        revoked_at=st.sampled_from([None, NOW, NOW + timedelta(microseconds=1)]),
    ),
    max_size=4,
    unique_by=lambda agreement: agreement.id,
)
callers = st.builds(
    Caller,
    city=st.sampled_from([None, *CITIES]),
    application=st.sampled_from([None, *APPLICATIONS]),
    purpose=st.sampled_from([None, *PURPOSES]),
    peer=st.sampled_from([None, *CITIES]),
)
# Most callers drawn at random are refused at once; these have something to lose.
welcome = st.builds(
    lambda city, application, purpose: Caller(city, application, purpose, peer=city),
    st.sampled_from(CITIES[1:]),
    st.sampled_from(APPLICATIONS),
    st.sampled_from(PURPOSES),
)
suspensions = st.frozensets(st.sampled_from(CITIES), max_size=1)
actions = st.sampled_from(list(Action))
FREE = {
    "minimumCount": 0,
    "stepSeconds": 0,
    "delaySeconds": 0,
    "placeMetres": 0,
    "roundTo": 0,
    "rows": 2**31 - 1,
    "without": [],
}


def entity(kind: str, name: str, parents=(), **attrs):
    return {"uid": uid(kind, name), "attrs": attrs, "parents": [uid(*parent) for parent in parents]}


def uid(kind: str, name: str):
    return {"type": f"Verbund::{kind}", "id": name}


def ref(kind: str, name: str):
    return {"__entity": uid(kind, name)}


def cedar_says(rules, all_datasets, agreements, suspended, caller, action, key) -> Decision:
    in_force = [
        a for a in agreements if a.valid_from <= NOW < a.valid_until and not (a.revoked_at and a.revoked_at <= NOW)
    ]
    world = [entity("City", city, suspended=city in suspended) for city in CITIES]
    world += [entity("Agreement", a.id) for a in in_force]
    world += [
        entity(
            "Dataset",
            d.key,
            [("Agreement", a.id) for a in in_force if d.key in a.datasets],
            owner=ref("City", OWNER),
            tier=d.tier.value,
            personal="",
            purposes=[],
            purposesLimited=False,
            openLimited=False,
            terms=FREE,
        )
        for d in all_datasets
    ]
    if caller.city and caller.application:
        parents = [("City", caller.city)]
        if caller.purpose:
            parents += [("Mandate", f"{caller.city}/{caller.purpose}")]
            parents += [("ApplicationMandate", f"{caller.city}/{caller.application}/{caller.purpose}")]
        principal = ("Application", f"{caller.city}/{caller.application}")
    else:
        principal, parents = ("Anonymous", "anonymous"), []
    attrs = {"city": ref("City", caller.city)} if caller.city else {}
    world.append(entity(*principal, parents, **attrs))
    links = []
    for a in in_force:
        for purpose in a.purposes:
            for application in a.applications or {None}:
                parts = [part for part in (application, purpose) if part]
                kind = "ApplicationMandate" if application else "Mandate"
                values = {"?principal": uid(kind, "/".join([a.member, *parts])), "?resource": uid("Agreement", a.id)}
                new_id = "/".join(["agreement", a.id, *parts])
                links.append({"template_id": "agreement", "new_id": new_id, "values": values})
    context = {"hops": 1 if caller.peer else 0, "purpose": caller.purpose or "", "plan": FREE}
    if caller.peer:
        context["via"] = ref("City", caller.peer)
    question = {
        "principal": uid(*principal),
        "action": uid("Action", action.value),
        "resource": uid("Dataset", key),
        "context": context,
    }
    answer = is_authorized(question, rules.policies.with_linked_batch(links), json.dumps(world), rules.schema)
    allow = answer.decision is CedarDecision.Allow
    if allow and answer.diagnostics.errors:
        return Decision(permit=False)
    names = answer.diagnostics.id_annotations_by_reason
    reasons = (r if r.startswith("agreement/") else names[r] for r in answer.diagnostics.reasons)
    return Decision(allow, tuple(sorted(reasons)))


@settings(max_examples=250, deadline=None)
@given(city_rules, datasets, some_agreements, suspensions, callers | welcome, actions)
def test_the_grant_is_what_cedar_says_of_each_dataset(rules, all_datasets, agreements, suspended, caller, action):
    judge = engine(all_datasets, agreements, rules, suspended)
    grant = judge.grant(caller, action, NOW)
    expected = {
        d.key: cedar_says(rules, all_datasets, agreements, suspended, caller, action, d.key) for d in all_datasets
    }
    assert {d.key: judge.decide(caller, action, d.key, NOW) for d in all_datasets} == expected
    assert grant.datasets == {d.id: d.key for d in all_datasets if expected[d.key].permit}
    assert grant.rules == {key: decision.rules for key, decision in expected.items() if decision.permit}


@settings(max_examples=150, deadline=None)
@given(datasets, some_agreements.filter(bool), suspensions, welcome, actions, st.data())
def test_an_agreement_less_is_never_a_dataset_more(all_datasets, agreements, suspended, caller, action, data):
    gone = data.draw(st.sampled_from(agreements))
    fewer = [agreement for agreement in agreements if agreement is not gone]
    wide = engine(all_datasets, agreements, suspended=suspended).grant(caller, action, NOW).datasets
    narrow = engine(all_datasets, fewer, suspended=suspended).grant(caller, action, NOW).datasets
    assert narrow.items() <= wide.items()
    if gone.member != caller.city:
        assert narrow == wide


@settings(max_examples=150, deadline=None)
@given(statements, forbids, datasets, some_agreements, callers | welcome, actions)
def test_a_forbid_more_is_never_a_dataset_more(chosen, further, all_datasets, agreements, caller, action):
    texts = [text.format(f"rule{n}", effect) for n, (text, effect) in enumerate(chosen)]
    stricter = [text.format(f"further{n}", "forbid") for n, text in enumerate(further)]
    wide = engine(all_datasets, agreements, RuleSet.load("\n".join(texts))).grant(caller, action, NOW).datasets
    narrow = (
        engine(all_datasets, agreements, RuleSet.load("\n".join(texts + stricter))).grant(caller, action, NOW).datasets
    )
    assert narrow.items() <= wide.items()
