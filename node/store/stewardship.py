"""What stewards decide at the command line: tiers of datasets, and agreements with members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from node.store.tables import agreement, dataset
from policy.model import Agreement, Tier
from policy.vocabulary import PURPOSES, is_purpose


class StewardshipError(Exception):
    """A decision that can't be carried out; the text names what is wrong and the remedy."""


@dataclass(frozen=True, slots=True)
class TierDecision:
    """A dataset's tier, with who decided and why."""

    dataset: str
    tier: Tier
    reason: str
    by: str


def set_tier(engine: sa.Engine, decision: TierDecision) -> Tier:
    """Set the tier and return the one before. Holds from the next query on.

    Raises:
        StewardshipError: there is no such dataset, or no reason is given.
    """
    if not decision.reason.strip():
        raise StewardshipError("reason: is empty; say why the dataset belongs into this tier")
    with engine.begin() as connection:
        before = connection.scalar(
            sa.select(sa.cast(dataset.c.tier, sa.Text)).where(dataset.c.key == decision.dataset).with_for_update()
        )
        if before is None:
            raise StewardshipError(f"dataset: {decision.dataset!r} does not exist; see `verbund dataset list`")
        connection.execute(
            dataset.update()
            .where(dataset.c.key == decision.dataset)
            .values(
                tier=decision.tier.value,
                tier_reason=decision.reason,
                tier_set_by=decision.by,
                tier_set_at=datetime.now(UTC),
            )
        )
    return Tier(before)


def list_datasets(engine: sa.Engine) -> list[dict[str, Any]]:
    """Key, tier and title of every dataset, by title."""
    query = sa.select(
        dataset.c.key, sa.cast(dataset.c.tier, sa.Text).label("tier"), dataset.c.title, dataset.c.tier_reason
    ).order_by(dataset.c.title_sort, dataset.c.key)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def add_agreement(engine: sa.Engine, new: Agreement, note: str = "") -> None:
    """Record an agreement. Holds from the next query on.

    Raises:
        StewardshipError: the id is taken, a purpose or a dataset is unknown, the period is empty.
    """
    for purpose in new.purposes:
        if not is_purpose(purpose):
            raise StewardshipError(f"purpose: {purpose!r} is not in the vocabulary: {', '.join(PURPOSES)}")
    if not new.purposes or not new.datasets:
        raise StewardshipError("an agreement names at least one dataset and one purpose")
    if new.valid_from >= new.valid_until:
        raise StewardshipError(f"until: {new.valid_until:%Y-%m-%d} is not after from {new.valid_from:%Y-%m-%d}")
    with engine.begin() as connection:
        known = set(connection.scalars(sa.select(dataset.c.key).where(dataset.c.key.in_(new.datasets))))
        if missing := sorted(new.datasets - known):
            raise StewardshipError(f"dataset: {', '.join(missing)} does not exist; see `verbund dataset list`")
        if connection.scalar(sa.select(agreement.c.id).where(agreement.c.id == new.id)) is not None:
            raise StewardshipError(f"id: {new.id!r} is taken; an agreement is revoked and made anew, not changed")
        connection.execute(
            agreement.insert().values(
                id=new.id,
                member=new.member,
                applications=sorted(new.applications),
                datasets=sorted(new.datasets),
                purposes=sorted(new.purposes),
                valid_from=new.valid_from,
                valid_until=new.valid_until,
                note=note,
            )
        )


def revoke_agreement(engine: sa.Engine, agreement_id: str) -> None:
    """Revoke at once.

    Raises:
        StewardshipError: there is none, or it is revoked already.
    """
    with engine.begin() as connection:
        done = connection.execute(
            agreement.update()
            .where(agreement.c.id == agreement_id, agreement.c.revoked_at.is_(None))
            .values(revoked_at=sa.func.clock_timestamp())
        )
    if done.rowcount == 0:
        raise StewardshipError(f"agreement: {agreement_id!r} does not exist or is revoked already")


def list_agreements(engine: sa.Engine) -> Sequence[dict[str, Any]]:
    """All agreements, newest first."""
    query = sa.select(agreement).order_by(agreement.c.created_at.desc(), agreement.c.id)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001
