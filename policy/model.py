"""The facts that a decision rests on, and the decision itself."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from policy.obligations import NONE, Obligations

REMEMBERED = 256  # sets of datasets for each grant


class Tier(StrEnum):
    """How far a dataset may travel."""

    OPEN = "OPEN"
    SHARED = "SHARED"
    INTERNAL = "INTERNAL"
    PROTECTED = "PROTECTED"


class Action(StrEnum):
    """What a caller wants to do; the names are those of the Cedar schema."""

    READ_CATALOG = "readCatalog"
    READ_OBSERVATIONS = "readObservations"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as a verified token says; without a token nobody in particular.

    `city` is the city that vouches for the application: this node's own for its own applications, the home city for
    one that arrives through a peer. `peer` is set when another node asks on the application's behalf: its answer must
    then come from this city alone. `legal_basis` and `agreement` are what the application invokes; the rules judge by
    purpose and by the agreements in force. `subject` is the pseudonym of the person who asks through it, if any; it
    stays at home.
    """

    city: str | None = None
    application: str | None = None
    purpose: str | None = None
    scopes: frozenset[str] = frozenset()
    peer: str | None = None
    token_id: str | None = None
    legal_basis: str | None = None
    agreement: str | None = None
    subject: str | None = None

    @property
    def rights(self) -> tuple[object, ...]:
        """All that a decision may rest on: whoever has the same may see the same."""
        return tuple(getattr(self, name) for name in _RIGHTS)

    @property
    def is_anonymous(self) -> bool:
        """True without an application: only the open tier is within reach."""
        return self.application is None


_RIGHTS = tuple(one.name for one in fields(Caller) if one.name != "token_id")
ANONYMOUS = Caller()


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What the rules may know of a dataset. `id` is the database's, `key` the local part of the global id.

    `personal` is empty if nobody has assessed it. `purposes` None: the assessment does not limit them. `obligations`
    hold for all other cities, `open_obligations` also, unless an agreement says otherwise.
    """

    id: int
    key: str
    tier: Tier
    personal: str = ""
    purposes: frozenset[str] | None = None
    obligations: Obligations = NONE
    open_obligations: Obligations = NONE


@dataclass(frozen=True, slots=True)
class Agreement:
    """The owner lets a member use datasets for purposes within a period.

    `applications` empty means every application of the member. `valid_until` is exclusive. A version ends as a later
    one of the same id begins.
    """

    id: str
    member: str
    datasets: frozenset[str]
    purposes: frozenset[str]
    valid_from: datetime
    valid_until: datetime
    applications: frozenset[str] = frozenset()
    revoked_at: datetime | None = None
    obligations: Obligations = NONE
    version: int = 1

    def in_force(self, now: datetime) -> bool:
        """True from `valid_from` on and before `valid_until`, unless revoked at `now` or before."""
        return self.valid_from <= now < self.valid_until and (self.revoked_at is None or now < self.revoked_at)


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of the rules. `rules` names those that decided; empty means the default deny.

    A permit holds for a plan that meets `obligations`, which the rules `obliged_by` ask for.
    """

    permit: bool
    rules: tuple[str, ...] = ()
    obligations: Obligations = NONE
    obliged_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """All that a caller may do for an action: which datasets, by which rules, under which version of the policy.

    `datasets` maps the database id of each permitted dataset to its key; `obligations` has those that are not none.
    """

    datasets: dict[int, str] = field(default_factory=dict)
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    policy_version: str = ""
    obligations: dict[str, Obligations] = field(default_factory=dict)
    _rules_of: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def rules_for(self, keys: frozenset[str]) -> tuple[str, ...]:
        """The rules that permitted these datasets, sorted."""
        known = self._rules_of.get(keys)
        if known is None:
            known = tuple(sorted({rule for key in keys for rule in self.rules.get(key, ())}))
            if len(self._rules_of) < REMEMBERED:
                self._rules_of[keys] = known
        return known

    def obligations_for(self, keys: frozenset[str]) -> tuple[str, ...]:
        """The obligations under which these datasets were permitted, as text, sorted."""
        if not self.obligations:
            return ()
        return tuple(
            sorted({text for key in keys if key in self.obligations for text in self.obligations[key].texts()})
        )
