"""Repairs: what an `@obligation` on a forbid says to do to a plan, so that the forbid lets it pass.

The forbid is the law and the annotation advice: a plan that was repaired is decided anew. Wrong advice can't allow
anything; it leaves what is forbidden forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from policy.errors import PolicyError
from policy.obligations import FIELDS, LEAST_COUNT, NONE, STEPS, UNLIMITED, Obligations, part_of

FORMS = 'plan.minimumCount >= 5, plan.rows <= resource.terms.rows, plan.without contains "Thing.location"'
_FORM = re.compile(r"plan\.(\w+)\s*(>=|<=)\s*(?:(\d{1,10})|resource\.terms\.(\w+))")
_WITHOUT = re.compile(r'plan\.without\s+contains\s+(?:"([^"]*)"|resource\.terms\.without)')
_PARTS = {
    "minimumCount": "minimum_count",
    "stepSeconds": "step_s",
    "delaySeconds": "delay_s",
    "placeMetres": "place_m",
    "roundTo": "rounding",
    "rows": "rows",
}


@dataclass(frozen=True, slots=True)
class Repair:
    """What the plan must be at least, given the dataset's terms; `always` is what that is whatever the terms."""

    of: Callable[[Obligations], Obligations]
    always: Obligations = NONE


def read_repair(text: str) -> Repair:
    """The repair that an annotation says.

    Raises:
        PolicyError: it has none of the known forms.
    """
    if found := _WITHOUT.fullmatch(text):
        return _without(found[1])
    found = _FORM.fullmatch(text)
    if found is None or found[1] not in _PARTS:
        raise PolicyError(f"@obligation({text[:80]!r}): write e.g. {FORMS}")
    if (found[2] == "<=") != (found[1] == "rows"):
        raise PolicyError(f"@obligation({text[:80]!r}): rows are bounded by <=, everything else by >=")
    if found[4] is not None and found[4] != found[1]:
        raise PolicyError(f"@obligation({text[:80]!r}): compare with resource.terms.{found[1]}")
    return _number(_PARTS[found[1]], found[3])


def _number(part: str, value: str | None) -> Repair:
    if value is None:
        return Repair(lambda terms: part_of(part, getattr(terms, part)))
    number = min(int(value), UNLIMITED)
    if part == "step_s" and number not in STEPS.values():
        raise PolicyError(
            f"@obligation: there are no steps of {number} seconds; choose {', '.join(map(str, STEPS.values()))}"
        )
    if part == "minimum_count" and number < LEAST_COUNT:
        raise PolicyError(f"@obligation: a minimum count is at least {LEAST_COUNT}")
    return _fixed(part_of(part, number))


def _without(name: str | None) -> Repair:
    if name is None:
        return Repair(lambda terms: replace(NONE, without=terms.without))
    if name not in FIELDS:
        raise PolicyError(f"@obligation: {name[:80]!r} can't be left out; choose from {', '.join(sorted(FIELDS))}")
    return _fixed(replace(NONE, without=frozenset({name})))


def _fixed(always: Obligations) -> Repair:
    return Repair(lambda _terms: always, always)
