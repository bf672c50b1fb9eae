"""Tiers and agreements as tests set them: by the road that stewards take, in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from federation.agreements import Terms
from node.store.agreements import Kind, agreement_of, store_answer, store_offer
from node.store.assessments import assess, sign_off, withdraw
from policy.assessment import Assessment
from policy.model import Tier
from policy.obligations import read_obligations

LATER = timedelta(days=365)
# for seeds that say how datasets lie in a city that has assessed them long ago
TIERS_AS_TOLD = "alter table dataset disable trigger tier_begins_internal;"


def set_tier(database_url: str, key: str, tier: Tier, obligations: Sequence[str] = (), **more) -> None:
    """Assess a dataset and sign it off; INTERNAL is where it goes back to."""
    with psycopg.connect(database_url) as connection:
        if tier is Tier.INTERNAL:
            withdraw(connection, key, "Prüfung", "test")
            return
        new = Assessment(
            dataset=key,
            author="amt",
            tier=tier,
            reason="geprüft",
            legal_basis="§ 1 HODaG",
            licence="dl-by-de/2.0",
            review_due=datetime.now(UTC) + LATER,
            obligations=read_obligations(obligations),
            **more,
        )
        sign_off(connection, key, assess(connection, new), "prüfer")


def agree(database_url: str, terms: Terms) -> None:
    """An agreement that its owner's database has as accepted. The documents are not signed: nobody reads them here."""
    with psycopg.connect(database_url) as connection:
        store_offer(connection, terms, f"offer {terms.id}", ours=True)
        store_answer(connection, agreement_of(connection, terms.id), Kind.ACCEPTANCE, "acceptance", terms.member)


def revoke(database_url: str, id_: str, by: str = "owner") -> None:
    """Revoke an agreement in a database."""
    with psycopg.connect(database_url) as connection:
        store_answer(connection, agreement_of(connection, id_), Kind.REVOCATION, "revocation", by)
