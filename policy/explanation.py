"""Explain a decision: the ways to a dataset, every rule that took part, and the one answer that they come to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from policy.agreements import agreement_of
from policy.court import Class, Court, Round, Way
from policy.model import Decision
from policy.rules import AGREEMENT_TEMPLATE

_AGREED = f"{AGREEMENT_TEMPLATE}/"

DEFAULT_DENY = "default-deny"  # no rule permits it
OWN_RULE = "own-rule"  # one that the city has added, to whoever is not to know which


@dataclass(frozen=True, slots=True)
class ExplainedWay:
    """One way to a dataset: the agreements that it relies on, what was asked of the rules, and what came of it."""

    agreements: tuple[str, ...]
    terms: tuple[str, ...]
    rounds: tuple[Round, ...]
    decision: Decision


def explained(court: Court, way: Way, rounds: Sequence[Round], class_: Class) -> ExplainedWay:
    """What a court found on one way."""
    agreements = tuple(sorted({agreement_of(link) for link in way.links} & class_[1]))
    return ExplainedWay(agreements, way.terms_of(court.datasets[class_]).texts(), tuple(rounds), court.decision(rounds))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Datasets that no rule can tell apart for a caller, and why they are permitted or denied."""

    datasets: tuple[str, ...]
    decision: Decision
    ways: Sequence[ExplainedWay]

    @property
    def deciding(self) -> tuple[str, ...]:
        """The rules that decided, or that none did."""
        return self.decision.rules or (DEFAULT_DENY,)

    @property
    def matched(self) -> tuple[str, ...]:
        """Every rule that matched on some way, sorted."""
        return tuple(sorted({rule for way in self.ways for one in way.rounds for rule in one.rules}))

    def lines(self) -> list[str]:
        """As text."""
        verdict = "permitted" if self.decision.permit else "denied"
        found = [f"{', '.join(self.datasets)}: {verdict} by {', '.join(self.deciding)}"]
        if self.decision.obligations.texts():
            obliged = f" (by {', '.join(self.decision.obliged_by)})" if self.decision.obliged_by else ""
            found.append(f"  under {', '.join(self.decision.obligations.texts())}{obliged}")
        for way in self.ways:
            name = f"relying on {', '.join(way.agreements)}" if way.agreements else "without an agreement"
            found.append(f"  {name}; terms: {', '.join(way.terms) or 'none'}")
            for one in way.rounds:
                plan = ", ".join(one.plan.texts()) or "as it is"
                answer = "permit" if one.permit else "deny"
                found.append(f"    plan {plan}: {answer} ({', '.join(one.rules) or DEFAULT_DENY})")
        return found

    def told_to_caller(self, visible: Collection[str], shared: Collection[str]) -> Explanation | None:
        """What the caller may be told: of datasets that it sees anyway, without the names of the city's own rules.

        None if nothing is left. `shared`: the rules of the federation.
        """
        datasets = tuple(key for key in self.datasets if key in visible)
        if not (datasets and self.decision.permit):
            return None

        def told(rules: Iterable[str]) -> tuple[str, ...]:
            return tuple(sorted({rule if rule in shared or rule.startswith(_AGREED) else OWN_RULE for rule in rules}))

        def decided(decision: Decision) -> Decision:
            return replace(decision, rules=told(decision.rules), obliged_by=told(decision.obliged_by))

        ways = [
            replace(
                way,
                rounds=tuple(replace(one, rules=told(one.rules)) for one in way.rounds),
                decision=decided(way.decision),
            )
            for way in self.ways
        ]
        return Explanation(datasets, decided(self.decision), ways)
