"""Who may see what: the table that an auditor reads. Gießen owns the data."""

from __future__ import annotations

import pytest

from policy.model import ANONYMOUS, Action, Caller
from tests.unit.policy.world import NOW, engine, guest, own

OPEN = {"rad"}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    ("who", "caller", "sees"),
    [
        ("nobody in particular", ANONYMOUS, OPEN),
        ("nobody, through Offenbach", Caller(peer="offenbach"), OPEN),
        ("nobody, with a purpose", Caller(purpose="traffic-planning", peer="offenbach"), OPEN),
        ("our own application", own(), {"rad", "kfz", "bus", "akten"}),
        ("our own without a purpose", own(purpose=None), {"rad", "kfz", "bus", "akten"}),
        ("Offenbach, as agreed", guest("offenbach", "traffic-planning"), {"rad", "kfz"}),
        ("Offenbach, another application", guest("offenbach", "traffic-planning", "other"), {"rad", "kfz"}),
        ("Offenbach, another purpose", guest("offenbach", "research"), OPEN),
        ("Offenbach, no purpose", guest("offenbach", None), OPEN),
        ("Offenbach, purpose of another agreement", guest("offenbach", "statistics"), OPEN),
        ("Wetzlar, as agreed", guest("wetzlar", "statistics"), {"rad", "kfz", "bus"}),
        ("Fulda, the application that is named", guest("fulda", "research", "labor"), {"rad", "bus"}),
        ("Fulda, another application", guest("fulda", "research", "portal"), OPEN),
        ("a city without agreement", guest("marburg", "traffic-planning"), OPEN),
        ("Offenbach's application through Fulda", guest("offenbach", "traffic-planning", peer="fulda"), set()),
        ("our own application through Offenbach", guest("giessen", "operations", peer="offenbach"), set()),
        ("Offenbach's application without its node", Caller("offenbach", "portal", "traffic-planning"), set()),
    ],
)
def test_who_sees_what(who, caller, sees, action):
    assert set(engine().grant(caller, action, NOW).datasets.values()) == sees, who


def test_the_deciding_rules_are_named():
    judge = engine()
    decide = lambda caller, key: judge.decide(caller, Action.READ_CATALOG, key, NOW)
    assert decide(ANONYMOUS, "rad").rules == ("open-tier",)
    assert decide(own(), "akten").rules == ("own-city",)
    assert decide(guest("offenbach", "traffic-planning"), "kfz").rules == ("agreement/gi-of/traffic-planning",)
    assert decide(guest("fulda", "research", "labor"), "bus").rules == ("agreement/gi-fd/labor/research",)
    assert decide(guest("offenbach", "traffic-planning"), "akten").rules == ("internal-stays-home",)
    assert decide(own(), "melde").rules == ("protected-never-leaves",)
    assert decide(guest("offenbach", "traffic-planning", peer="fulda"), "kfz").rules == ("own-applications-only",)


def test_the_default_is_deny():
    """No rule speaks for it: no permit, and no rule to name."""
    decision = engine(agreements=()).decide(guest("offenbach", "traffic-planning"), Action.READ_CATALOG, "kfz", NOW)
    assert (decision.permit, decision.rules) == (False, ())
    unknown = engine().decide(own(), Action.READ_CATALOG, "nothing", NOW)
    assert (unknown.permit, unknown.rules) == (False, ())
    assert engine(datasets=()).grant(own(), Action.READ_CATALOG, NOW).datasets == {}


@pytest.mark.parametrize("suspended", ["offenbach", "giessen"])
def test_suspended_cities_see_nothing_with_a_token(suspended):
    judge = engine(suspended=frozenset({suspended}))
    caller = guest("offenbach", "traffic-planning") if suspended == "offenbach" else own()
    assert judge.grant(caller, Action.READ_CATALOG, NOW).datasets == {}
    assert judge.decide(caller, Action.READ_CATALOG, "rad", NOW).rules[0].startswith("no-suspended")


def test_a_suspended_node_may_not_ask_for_anybody():
    judge = engine(suspended=frozenset({"offenbach"}))
    assert judge.grant(Caller(peer="offenbach"), Action.READ_CATALOG, NOW).datasets == {}


def test_the_version_names_rules_and_facts():
    judge = engine()
    assert judge.policy_version.endswith("-7")
    assert judge.grant(own(), Action.READ_CATALOG, NOW).policy_version == judge.policy_version
