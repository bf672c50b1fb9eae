"""What an assessment may not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policy.assessment import (
    LONGEST_REVIEW,
    LONGEST_TEXT,
    Assessment,
    Consent,
    Need,
    PersonalReference,
    check_assessment,
)
from policy.errors import PolicyError
from policy.model import Tier
from policy.obligations import Obligations
from tests.unit.policy.world import NOW

SOUND = Assessment(
    dataset="rad",
    author="amt",
    tier=Tier.OPEN,
    reason="geprüft",
    legal_basis="§ 1 HODaG",
    licence="dl-by-de/2.0",
    review_due=NOW + LONGEST_REVIEW,
    purposes=frozenset({"research", "ai-training"}),
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"purposes": None},
        {"tier": Tier.SHARED, "licence": "", "confidentiality": Need.HIGH},
        {"tier": Tier.INTERNAL, "legal_basis": "", "review_due": None, "consent": Consent.NEEDED},
        {"tier": Tier.PROTECTED, "personal_reference": PersonalReference.DIRECT, "confidentiality": Need.VERY_HIGH},
        {"tier": Tier.INTERNAL, "personal_reference": PersonalReference.DIRECT},
        {"tier": Tier.INTERNAL, "personal_reference": PersonalReference.INDIRECT},
        {"consent": Consent.GIVEN, "consent_reference": "Az. 1"},
        {"reason": "x" * LONGEST_TEXT},
        {"retention": ("PT15M=P2Y", "P1D=P10Y6M", "PT1H30M=P30D")},
        {"reference_class": "verkehr/radverkehr/messung"},
        {"hvd_category": "http://data.europa.eu/bna/c_b79e35eb"},
        {
            "personal_reference": PersonalReference.INDIRECT,
            "anonymisation": "gezählt",
            "obligations": Obligations(minimum_count=3),
        },
    ],
)
def test_sound_ones(changes):
    check_assessment(replace(SOUND, **changes), NOW)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"author": " "}, "author: is empty"),
        ({"reason": " "}, "reason: is empty"),
        ({"reason": "x" * (LONGEST_TEXT + 1)}, "reason: is longer than 2000"),
        ({"anonymisation": "x" * (LONGEST_TEXT + 1)}, "anonymisation: is longer"),
        ({"legal_basis": "x" * (LONGEST_TEXT + 1)}, "legal_basis: is longer"),
        ({"consent_reference": "x" * (LONGEST_TEXT + 1)}, "consent_reference: is longer"),
        ({"purposes": frozenset({"fun"})}, "purposes: 'fun' is not in the vocabulary"),
        ({"retention": ("2 Jahre",)}, "retention: '2 Jahre' is not a step and how long"),
        ({"retention": ("PT15M=P",)}, "retention: 'PT15M=P' is not"),
        ({"retention": ("PT=P2Y",)}, "retention: 'PT=P2Y' is not"),
        ({"reference_class": "Verkehr"}, "reference_class: 'Verkehr' is not a path"),
        ({"hvd_category": "Mobilität"}, "hvd_category: 'Mobilität' is not an IRI"),
        ({"consent": Consent.GIVEN}, "consent_reference: is empty"),
        ({"consent": Consent.NEEDED}, "consent: is needed and not given; the tier can't be OPEN"),
        ({"consent": Consent.NEEDED, "tier": Tier.SHARED}, "the tier can't be SHARED"),
        ({"legal_basis": " "}, "legal_basis: is empty; OPEN data"),
        ({"review_due": None}, "review_due: OPEN data"),
        ({"review_due": NOW}, "review_due: OPEN data"),
        ({"review_due": NOW + LONGEST_REVIEW + timedelta(seconds=1)}, "review_due: OPEN data"),
        ({"licence": " "}, "licence: is empty"),
        ({"licence": "dl-byy"}, "licence: 'dl-byy' is none of the list"),
        ({"confidentiality": Need.HIGH}, "confidentiality: HIGH does not go with OPEN"),
        ({"tier": Tier.SHARED, "confidentiality": Need.VERY_HIGH}, "VERY_HIGH does not go with SHARED"),
        ({"personal_reference": PersonalReference.DIRECT}, "personal_reference: DIRECT does not go with OPEN"),
        ({"personal_reference": PersonalReference.DIRECT, "tier": Tier.SHARED}, "does not go with SHARED"),
        ({"personal_reference": PersonalReference.INDIRECT, "obligations": Obligations(3)}, "anonymisation: is empty"),
        ({"personal_reference": PersonalReference.INDIRECT, "anonymisation": "x"}, "needs a minimum-count"),
    ],
)
def test_what_contradicts_itself(changes, flaw):
    with pytest.raises(PolicyError) as caught:
        check_assessment(replace(SOUND, **changes), NOW)
    assert flaw in str(caught.value)


def test_all_flaws_are_told_at_once():
    with pytest.raises(PolicyError) as caught:
        check_assessment(replace(SOUND, author="", reason="", licence=""), NOW)
    assert str(caught.value).count(";") >= 3
