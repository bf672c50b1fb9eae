"""A city's own rules can refuse one application of another city; the command for it is `verbund client refuse`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from policy.engine import Engine
from policy.model import Action, Agreement, Caller, DatasetFacts, Tier
from policy.rules import RuleSet

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULE = """
@id("no-portal")
forbid (principal == Verbund::Application::"offenbach/verkehrsportal", action, resource);
"""


def granted(application: str) -> set[str]:
    day = timedelta(days=1)
    agreement = Agreement("a", "offenbach", frozenset({"kfz"}), frozenset({"research"}), NOW - day, NOW + day)
    engine = Engine(
        RuleSet.load(RULE),
        owner="giessen",
        datasets=[DatasetFacts(1, "kfz", Tier.SHARED)],
        agreements=[agreement],
        epoch=1,
    )
    caller = Caller("offenbach", application, "research", peer="offenbach")
    return set(engine.grant(caller, Action.READ_CATALOG, NOW).datasets.values())


def test_one_application_is_refused_and_the_others_are_not() -> None:
    assert granted("verkehrsportal") == set()
    assert granted("statistikportal") == {"kfz"}
