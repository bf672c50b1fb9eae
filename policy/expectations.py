"""Expectations: what a city's rules have to decide, written down in a file and checked whenever they change. Pure.

[[expect]]
what = "researchers of Fulda read shared counts hourly"
caller = { city = "fulda", application = "portal", purpose = "research" }   # left out: anybody
dataset = { key = "kfz", tier = "SHARED", obligations = ["minimum-count=5"] }
agreement = { purposes = ["research"], obligations = ["time=PT1H"] }        # with the caller's city; left out: none
action = "readObservations"                                                 # the default
permit = true
rules = ["agreement"]                                                       # left out: any
obligations = ["minimum-count=5", "time=PT1H"]                              # left out: any
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from policy.engine import Engine
from policy.errors import PolicyError
from policy.model import Action, Agreement, Caller, DatasetFacts, Decision, Tier
from policy.obligations import read_obligations
from policy.rules import AGREEMENT_TEMPLATE, RuleSet

NAME = "expectations.toml"
MAX_EXPECTATIONS = 1_000
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime.max.replace(tzinfo=UTC)


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class _Caller(_Strict):
    city: str | None = None
    application: str | None = None
    purpose: str | None = None
    peer: str | None = None


class _Dataset(_Strict):
    tier: Tier
    key: str = "dataset"
    personal: str = ""
    purposes: list[str] | None = None
    obligations: list[str] = []
    open_obligations: list[str] = []


class _Agreement(_Strict):
    purposes: list[str]
    obligations: list[str] = []
    applications: list[str] = []


class Expectation(_Strict):
    """One line of the table."""

    what: str
    dataset: _Dataset
    permit: bool
    caller: _Caller = msgspec.field(default_factory=_Caller)
    agreement: _Agreement | None = None
    action: Action = Action.READ_OBSERVATIONS
    rules: list[str] | None = None
    obligations: list[str] | None = None


class _File(_Strict):
    expect: Annotated[list[Expectation], msgspec.Meta(max_length=MAX_EXPECTATIONS)] = []


def read_expectations(text: str) -> list[Expectation]:
    """The expectations in a file. Raises PolicyError, with the place."""
    try:
        return msgspec.convert(tomllib.loads(text), _File).expect
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{NAME}: {error}") from None
    except msgspec.ValidationError as error:
        raise PolicyError(f"{NAME}: {error}") from None


def failures(expectations: list[Expectation], rules: RuleSet, owner: str) -> list[str]:
    """What the rules of a city decide otherwise than expected, a sentence each.

    Raises:
        PolicyError: an expectation speaks of obligations that there are not.
    """
    found = []
    for one in expectations:
        decision = _decided(one, rules, owner)
        found += [f"{NAME}: {one.what}: {flaw}" for flaw in _flaws(one, decision)]
    return found


def _decided(one: Expectation, rules: RuleSet, owner: str) -> Decision:
    dataset = one.dataset
    facts = DatasetFacts(
        1,
        dataset.key,
        dataset.tier,
        dataset.personal,
        None if dataset.purposes is None else frozenset(dataset.purposes),
        read_obligations(dataset.obligations),
        read_obligations(dataset.open_obligations),
    )
    told = one.caller
    is_guest = told.city is not None and told.city != owner
    caller = Caller(told.city, told.application, told.purpose, peer=told.peer or (told.city if is_guest else None))
    agreements = []
    if one.agreement is not None:
        agreements = [
            Agreement(
                "expected",
                told.city or "",
                frozenset({dataset.key}),
                frozenset(one.agreement.purposes),
                _NOW,
                _LATER,
                frozenset(one.agreement.applications),
                obligations=read_obligations(one.agreement.obligations),
            )
        ]
    judge = Engine(rules, owner=owner, datasets=[facts], agreements=agreements)
    return judge.decide(caller, one.action, dataset.key, _NOW)


def _flaws(one: Expectation, decision: Decision) -> list[str]:
    flaws: list[str] = []

    def compare(name: str, expected: Any, got: Any) -> None:
        if expected is not None and expected != got:
            flaws.append(f"{name} {got} instead of {expected}")

    compare("permit", one.permit, decision.permit)
    compare("rules", one.rules and sorted(one.rules), sorted({_name(rule) for rule in decision.rules}))
    wanted = one.obligations
    compare(
        "obligations", (wanted and list(read_obligations(wanted).texts())) or wanted, list(decision.obligations.texts())
    )
    return flaws


def _name(rule: str) -> str:
    return AGREEMENT_TEMPLATE if rule.startswith(f"{AGREEMENT_TEMPLATE}/") else rule
