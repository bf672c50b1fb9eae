"""dcat:Distribution → DistributionRecord."""

from __future__ import annotations

import re
from decimal import Decimal

from pyoxigraph import NamedNode

from node.ingest import vocabularies
from node.ingest.catalog_records import DistributionRecord
from node.ingest.dcat.dates import read_date
from node.ingest.dcat.properties import Properties
from node.ingest.dcat.terms import DCAT, DCATAP, DCATDE, DCT
from policy.licences import Licence, find_licence

MAX_DISTRIBUTIONS = 1_000
DATE_REMEDY = "Write the date as 2026-01-31 or 2026-01-31T08:00:00Z."
_BYTES = re.compile(r"([0-9]{1,18})(?:\.0*)?")


def read_distributions(dataset: Properties) -> tuple[DistributionRecord, ...]:
    """All distributions that lead to data, ordered by IRI so that the order is the same in every import."""
    nodes = dataset.nodes(f"{DCAT}distribution")
    if len(nodes) > MAX_DISTRIBUTIONS:
        dataset.flaw(
            "distribution", str(len(nodes)), "value.too-many", f"At most {MAX_DISTRIBUTIONS} distributions are kept."
        )
    found: list[tuple[str, DistributionRecord]] = []
    for node in nodes[:MAX_DISTRIBUTIONS]:
        name = node.value if isinstance(node, NamedNode) else ""
        record = _distribution(dataset, Properties(dataset.graph, node, name or dataset.location, dataset.flaws))
        if record is not None:
            found.append((name, record))
    found.sort(key=lambda item: (item[0], repr(item[1])))
    return tuple(record for _, record in found)


def _distribution(dataset: Properties, own: Properties) -> DistributionRecord | None:
    download_url = own.url("downloadURL", f"{DCAT}downloadURL")
    # Without accessURL the download's address is where the data is to be had.
    access_url = own.url("accessURL", f"{DCAT}accessURL") or download_url
    if access_url is None:
        name = own.subject.value if isinstance(own.subject, NamedNode) else dataset.location
        own.flaw("distribution", name, "distribution.no-address", "Give the distribution a dcat:accessURL.")
        return None
    return DistributionRecord(
        access_url=access_url,
        download_url=download_url,
        title=own.text("distribution.title", f"{DCT}title", limit=1_000),
        description=own.text("distribution.description", f"{DCT}description", limit=20_000),
        format=own.code(
            "format",
            vocabularies.file_type,
            f"{DCT}format",
            reason="format.unknown",
            remedy="Name a file type of the EU list, e.g. …/authority/file-type/CSV.",
        ),
        media_type=own.code(
            "mediaType",
            vocabularies.media_type,
            f"{DCAT}mediaType",
            reason="media-type.unknown",
            remedy="Name a media type of IANA, e.g. text/csv.",
        ),
        byte_size=own.code(
            "byteSize",
            _byte_size,
            f"{DCAT}byteSize",
            reason="byte-size.invalid",
            remedy="Give the size as a whole number of bytes.",
        ),
        licence=_licence(own),
        licence_attribution=own.text("licenseAttributionByText", f"{DCATDE}licenseAttributionByText", limit=2_000),
        availability=own.code(
            "availability",
            vocabularies.availability,
            f"{DCATAP}availability",
            f"{DCATDE}plannedAvailability",
            reason="availability.unknown",
            remedy="Name a value of the EU list, e.g. …/authority/planned-availability/STABLE.",
        ),
        issued=own.code("issued", read_date, f"{DCT}issued", reason="date.unreadable", remedy=DATE_REMEDY),
        modified=own.code("modified", read_date, f"{DCT}modified", reason="date.unreadable", remedy=DATE_REMEDY),
    )


def _licence(own: Properties) -> Licence | None:
    if not own.nodes(f"{DCT}license"):
        own.flaw("license", "", "licence.missing", "DCAT-AP.de asks for a licence on every distribution: name one.")
        return None
    return own.code(
        "license",
        find_licence,
        f"{DCT}license",
        reason="licence.unknown",
        remedy="Name a licence of http://dcat-ap.de/def/licenses/, e.g. …/dl-by-de/2.0.",
    )


def _byte_size(text: str) -> int | None:
    found = _BYTES.fullmatch(text)
    return int(Decimal(found.group(1))) if found else None
