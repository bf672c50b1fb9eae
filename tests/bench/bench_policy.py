"""What a grant costs in processor time: 1,000 datasets, 50 agreements, 200 rules of the city's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from policy.engine import Engine
from policy.model import Action, Agreement, Caller, DatasetFacts, Tier
from policy.rules import RuleSet

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DATASETS = [DatasetFacts(i, f"d{i}", list(Tier)[i % 4]) for i in range(1000)]
AGREEMENTS = [
    Agreement(
        f"a{i}",
        f"city{i % 20}",
        frozenset(f"d{j}" for j in range(i, 1000, 50)),
        frozenset({"research"}),
        NOW - timedelta(days=1),
        NOW + timedelta(days=1),
    )
    for i in range(50)
]
CITY_RULES = "\n".join(
    f'@id("own-{i}") forbid (principal in Verbund::City::"nobody{i}", action, resource);' for i in range(200)
)


def main() -> None:
    for name, rules in (("federation's rules", RuleSet.load()), ("and 200 of the city", RuleSet.load(CITY_RULES))):
        print(f"{name}: {len(DATASETS)} datasets, {len(AGREEMENTS)} agreements")
        _measure(rules)


def _measure(rules: RuleSet) -> None:
    judge = _timed("build the engine", 5, lambda: _engine(rules))
    callers = iter(Caller(f"city{i % 20}", f"app{i}", "research", peer=f"city{i % 20}") for i in range(10_000))
    _timed("grant, uncached", 50, lambda: judge.grant(next(callers), Action.READ_CATALOG, NOW))
    known = Caller("city1", "app", "research", peer="city1")
    _timed("grant, cached", 5_000, lambda: judge.grant(known, Action.READ_CATALOG, NOW))
    _timed("decision, cached", 5_000, lambda: judge.decide(known, Action.READ_CATALOG, "d1", NOW))


def _engine(rules: RuleSet) -> Engine:
    return Engine(rules, owner="giessen", datasets=DATASETS, agreements=AGREEMENTS, epoch=1)


def _timed(what: str, times: int, work: Callable[[], object]):
    result = work()
    started = time.process_time()
    for _ in range(times):
        work()
    print(f"  {what:<20} {(time.process_time() - started) / times * 1000:9.4f} ms")
    return result


if __name__ == "__main__":
    main()
