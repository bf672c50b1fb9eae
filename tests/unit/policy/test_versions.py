"""Versions of an agreement: one ends as the next begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from policy.agreements import in_succession
from policy.model import Action
from policy.obligations import Obligations
from tests.unit.policy.world import AGREEMENTS, DAY, NOW, engine, guest

AGREED = guest("offenbach", "traffic-planning")
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("second", "before", "after"),
    [
        ({}, True, True),
        ({"purposes": frozenset({"research"})}, True, False),
        ({"purposes": frozenset({"research"}), "revoked_at": NOW}, True, True),
        ({"purposes": frozenset({"research"}), "revoked_at": NOW - DAY}, True, True),
        ({"revoked_at": NOW + HOUR / 2}, True, False),
        ({"valid_until": NOW + HOUR / 2}, True, False),
        ({"valid_from": NOW + DAY}, True, True),
    ],
    ids=str,
)
def test_a_version_ends_as_the_next_one_begins(second, before, after):
    """The second begins at NOW, unless it says otherwise, or was revoked by then."""
    first = AGREEMENTS[0]
    judge = engine(agreements=[first, replace(first, version=2, **{"valid_from": NOW, **second})])
    sees = lambda at: "kfz" in judge.grant(AGREED, Action.READ_CATALOG, at).datasets.values()
    assert sees(NOW - MOMENT) is before
    assert sees(NOW + HOUR) is after


def test_of_three_versions_the_last_that_has_begun_holds_whatever_their_order():
    begins = ({"obligations": Obligations(step_s=900)}, {"valid_from": NOW - HOUR}, {"valid_from": NOW})
    found = [replace(AGREEMENTS[0], version=number, **more) for number, more in enumerate(begins, 1)]
    for shuffled in permutations(found):
        first, second, third = sorted(in_succession(shuffled), key=lambda one: one.version)
        assert (first.valid_until, second.valid_until, third.valid_until) == (NOW - HOUR, NOW, NOW + DAY)
    assert in_succession([replace(found[2], id="other"), found[0]])[1].valid_until == NOW + DAY
