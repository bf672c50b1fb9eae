"""An assessment: what a steward finds out about a dataset, and what may be done with it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policy.errors import Flaw, PolicyError, Wrong
from policy.licences import find_licence
from policy.model import Tier
from policy.obligations import NONE, Obligations
from policy.vocabulary import PURPOSES, is_purpose

LONGEST_REVIEW = timedelta(days=3 * 366)
LONGEST_TEXT = 2_000
_DURATION = r"P(?=[\dT])(?:\d{1,3}Y)?(?:\d{1,3}M)?(?:\d{1,4}D)?(?:T(?=\d)(?:\d{1,3}H)?(?:\d{1,4}M)?)?"  # ISO 8601
_RETENTION = re.compile(f"{_DURATION}={_DURATION}")
_CLASS = re.compile(r"[a-z0-9äöüß-]{1,80}(?:/[a-z0-9äöüß-]{1,80}){1,3}")
_HVD = re.compile(r"http://data\.europa\.eu/bna/[a-z]_[0-9a-f]+")
# What is proposed for counts of traffic that anybody may have; the figures are in docs/obligations.md.
COUNT_OPEN_OBLIGATIONS = ("minimum-count=5", "time=PT1H")


class PersonalReference(StrEnum):
    """Whether data tells of people."""

    NONE = "NONE"
    INDIRECT = "INDIRECT"
    DIRECT = "DIRECT"


class Need(StrEnum):
    """Protection need, after BSI Standard 200-2."""

    NORMAL = "NORMAL"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"


class Consent(StrEnum):
    """Consent of the supervisory authority, which data of delegated tasks needs (§ 1 HODaG)."""

    NOT_NEEDED = "NOT_NEEDED"
    NEEDED = "NEEDED"
    GIVEN = "GIVEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One version.

    `obligations` hold for all other cities; `open_obligations` also, unless an agreement says otherwise. `purposes`
    None: not limited. `retention`: how long results of a step are kept, e.g. `PT15M=P2Y`. `reference_class`: of the
    municipal reference catalog (Musterdatenkatalog), e.g. `verkehr/radverkehr/messung`.
    """

    dataset: str
    author: str
    tier: Tier
    reason: str
    personal_reference: PersonalReference = PersonalReference.NONE
    anonymisation: str = ""
    confidentiality: Need = Need.NORMAL
    integrity: Need = Need.NORMAL
    availability: Need = Need.NORMAL
    legal_basis: str = ""
    purposes: frozenset[str] | None = None
    licence: str = ""
    consent: Consent = Consent.NOT_NEEDED
    consent_reference: str = ""
    hvd_category: str = ""
    data_owner: str = ""
    data_steward: str = ""
    review_due: datetime | None = None
    retention: tuple[str, ...] = ()
    reference_class: str = ""
    obligations: Obligations = NONE
    open_obligations: Obligations = NONE


def is_same_person(one: str, other: str) -> bool:
    """True if two names are one but for case, spaces, invisible characters, and how umlauts are composed."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold()).split())


def check_assessment(one: Assessment, now: datetime) -> None:
    """Refuse what contradicts itself or the federation's rules.

    Raises:
        PolicyError: naming every field that is wrong, and the remedy.
    """
    flaws = [*_texts(one), *_vocabularies(one), *_leaving(one, now), *_people(one)]
    if flaws:
        raise PolicyError("; ".join(map(str, flaws)), flaws)


def _texts(one: Assessment) -> Iterator[Flaw]:
    if not one.author.strip():
        yield Flaw("author", Wrong.EMPTY, "is empty; name who assesses")
    if not one.reason.strip():
        yield Flaw("reason", Wrong.EMPTY, "is empty; say why the dataset belongs into this tier")
    for name in ("reason", "anonymisation", "legal_basis", "consent_reference"):
        if len(getattr(one, name)) > LONGEST_TEXT:
            yield Flaw(name, Wrong.TOO_LONG, f"is longer than {LONGEST_TEXT} characters")
    if one.consent is Consent.GIVEN and not one.consent_reference.strip():
        yield Flaw("consent_reference", Wrong.EMPTY, "is empty; say where the consent is written down")


def _vocabularies(one: Assessment) -> Iterator[Flaw]:
    for purpose in sorted(one.purposes or ()):
        if not is_purpose(purpose):
            vocabulary = ", ".join(PURPOSES)
            yield Flaw("purposes", Wrong.UNKNOWN, f"{purpose[:40]!r} is not in the vocabulary: {vocabulary}")
    for text in one.retention:
        if not _RETENTION.fullmatch(text):
            yield Flaw("retention", Wrong.FORM, f"{text[:40]!r} is not a step and how long, e.g. PT15M=P2Y")
    if one.reference_class and not _CLASS.fullmatch(one.reference_class):
        text = f"{one.reference_class[:80]!r} is not a path such as verkehr/radverkehr/messung"
        yield Flaw("reference_class", Wrong.FORM, text)
    if one.hvd_category and not _HVD.fullmatch(one.hvd_category):
        text = f"{one.hvd_category[:80]!r} is not an IRI under http://data.europa.eu/bna/"
        yield Flaw("hvd_category", Wrong.FORM, text)
    if one.licence.strip() and find_licence(one.licence) is None:
        text = f"{one.licence[:80]!r} is none of the list at http://dcat-ap.de/def/licenses/, e.g. dl-by-de/2.0"
        yield Flaw("licence", Wrong.UNKNOWN, text)


def _leaving(one: Assessment, now: datetime) -> Iterator[Flaw]:
    if one.tier not in (Tier.OPEN, Tier.SHARED):
        return
    if not one.legal_basis.strip():
        yield Flaw("legal_basis", Wrong.EMPTY, f"is empty; {one.tier} data needs one (ELI or text)")
    if one.consent is Consent.NEEDED:
        text = f"is needed and not given; the tier can't be {one.tier} before"
        yield Flaw("consent", Wrong.CONSENT_MISSING, text)
    if one.review_due is None or not now < one.review_due <= now + LONGEST_REVIEW:
        text = f"{one.tier} data is reviewed within three years; give a later day than today"
        yield Flaw("review_due", Wrong.REVIEW_MISSING, text)
    if one.tier is Tier.OPEN and not one.licence.strip():
        yield Flaw("licence", Wrong.EMPTY, "is empty; OPEN data has one, e.g. dl-by-de/2.0")
    if one.tier is Tier.OPEN and one.confidentiality is not Need.NORMAL:
        yield Flaw("confidentiality", Wrong.NOT_WITH_TIER, f"{one.confidentiality} does not go with OPEN")
    if one.tier is Tier.SHARED and one.confidentiality is Need.VERY_HIGH:
        yield Flaw("confidentiality", Wrong.NOT_WITH_TIER, "VERY_HIGH does not go with SHARED")


def _people(one: Assessment) -> Iterator[Flaw]:
    leaves = one.tier in (Tier.OPEN, Tier.SHARED)
    if one.personal_reference is PersonalReference.DIRECT and leaves:
        text = f"DIRECT does not go with {one.tier}; anonymise, or choose PROTECTED"
        yield Flaw("personal_reference", Wrong.NOT_WITH_TIER, text)
    if one.personal_reference is PersonalReference.INDIRECT and leaves:
        if not one.anonymisation.strip():
            yield Flaw("anonymisation", Wrong.EMPTY, "is empty; say how people were made unrecognisable")
        if not one.obligations.minimum_count:
            text = "INDIRECT personal reference needs a minimum-count"
            yield Flaw("obligations", Wrong.MINIMUM_COUNT_MISSING, text)
