"""Catalog entries as the importers hand them to the database: plain values, already normalised."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime

from policy.licences import Licence


@dataclass(frozen=True, slots=True)
class PublisherRecord:
    """A publisher (foaf:Agent). `kind` is the IRI of the ADMS publisher type."""

    key: str
    name: str
    kind: str | None = None
    homepage: str | None = None


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact (vcard:Kind); `email` without `mailto:`, `telephone` without `tel:`."""

    key: str
    name: str | None = None
    email: str | None = None
    telephone: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """WGS 84 degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class DistributionRecord:
    """A dcat:Distribution. `format` is an EU file-type code, `byte_size` in bytes."""

    access_url: str
    download_url: str | None = None
    title: str | None = None
    description: str | None = None
    format: str | None = None
    media_type: str | None = None
    byte_size: int | None = None
    licence: Licence | None = None
    licence_attribution: str | None = None
    availability: str | None = None
    issued: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dcat:Dataset with its distributions in their order. Holds no tier: that is the steward's to give."""

    key: str
    title: str
    description: str = ""
    identifier: str | None = None
    source_iri: str | None = None
    publisher: PublisherRecord | None = None
    contact: ContactRecord | None = None
    landing_page: str | None = None
    themes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    issued: datetime | None = None
    modified: datetime | None = None
    accrual_periodicity: str | None = None
    temporal_start: datetime | None = None
    temporal_end: datetime | None = None
    spatial: tuple[str, ...] = ()
    bbox: BoundingBox | None = None
    access_rights: str | None = None
    legal_basis: str | None = None
    hvd_category: str | None = None
    distributions: tuple[DistributionRecord, ...] = ()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the whole description: equal if and only if nothing changed."""
        return hashlib.sha256(repr(astuple(self)).encode("utf-8", "surrogatepass")).digest()
