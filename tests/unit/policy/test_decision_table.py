"""Who may read what and by which rules, permits and denials: a table for auditors. Gießen owns the data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from policy.engine import Engine
from policy.model import ANONYMOUS, Action, Agreement, Caller, DatasetFacts, Decision, Tier
from policy.rules import RuleSet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

DATASETS = [
    DatasetFacts(1, "open", Tier.OPEN),
    DatasetFacts(2, "shared", Tier.SHARED),
    DatasetFacts(3, "shared-too", Tier.SHARED),
    DatasetFacts(4, "internal", Tier.INTERNAL),
    DatasetFacts(5, "protected", Tier.PROTECTED),
]
EVERYTHING = frozenset(dataset.key for dataset in DATASETS) - {"shared-too"}
YEAR = {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "valid_until": datetime(2027, 1, 1, tzinfo=UTC)}
AGREEMENTS = [
    # Offenbach's applications, for traffic planning. It names the internal and the protected dataset, too, in vain.
    Agreement("gi-of", "offenbach", EVERYTHING, frozenset({"traffic-planning"}), **YEAR),
    # One application of Wetzlar only, for research or statistics.
    Agreement(
        "gi-wz", "wetzlar", EVERYTHING, frozenset({"research", "statistics"}), **YEAR, applications=frozenset({"lab"})
    ),
    # Fulda's was revoked, Marburg's is over, Limburg's has not begun; Hanau is suspended.
    Agreement(
        "gi-fd",
        "fulda",
        EVERYTHING,
        frozenset({"research"}),
        **YEAR,
        revoked_at=datetime(2026, 5, 31, tzinfo=UTC),
    ),
    Agreement(
        "gi-mr",
        "marburg",
        EVERYTHING,
        frozenset({"research"}),
        valid_from=datetime(2025, 1, 1, tzinfo=UTC),
        valid_until=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    Agreement(
        "gi-lm",
        "limburg",
        EVERYTHING,
        frozenset({"research"}),
        valid_from=datetime(2026, 7, 1, tzinfo=UTC),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    ),
    Agreement("gi-hu", "hanau", EVERYTHING, frozenset({"research"}), **YEAR),
]

CALLERS = {
    "nobody in particular": ANONYMOUS,
    "nobody, through Offenbach": Caller("offenbach", None, None, peer="offenbach"),
    "nobody of Fulda, through Offenbach": Caller("fulda", None, None, peer="offenbach"),
    "nobody of no city, through Offenbach": Caller(None, None, None, peer="offenbach"),
    "nobody, through suspended Hanau": Caller("hanau", None, None, peer="hanau"),
    "Gießen's own, for traffic": Caller("giessen", "portal", "traffic-planning"),
    "Gießen's own, for nothing": Caller("giessen", "portal", None),
    "Gießen's own, through Offenbach": Caller("giessen", "portal", "traffic-planning", peer="offenbach"),
    "Offenbach, for traffic": Caller("offenbach", "portal", "traffic-planning", peer="offenbach"),
    "Offenbach, another application": Caller("offenbach", "lab", "traffic-planning", peer="offenbach"),
    "Offenbach, for research": Caller("offenbach", "portal", "research", peer="offenbach"),
    "Offenbach, for nothing": Caller("offenbach", "portal", None, peer="offenbach"),
    "Offenbach, not through its node": Caller("offenbach", "portal", "traffic-planning"),
    "Offenbach, through Fulda": Caller("offenbach", "portal", "traffic-planning", peer="fulda"),
    "Offenbach, through Gießen": Caller("offenbach", "portal", "traffic-planning", peer="giessen"),
    "Wetzlar's lab, for research": Caller("wetzlar", "lab", "research", peer="wetzlar"),
    "Wetzlar's lab, for statistics": Caller("wetzlar", "lab", "statistics", peer="wetzlar"),
    "Wetzlar's lab, for traffic": Caller("wetzlar", "lab", "traffic-planning", peer="wetzlar"),
    "Wetzlar's portal, for research": Caller("wetzlar", "portal", "research", peer="wetzlar"),
    "Fulda, revoked": Caller("fulda", "portal", "research", peer="fulda"),
    "Marburg, over": Caller("marburg", "portal", "research", peer="marburg"),
    "Limburg, not begun": Caller("limburg", "portal", "research", peer="limburg"),
    "Hanau, suspended": Caller("hanau", "portal", "research", peer="hanau"),
    "Offenbach, through suspended Hanau": Caller("offenbach", "portal", "traffic-planning", peer="hanau"),
    "an application of no city": Caller(None, "portal", "traffic-planning"),
}

# What decides, for each caller (rows) and each tier (columns). "+": permitted, and by which rule. "-": forbidden, and
# by which rules; a bare "-" is the default: nothing permits.
TABLE = """
                                       open              shared                shared, no agreement  internal                                      protected
