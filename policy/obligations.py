"""Obligations: what the owner does to data before it leaves. Also the plan of a query, which has to meet them.

They compose: of two, each part is the stricter one's. Written as text (`minimum-count=5`, `time=PT1H`), as agreements,
answers, records and receipts hold them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.errors import Flaw, PolicyError, Wrong

UNLIMITED = 2**31 - 1
LEAST_COUNT = 3  # below that, two hidden parts of a visible total can be told (see tests/unit/policy/test_hiding.py)
MOST = 1_000_000_000
# each divides the next, so that what is hidden in a shorter step stays hidden in a longer one
STEPS: Mapping[str, int] = {"PT15M": 900, "PT30M": 1_800, "PT1H": 3_600, "PT6H": 21_600, "P1D": 86_400}
FIELDS = frozenset(
    {
        "Dataset.contactPoint",
        "Dataset.distributions",
        "Datastream.direction",
        "Datastream.vehicleClass",
        "Datastream.description",
        "Thing.description",
        "Thing.location",
    }
)
_NUMBERS = {
    "minimum-count": ("minimum_count", LEAST_COUNT),
    "delay": ("delay_s", 1),
    "place": ("place_m", 1),
    "round": ("rounding", 2),
    "rows": ("rows", 1),
}


@dataclass(frozen=True, slots=True)
class Obligations:
    """What is done: nothing, unless said.

    Counts of 1 to `minimum_count` - 1 are hidden, with what would give them back; times are those of steps of `step_s`
    seconds; what is younger than `delay_s` seconds waits; places move to the middle of squares of `place_m` metres;
    values are rounded to multiples of `rounding`; a list has at most `rows` rows; the fields `without` are left out.
    """

    minimum_count: int = 0
    step_s: int = 0
    delay_s: int = 0
    place_m: int = 0
    rounding: int = 0
    rows: int = UNLIMITED
    without: frozenset[str] = frozenset()

    def __or__(self, other: Obligations) -> Obligations:
        """Both: the stricter part of each."""
        return Obligations(
            max(self.minimum_count, other.minimum_count),
            max(self.step_s, other.step_s),
            max(self.delay_s, other.delay_s),
            max(self.place_m, other.place_m),
            max(self.rounding, other.rounding),
            min(self.rows, other.rows),
            self.without | other.without,
        )

    @property
    def severity(self) -> tuple[Any, ...]:
        """A total order that agrees with strictness: what is at least as strict in each part does not come first."""
        return (
            self.minimum_count,
            self.step_s,
            self.delay_s,
            self.place_m,
            self.rounding,
            -self.rows,
            len(self.without),
            sorted(self.without),
        )

    def meets(self, terms: Obligations) -> bool:
        """True if every part is at least as strict."""
        return self | terms == self

    def texts(self) -> tuple[str, ...]:
        """As canonical text, one for each part that does something."""
        found = [f"minimum-count={self.minimum_count}"] if self.minimum_count else []
        found += [f"time={_NAMES.get(self.step_s, f'PT{self.step_s}S')}"] if self.step_s else []
        found += [f"delay={self.delay_s}"] if self.delay_s else []
        found += [f"place={self.place_m}"] if self.place_m else []
        found += [f"round={self.rounding}"] if self.rounding else []
        found += [f"rows={self.rows}"] if self.rows < UNLIMITED else []
        return (*found, *(f"without={name}" for name in sorted(self.without)))

    def terms(self) -> dict[str, Any]:
        """In Cedar's form: the type `Terms` of the schema."""
        return {
            "minimumCount": self.minimum_count,
            "stepSeconds": self.step_s,
            "delaySeconds": self.delay_s,
            "placeMetres": self.place_m,
            "roundTo": self.rounding,
            "rows": self.rows,
            "without": sorted(self.without),
        }


NONE = Obligations()
_NAMES = {seconds: name for name, seconds in STEPS.items()}


def read_obligations(texts: Iterable[str], field: str = "obligations") -> Obligations:
    """The obligations that texts say. `field` is where they stand, for whoever is told of a flaw.

    Raises:
        PolicyError: a text says nothing that is known; the message names it and the choices.
    """
    found = NONE
    for text in texts:
        try:
            found |= _one(text)
        except PolicyError as error:
            raise PolicyError(str(error), [Flaw(field, Wrong.FORM, str(error))]) from None
    return found


def part_of(name: str, value: int) -> Obligations:
    """The obligations with one number, by the name of its attribute."""
    numbers: dict[str, Any] = {name: value}
    return replace(NONE, **numbers)


def _one(text: str) -> Obligations:
    name, _, value = text.partition("=")
    if name == "time":
        if value not in STEPS:
            raise PolicyError(f"obligation {text[:80]!r}: choose a step from {', '.join(STEPS)}")
        return replace(NONE, step_s=STEPS[value])
    if name == "without":
        if value not in FIELDS:
            raise PolicyError(f"obligation {text[:80]!r}: fields that can be left out are {', '.join(sorted(FIELDS))}")
        return replace(NONE, without=frozenset({value}))
    if name not in _NUMBERS:
        raise PolicyError(
            f"obligation {text[:80]!r}: is not known; write {', '.join(f'{one}=…' for one in _NUMBERS)}, time=… or"
            " without=…"
        )
    attribute, least = _NUMBERS[name]
    if not (value.isascii() and value.isdigit() and least <= int(value[:12]) <= MOST):
        raise PolicyError(f"obligation {text[:80]!r}: write a whole number from {least} to {MOST}")
    return part_of(attribute, int(value))


def coarsest_step(of: Iterable[Obligations]) -> int:
    """The coarsest step (seconds) among these; 0 for none."""
    return max((one.step_s for one in of), default=0)
