"""The rules in force: Cedar's policies with the city's datasets and agreements, as of one state of the database.

Whatever may change a decision advances `policy_epoch` in its own transaction. Every read returns the epoch of its own
snapshot; if that is not the one the ruling was made under, the rows are thrown away and read anew. So a change of tier
or a revoked agreement holds from the next statement on, without a round trip to ask for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from federation.errors import MembershipError
from federation.membership import Membership
from node.store.facts import AGREEMENTS, DATASETS, EPOCH, agreements_in, datasets_in
from node.store.parameters import Scope
from node.store.pool import Pool
from node.store.row_grant import Series, row_grant
from policy.engine import Engine
from policy.explanation import Explanation
from policy.model import Action, Caller, Grant
from policy.obligations import UNLIMITED, Obligations
from policy.rules import RuleSet
from schema.errors import Unavailable
from schema.spans import span

REMEMBERED = 512

_SERIES = "select id, dataset_id, thing_id from datastream"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one caller may see, by which rules, and the state of the database that this rests on."""

    caller: Caller
    action: Action
    at: datetime
    engine: Engine
    epoch: int
    scope: Scope
    grant: Grant

    def refusals(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The rules that forbid these datasets, sorted; empty for the default deny."""
        decisions = (self.engine.decide(self.caller, self.action, key, self.at) for key in keys)
        return tuple(sorted({rule for decision in decisions for rule in decision.rules}))


@dataclass(frozen=True, slots=True)
class _Current:
    engine: Engine
    epoch: int
    members: str
    shares: bool
    rules: RuleSet
    series: Sequence[Series]
    grids: Mapping[int, int]
    scopes: OrderedDict[tuple[int, int], tuple[Grant, Grant, Scope]] = field(default_factory=OrderedDict)
    rulings: OrderedDict[tuple[Caller, Action, int], Ruling] = field(default_factory=OrderedDict)

    def is_outdated(self, stale: int | None, members: str, rules: RuleSet, *, shares: bool) -> bool:
        """Whether something that this rests on is another by now."""
        changed = self.members != members or self.shares is not shares or self.rules is not rules
        return changed or self.epoch == stale

    def scope(self, catalog: Grant, observations: Grant) -> Scope:
        """The scope of two grants. The engine gives the same grants to the same callers, so it is made once."""
        key = id(catalog), id(observations)
        known = self.scopes.get(key)
        if known is None:  # the grants are kept with it, so that no other object takes over their identity
            known = catalog, observations, self._made(catalog, observations)
            self.scopes[key] = known
            if len(self.scopes) > REMEMBERED:
                self.scopes.popitem(last=False)
        return known[2]

    def _made(self, catalog: Grant, observations: Grant) -> Scope:
        """Observations only of datasets that are in the catalog for the caller: an observation names its dataset."""
        readable = tuple(catalog.datasets)
        observable = tuple(id_ for id_ in observations.datasets if id_ in catalog.datasets)
        obliged = {id_: terms for id_, key in catalog.datasets.items() if (terms := _both(key, catalog, observations))}
        rows = row_grant(readable, observable, self.series, obliged, self.grids if obliged else None)
        most = min((obliged[id_].rows for id_ in observable if id_ in obliged), default=UNLIMITED)
        return Scope(readable, observable, rows, catalog.datasets, most)


class Decisions:
    """The current engine, rebuilt when the database or the membership list has moved on."""

    def __init__(
        self,
        pool: Pool,
        city: str,
        rules: Callable[[], RuleSet],
        membership: Callable[[], Membership],
        *,
        shares: Callable[[], bool] = lambda: True,
    ) -> None:
        """`shares` is false while no agreement holds, because nobody witnesses the log."""
        self._pool = pool
        self._city = city
        self._rules = rules
        self._membership = membership
        self._shares = shares
        self._current: _Current | None = None
        self._lock = asyncio.Lock()

    async def ruling(self, caller: Caller, action: Action, stale: int | None = None) -> Ruling:
        """What the caller may see, under another epoch than the `stale` one.

        Raises:
            Unavailable: the database or the membership list can't be used.
        """
        with span("policy"):
            return await self._ruling(caller, action, stale)

    async def _ruling(self, caller: Caller, action: Action, stale: int | None) -> Ruling:
        current = await self._up_to_date(stale)
        now = datetime.now(UTC)
        question = caller, action, current.engine.window(now)
        known = current.rulings.get(question)
        if known is None:
            known = current.rulings[question] = _ruling(current, caller, action, now)
            if len(current.rulings) > REMEMBERED:
                current.rulings.popitem(last=False)
        return known

    async def terms(self) -> Obligations:
        """The strictest of all obligations that anybody may come under by now; raises as `ruling`."""
        return (await self._as_of_now()).engine.terms()

    async def _up_to_date(self, stale: int | None) -> _Current:
        """Any other epoch will do, an earlier one too: a database that was restored goes back in time."""
        try:
            membership = self._membership()
        except MembershipError as error:
            raise Unavailable(f"the membership list can't be used: {error.reason}") from error
        rules, shares = self._rules(), self._shares()
        current = self._current
        if current is None or current.is_outdated(stale, membership.digest, rules, shares=shares):
            async with self._lock:
                current = self._current
                if current is None or current.is_outdated(stale, membership.digest, rules, shares=shares):
                    current = self._current = await self._load(membership, rules, shares=shares)
        return current

    async def _as_of_now(self) -> _Current:
        """Where no read follows that would notice an epoch that has passed, the database is asked for it."""
        current = await self._up_to_date(None)
        if await self._epoch() != current.epoch:
            current = await self._up_to_date(current.epoch)
        return current

    async def explanations(self, caller: Caller, action: Action) -> tuple[str, list[Explanation]]:
        """The version of the policy, and why each dataset is permitted or denied; raises as `ruling`."""
        current = await self._as_of_now()
        return current.engine.policy_version, current.engine.explain(caller, action, datetime.now(UTC))

    @property
    def shared_rules(self) -> frozenset[str]:
        """The rules of the federation, by name."""
        return self._rules().shared

    async def _epoch(self) -> int:
        try:
            async with self._pool.connection() as connection:
                return int((await _row(connection, EPOCH))[0])
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database can't be reached") from error

    async def _load(self, membership: Membership, rules: RuleSet, *, shares: bool) -> _Current:
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute("set transaction isolation level repeatable read read only")
                (epoch,) = await _row(connection, EPOCH)
                datasets = await (await connection.execute(DATASETS)).fetchall()
                agreements = await (await connection.execute(AGREEMENTS)).fetchall()
                series = await (await connection.execute(_SERIES)).fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database can't be reached") from error
        engine = Engine(
            rules,
            owner=self._city,
            datasets=datasets_in(datasets),
            agreements=agreements_in(agreements) if shares else [],
            suspended_cities=frozenset(member.id for member in membership.members if member.status != "ACTIVE"),
            epoch=epoch,
        )
        belonging = tuple(Series(*row) for row in series)
        grids = _shared_grids(engine.grids(), belonging)
        return _Current(engine, epoch, membership.digest, shares, rules, belonging, grids)


def _ruling(current: _Current, caller: Caller, action: Action, now: datetime) -> Ruling:
    catalog = current.engine.grant(caller, Action.READ_CATALOG, now)
    observations = current.engine.grant(caller, Action.READ_OBSERVATIONS, now)
    scope = current.scope(catalog, observations)
    grant = observations if action is Action.READ_OBSERVATIONS else catalog
    return Ruling(caller, action, now, current.engine, current.epoch, scope, grant)


def _both(key: str, catalog: Grant, observations: Grant) -> Obligations | None:
    """What a dataset comes under in either respect."""
    one, other = catalog.obligations.get(key), observations.obligations.get(key)
    return one | other if one and other else one or other


def _shared_grids(grids: Mapping[int, int], series: Sequence[Series]) -> dict[int, int]:
    """The grids of datasets (seconds), with those of the datasets that they share things with."""
    coarsest: dict[int, int] = {}
    for one in series:
        coarsest[one.thing_id] = max(coarsest.get(one.thing_id, 0), grids.get(one.dataset_id, 0))
    shared = dict(grids)
    for one in series:
        shared[one.dataset_id] = max(shared.get(one.dataset_id, 0), coarsest[one.thing_id])
    return shared


async def _row(connection: psycopg.AsyncConnection[Any], sql: str) -> Any:
    row = await (await connection.execute(sql)).fetchone()
    assert row is not None
    return row