nobody in particular                 | + open-tier     | - anonymous-open-only | - anonymous-open-only | - anonymous-open-only                     | - anonymous-open-only protected-never-leaves
nobody, through Offenbach            | + open-tier     | - anonymous-open-only | - anonymous-open-only | - anonymous-open-only                     | - anonymous-open-only protected-never-leaves
nobody of Fulda, through Offenbach   | - @vouch        | - anonymous-open-only @vouch | - anonymous-open-only @vouch | - anonymous-open-only @vouch | - anonymous-open-only @vouch protected-never-leaves
nobody of no city, through Offenbach | + open-tier     | - anonymous-open-only | - anonymous-open-only | - anonymous-open-only                     | - anonymous-open-only protected-never-leaves
nobody, through suspended Hanau      | - no-suspended-node | - anonymous-open-only no-suspended-node | - anonymous-open-only no-suspended-node | - anonymous-open-only no-suspended-node | - anonymous-open-only no-suspended-node protected-never-leaves
Gießen's own, for traffic            | + open-tier     | + own-city            | + own-city            | + own-city                                | - protected-never-leaves
Gießen's own, for nothing            | + open-tier     | + own-city            | + own-city            | + own-city                                | - protected-never-leaves
Gießen's own, through Offenbach      | - @vouch        | - @vouch              | - @vouch              | - @vouch                                  | - @vouch protected-never-leaves
Offenbach, for traffic               | + open-tier     | + agreement/gi-of/traffic-planning | -        | - internal-stays-home                     | - protected-never-leaves
Offenbach, another application       | + open-tier     | + agreement/gi-of/traffic-planning | -        | - internal-stays-home                     | - protected-never-leaves
Offenbach, for research              | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Offenbach, for nothing               | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Offenbach, not through its node      | - through-the-home-node | - through-the-home-node | - through-the-home-node | - internal-stays-home through-the-home-node | - protected-never-leaves through-the-home-node
Offenbach, through Fulda             | - @vouch        | - @vouch              | - @vouch              | - internal-stays-home @vouch              | - @vouch protected-never-leaves
Offenbach, through Gießen            | - @vouch        | - @vouch              | - @vouch              | - internal-stays-home @vouch              | - @vouch protected-never-leaves
Wetzlar's lab, for research          | + open-tier     | + agreement/gi-wz/lab/research | -            | - internal-stays-home                     | - protected-never-leaves
Wetzlar's lab, for statistics        | + open-tier     | + agreement/gi-wz/lab/statistics | -          | - internal-stays-home                     | - protected-never-leaves
Wetzlar's lab, for traffic           | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Wetzlar's portal, for research       | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Fulda, revoked                       | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Marburg, over                        | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Limburg, not begun                   | + open-tier     | -                     | -                     | - internal-stays-home                     | - protected-never-leaves
Hanau, suspended                     | - @suspended    | - @suspended          | - @suspended          | - internal-stays-home @suspended          | - @suspended protected-never-leaves
Offenbach, through suspended Hanau   | - no-suspended-node @vouch | - no-suspended-node @vouch | - no-suspended-node @vouch | - internal-stays-home no-suspended-node @vouch | - no-suspended-node @vouch protected-never-leaves
an application of no city            | + open-tier     | - anonymous-open-only | - anonymous-open-only | - anonymous-open-only                     | - anonymous-open-only protected-never-leaves
"""
SHORT = {"@vouch": "own-applications-only", "@suspended": "no-suspended-city no-suspended-node"}


def expectations():
    for line in TABLE.strip().splitlines()[1:]:
        who, *cells = (part.strip() for part in line.split("|"))
        for dataset, cell in zip(DATASETS, cells, strict=True):
            effect, *rules = cell.split()
            named = " ".join(SHORT.get(rule, rule) for rule in rules).split()
            yield pytest.param(
                who, dataset.key, Decision(effect == "+", tuple(sorted(named))), id=f"{who}: {dataset.key}"
            )


@pytest.fixture(scope="module")
def giessen():
    return Engine(
        RuleSet.load(),
        owner="giessen",
        datasets=DATASETS,
        agreements=AGREEMENTS,
        suspended_cities=frozenset({"hanau"}),
        epoch=7,
    )


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(("who", "dataset", "expected"), list(expectations()))
def test_who_may_read_what(giessen, who, dataset, action, expected):
    assert giessen.decide(CALLERS[who], action, dataset, NOW) == expected
    assert (dataset in giessen.grant(CALLERS[who], action, NOW).datasets.values()) is expected.permit


def test_the_table_names_every_caller():
    rows = [line.split("|")[0].strip() for line in TABLE.strip().splitlines()[1:]]
    assert sorted(rows) == sorted(CALLERS)


def test_a_grant_says_which_rule_gave_what_and_under_which_version(giessen):
    grant = giessen.grant(CALLERS["Offenbach, for traffic"], Action.READ_OBSERVATIONS, NOW)
    assert grant.datasets == {1: "open", 2: "shared"}
    assert grant.rules == {"open": ("open-tier",), "shared": ("agreement/gi-of/traffic-planning",)}
    assert grant.policy_version == giessen.policy_version == f"{RuleSet.load().version}-7"
