"""Callers and grants: what makes two callers the same, and what a grant says of some of its datasets."""

from __future__ import annotations

from dataclasses import replace

from policy.model import ANONYMOUS, Action, Caller, Grant
from policy.obligations import Obligations
from tests.unit.policy.world import NOW, engine, guest, own


def test_whoever_has_the_same_rights_is_the_same_but_for_the_token():
    caller = Caller(
        "giessen", "amt", "research", frozenset({"data:read"}), "fulda", "token", "§ 1", "gi-of", "somebody"
    )
    assert replace(caller, token_id="other").rights == caller.rights
    for name, other in (
        ("city", "fulda"), ("application", "b"), ("purpose", None), ("scopes", frozenset()), ("peer", None),
        ("legal_basis", None), ("agreement", None), ("subject", None),
    ):  # fmt: skip
        assert replace(caller, **{name: other}).rights != caller.rights, name


def test_nobody_in_particular_is_who_has_no_application():
    assert ANONYMOUS.is_anonymous
    assert Caller(city="fulda", peer="fulda").is_anonymous
    assert not own().is_anonymous


def test_a_grant_tells_rules_and_obligations_of_the_datasets_that_are_asked_for():
    grant = engine().grant(guest("wetzlar", "statistics"), Action.READ_CATALOG, NOW)
    assert grant.rules_for(frozenset({"rad", "kfz", "nothing"})) == ("agreement/gi-wz/statistics", "open-tier")
    assert grant.rules_for(frozenset()) == ()
    assert grant.obligations_for(frozenset({"rad"})) == ()
    hours, five = Obligations(step_s=3_600), Obligations(minimum_count=5)
    told = Grant(obligations={"a": hours | five, "b": hours})
    assert told.obligations_for(frozenset({"b", "c"})) == ("time=PT1H",)
    assert told.obligations_for(frozenset({"a", "b"})) == ("minimum-count=5", "time=PT1H")
