"""The facts that decisions rest on, as they lie in the database: how they are asked for, and read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psycopg

from policy.errors import PolicyError
from policy.model import Agreement, DatasetFacts, Tier
from policy.obligations import read_obligations

log = logging.getLogger("verbund.policy")
_Fact = TypeVar("_Fact")

EPOCH = "select epoch from policy_epoch"
DATASETS = """
select d.id, d.key, d.tier::text, coalesce(a.personal_reference, ''), a.purposes, coalesce(a.obligations, '{}'),
       coalesce(a.open_obligations, '{}')
  from dataset d left join assessment a on a.id = d.assessment_id order by d.id
"""
AGREEMENTS = """
select id, member, case when themes || keywords = '{}' then datasets
            else array(select key from dataset d where d.key = any(a.datasets) or d.themes && a.themes
                          or d.keywords && a.keywords) end,
       purposes, valid_from, valid_until, applications, revoked_at, obligations, version
  from agreement a where owner is null and accepted_at is not null
"""


def read_facts(connection: psycopg.Connection[Any]) -> tuple[list[DatasetFacts], list[Agreement]]:
    """Datasets and agreements as of now."""
    return datasets_in(connection.execute(DATASETS).fetchall()), agreements_in(
        connection.execute(AGREEMENTS).fetchall()
    )


def datasets_in(rows: Iterable[tuple[Any, ...]]) -> list[DatasetFacts]:
    """The datasets in rows of `DATASETS`."""
    return _readable(_dataset, rows)


def agreements_in(rows: Iterable[tuple[Any, ...]]) -> list[Agreement]:
    """The agreements in rows of `AGREEMENTS`."""
    return _readable(_agreement, rows)


def _readable(read: Callable[[tuple[Any, ...]], _Fact], rows: Iterable[tuple[Any, ...]]) -> list[_Fact]:
    """The facts in the rows. One whose obligations can't be read counts for nobody."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except PolicyError as error:
            log.error("%s is left out of all decisions: %s", row[0], error)  # noqa: TRY400 - no fault of ours
    return found


def _dataset(row: tuple[Any, ...]) -> DatasetFacts:
    return DatasetFacts(
        id=row[0],
        key=row[1],
        tier=Tier(row[2]),
        personal=row[3],
        purposes=frozenset(row[4]) if row[4] is not None else None,
        obligations=read_obligations(row[5]),
        open_obligations=read_obligations(row[6]),
    )


def _agreement(row: tuple[Any, ...]) -> Agreement:
    return Agreement(
        id=row[0],
        member=row[1],
        datasets=frozenset(row[2]),
        purposes=frozenset(row[3]),
        valid_from=row[4],
        valid_until=row[5],
        applications=frozenset(row[6]),
        revoked_at=row[7],
        obligations=read_obligations(row[8]),
        version=row[9],
    )
