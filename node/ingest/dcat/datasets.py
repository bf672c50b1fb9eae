"""dcat:Dataset → DatasetRecord. What is clear is normalised, what is not becomes a flaw."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pyoxigraph import Literal, NamedNode

from node.ingest import vocabularies
from node.ingest.catalog_records import BoundingBox, DatasetRecord
from node.ingest.dcat.agents import read_contact, read_publisher
from node.ingest.dcat.dates import read_date
from node.ingest.dcat.distributions import DATE_REMEDY, read_distributions
from node.ingest.dcat.geometry import read_bbox
from node.ingest.dcat.graph import Graph, Subject
from node.ingest.dcat.properties import Properties
from node.ingest.dcat.terms import ADMS, DCAT, DCATAP, DCATDE, DCT, LOCN, SCHEMA, TIME
from node.ingest.folding import local_id
from node.ingest.report import Flaw

_GEOCODING = re.compile(r"https?://(?:www\.)?dcat-ap\.de/def/politicalGeocoding/")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """One dataset of the catalog: its record, or None if it has no title or no identity, and its flaws."""

    record: DatasetRecord | None
    flaws: tuple[Flaw, ...]


def read_datasets(graph: Graph) -> Iterator[Reading]:
    """All datasets of a catalog, each with its flaws; a second one with the same key is refused."""
    taken: dict[str, str] = {}
    for number, subject in enumerate(graph.of_type(f"{DCAT}Dataset"), start=1):
        flaws: list[Flaw] = []
        location = subject.value if isinstance(subject, NamedNode) else f"unnamed dataset {number}"
        own = Properties(graph, subject, location, flaws)
        record = _read_dataset(own, subject)
        if record is not None and record.key in taken:
            own.flaw(
                "identifier",
                record.identifier or location,
                "identifier.duplicate",
                f"The dataset {taken[record.key]} has the same identifier: give each dataset its own.",
            )
            record = None
        if record is not None:
            taken[record.key] = location
        yield Reading(record, tuple(flaws))


def _read_dataset(own: Properties, subject: Subject) -> DatasetRecord | None:
    iri = subject.value if isinstance(subject, NamedNode) else None
    identifier = own.only("identifier", tuple(sorted(_identifiers(own))))
    title = own.text("title", f"{DCT}title", limit=500)
    identity = identifier or iri
    if identity is None:
        own.flaw("identifier", title or "", "dataset.identity", "Give the dataset an IRI or a dcterms:identifier.")
    if title is None:
        own.flaw("title", "", "dataset.title", "Give the dataset a dcterms:title of at most 500 characters.")
    if title is None or identity is None:
        return None
    start, end = _temporal(own)
    return DatasetRecord(
        key=local_id(identity),
        title=title,
        description=own.text("description", f"{DCT}description", limit=50_000) or "",
        identifier=identifier,
        source_iri=iri,
        publisher=read_publisher(own),
        contact=read_contact(own),
        landing_page=own.url("landingPage", f"{DCAT}landingPage"),
        themes=own.codes(
            "theme",
            vocabularies.theme,
            f"{DCAT}theme",
            reason="theme.unknown",
            remedy="Name a data theme of the EU list, e.g. …/authority/data-theme/TRAN.",
        ),
        keywords=own.texts("keyword", f"{DCAT}keyword", limit=200),
        languages=own.codes(
            "language",
            vocabularies.language,
            f"{DCT}language",
            reason="language.unknown",
            remedy="Name a language of the EU list, e.g. …/authority/language/DEU.",
        ),
        issued=_date(own, "issued"),
        modified=_date(own, "modified"),
        accrual_periodicity=own.code(
            "accrualPeriodicity",
            vocabularies.frequency,
            f"{DCT}accrualPeriodicity",
            reason="frequency.unknown",
            remedy="Name a frequency of the EU list, e.g. …/authority/frequency/DAILY.",
        ),
        temporal_start=start,
        temporal_end=end,
        spatial=_spatial(own),
        bbox=_bbox(own),
        access_rights=own.code(
            "accessRights",
            vocabularies.access_right,
            f"{DCT}accessRights",
            reason="access-rights.unknown",
            remedy="Name PUBLIC, RESTRICTED or NON_PUBLIC of …/authority/access-right/.",
        ),
        legal_basis=_legal_basis(own),
        hvd_category=own.code(
            "hvdCategory",
            _hvd_category,
            f"{DCATAP}hvdCategory",
            reason="hvd-category.unknown",
            remedy="Name a category under http://data.europa.eu/bna/.",
        ),
        distributions=read_distributions(own),
    )


def _identifiers(own: Properties) -> set[str]:
    found = set()
    for node in own.nodes(f"{DCT}identifier", f"{ADMS}identifier"):
        text = node.value.strip() if isinstance(node, Literal | NamedNode) else ""
        if len(text) > 500 or "\x00" in text:
            own.flaw("identifier", text, "literal.too-long", "Shorten the identifier to 500 characters.")
        elif text:
            found.add(text)
    return found


def _date(own: Properties, name: str) -> datetime | None:
    return own.code(name, read_date, f"{DCT}{name}", reason="date.unreadable", remedy=DATE_REMEDY)


def _temporal(own: Properties) -> tuple[datetime | None, datetime | None]:
    nodes = own.nodes(f"{DCT}temporal")
    for node in nodes:
        if isinstance(node, NamedNode | Literal) and not own.graph.describes(node):
            remedy = "Give the period as dct:PeriodOfTime with dcat:startDate and dcat:endDate."
            own.flaw("temporal", node.value, "temporal.unclear", remedy)
    periods = [own.of(node) for node in nodes]
    starts = [_bound(period, "startDate", "hasBeginning", end=False) for period in periods]
    ends = [_bound(period, "endDate", "hasEnd", end=True) for period in periods]
    # Several periods are kept as the one that spans them all; an open end stays open.
    start = min(starts) if starts and None not in starts else None  # type: ignore[type-var]
    end = max(ends) if ends and None not in ends else None  # type: ignore[type-var]
    if start and end and end < start:
        own.flaw("temporal", f"{start:%Y-%m-%d}/{end:%Y-%m-%d}", "temporal.reversed", "Swap start and end.")
        return None, None
    return start, end


def _bound(period: Properties, name: str, time_name: str, *, end: bool) -> datetime | None:
    holders = [period, *(period.of(node) for node in period.nodes(f"{TIME}{time_name}"))]
    predicates = (f"{DCAT}{name}", f"{SCHEMA}{name}", f"https://schema.org/{name}")
    instants = tuple(f"{TIME}{kind}" for kind in ("inXSDDateTimeStamp", "inXSDDateTime", "inXSDDate"))
    for holder in holders:
        moment = holder.code(
            f"temporal.{name}",
            lambda text: read_date(text, end=end),
            *predicates,
            *instants,
            reason="date.unreadable",
            remedy=DATE_REMEDY,
        )
        if moment is not None:
            return moment
    return None


def _spatial(own: Properties) -> tuple[str, ...]:
    nodes = own.nodes(f"{DCT}spatial") + own.nodes(f"{DCATDE}politicalGeocodingURI")
    iris = {node.value.strip() for node in nodes if isinstance(node, NamedNode | Literal)}
    found = set()
    for iri in sorted(iris)[:100]:
        if len(iri) <= 500 and _IRI.fullmatch(iri):
            found.add(_GEOCODING.sub("http://dcat-ap.de/def/politicalGeocoding/", iri))
        elif iri:
            own.flaw("spatial", iri, "spatial.unclear", "Name the place by an IRI, or give its box as dcat:bbox.")
    return tuple(sorted(found))


def _bbox(own: Properties) -> BoundingBox | None:
    for place in map(own.of, own.nodes(f"{DCT}spatial")):
        for predicate in (f"{DCAT}bbox", f"{LOCN}geometry", f"{DCAT}centroid"):
            written = sorted(node.value for node in place.nodes(predicate) if isinstance(node, Literal))
            boxes = [box for text in written if (box := read_bbox(text))]
            if boxes:
                return boxes[0]  # the same geometry is often given in several notations
            if written:
                own.flaw(
                    "spatial.geometry", written[0], "geometry.unreadable", "Give the box as WKT or GeoJSON in WGS 84."
                )
    return None


def _legal_basis(own: Properties) -> str | None:
    nodes = own.nodes(f"{DCATAP}applicableLegislation") or own.nodes(f"{DCATDE}legalBasis")
    written = sorted({node.value.strip() for node in nodes if isinstance(node, NamedNode | Literal)})
    text = ", ".join(part for part in written if part and "\x00" not in part)
    if len(text) > 2_000:
        own.flaw("applicableLegislation", text, "literal.too-long", "Shorten the legal basis to 2000 characters.")
        return None
    return text or None


def _hvd_category(text: str) -> str | None:
    return text if re.fullmatch(r"http://data\.europa\.eu/bna/[a-z]_[0-9a-f]+", text) else None
