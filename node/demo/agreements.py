"""The demo's agreements: offered and accepted with the keys of both nodes, and in both databases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import psycopg

from federation.agreements import Kind, Terms, sign_answer, sign_offer
from node.auth.key_directory import NodeKeys
from node.demo.governance import AGREEMENTS
from node.settings import Settings
from node.store.agreements import agreement_of, delivered, store_answer, store_offer, undelivered
from node.store.embedded import embedded_postgres


def agree(settings: Mapping[str, Settings]) -> None:
    """Let the cities agree, if they have not before."""
    signed = [
        _signed(terms, settings[owner], settings[terms.member])
        for owner, agreements in AGREEMENTS.items()
        for terms in agreements
        if {owner, terms.member} <= settings.keys()
    ]
    for city, own in settings.items():
        with embedded_postgres(own.postgres_directory) as url, psycopg.connect(url) as connection:
            known = {id_ for (id_,) in connection.execute("select id from agreement")}
            for terms, offer, acceptance in signed:
                if city in (terms.owner, terms.member) and terms.id not in known:
                    store_offer(connection, terms, offer, ours=city == terms.owner)
                    store_answer(
                        connection, agreement_of(connection, terms.id), Kind.ACCEPTANCE, acceptance, terms.member
                    )
            for one in undelivered(connection):
                delivered(connection, one)


def _signed(terms: Terms, owner: Settings, member: Settings) -> tuple[Terms, str, str]:
    now = datetime.now(UTC)
    offering, accepting = (NodeKeys(one.keys_home).signing_key for one in (owner, member))
    offer = sign_offer(terms, owner.issuer, member.issuer, offering, now)
    acceptance = sign_answer(Kind.ACCEPTANCE, offer, terms.id, member.issuer, owner.issuer, accepting, now)
    return terms, offer, acceptance
