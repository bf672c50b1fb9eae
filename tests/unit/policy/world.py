"""Giessen's datasets and agreements, and the callers that ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from policy.engine import Engine
from policy.model import Agreement, Caller, DatasetFacts, Tier
from policy.rules import RuleSet

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OWNER = "giessen"
RULES = RuleSet.load()

DATASETS = (
    DatasetFacts(1, "rad", Tier.OPEN),
    DatasetFacts(2, "kfz", Tier.SHARED),
    DatasetFacts(3, "bus", Tier.SHARED),
    DatasetFacts(4, "akten", Tier.INTERNAL),
    DatasetFacts(5, "melde", Tier.PROTECTED),
)
AGREEMENTS = (
    Agreement("gi-of", "offenbach", frozenset({"kfz"}), frozenset({"traffic-planning"}), NOW - DAY, NOW + DAY),
    Agreement(
        "gi-wz",
        "wetzlar",
        frozenset({"kfz", "bus", "rad", "akten", "melde"}),
        frozenset({"statistics"}),
        NOW - DAY,
        NOW + DAY,
    ),
    Agreement(
        "gi-fd",
        "fulda",
        frozenset({"bus"}),
        frozenset({"research"}),
        NOW - DAY,
        NOW + DAY,
        applications=frozenset({"labor"}),
    ),
)


def engine(datasets=DATASETS, agreements=AGREEMENTS, rules=RULES, suspended=frozenset()) -> Engine:
    return Engine(rules, owner=OWNER, datasets=datasets, agreements=agreements, suspended_cities=suspended, epoch=7)


def own(purpose="operations", application="amt") -> Caller:
    return Caller(OWNER, application, purpose)


def guest(city: str, purpose: str | None, application: str | None = "portal", peer: str | None = None) -> Caller:
    return Caller(city, application, purpose, peer=peer or city)
