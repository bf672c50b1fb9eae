"""Who may change how far a dataset travels: two people, and one alone only where it goes no further."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from node.store.assessments import AssessmentError, assess, sign_off, withdraw
from policy.assessment import Assessment
from policy.errors import Wrong
from policy.model import Tier


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into dataset (key, title, title_sort, digest) values ('rad', 'Rad', 'rad', '')")
        yield connection


def assessed(tier: Tier, author: str = "amt") -> Assessment:
    due = datetime.now(UTC) + timedelta(days=365)
    return Assessment(
        dataset="rad", author=author, tier=tier, reason="geprüft", legal_basis="§ 1", licence="dl-by-de/2.0",
        review_due=due,
    )  # fmt: skip


def tier(connection: psycopg.Connection) -> str:
    (found,) = connection.execute("select tier::text from dataset").fetchone()
    return found


@pytest.mark.parametrize(
    "spelt",
    ["MÜLLER  Straße", "mu\u0308ller strasse", "Müller\u00a0Strasse", "Mül\u200bler Straße", "\uff2düller Straße "],
)
def test_nobody_signs_off_what_they_wrote_however_they_spell_themselves(connection, spelt):
    version = assess(connection, assessed(Tier.OPEN, author="Müller Straße"))
    with pytest.raises(AssessmentError) as refused:
        sign_off(connection, "rad", version, spelt)
    assert [flaw.wrong for flaw in refused.value.flaws] == [Wrong.SAME_PERSON]
    assert tier(connection) == "INTERNAL"
    sign_off(connection, "rad", version, "Mueller Strasse")
    assert tier(connection) == "OPEN"


def test_one_person_alone_does_not_bring_protected_data_into_the_city(connection):
    sign_off(connection, "rad", assess(connection, assessed(Tier.PROTECTED)), "zweite")
    with pytest.raises(AssessmentError, match="assess it anew") as refused:
        withdraw(connection, "rad", "Versuch", "amt")
    assert [flaw.wrong for flaw in refused.value.flaws] == [Wrong.NOT_WITH_TIER]
    assert tier(connection) == "PROTECTED"
    sign_off(connection, "rad", assess(connection, assessed(Tier.OPEN)), "zweite")
    assert withdraw(connection, "rad", "Fehler", "amt") is Tier.OPEN
    assert tier(connection) == "INTERNAL"
