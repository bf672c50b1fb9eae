"""A catalog as DCAT-AP.de 3.0, from what the API tells of its datasets. Pure.

Each dataset's IRI is the address of its page. What a city's importer reads is written so that it reads the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from node.ingest.dcat.terms import DCAT, DCATAP, DCATDE, DCT, FOAF, VCARD, XSD
from node.web.export.policies import ODRL, VERBUND, write_policy
from node.web.export.publishing import Publishing
from node.web.export.quads import Subject, iri
from policy.licences import find_licence

GEO = "http://www.opengis.net/ont/geosparql#"
PREFIXES = {
    "dcat": DCAT, "dcatap": DCATAP, "dcatde": DCATDE, "dct": DCT, "foaf": FOAF, "geo": GEO, "odrl": ODRL,
    "vcard": VCARD, "verbund": VERBUND, "xsd": XSD,
}  # fmt: skip
_RIGHTS = {"OPEN": "PUBLIC", "SHARED": "RESTRICTED"}

Told = Mapping[str, Any]


def catalog_triples(publishing: Publishing, datasets: Iterable[Told]) -> list[Triple]:
    """The catalog with its datasets, as `operations/catalog.graphql` asks for them."""
    triples: list[Triple] = []
    issuer = publishing.issuer
    catalog = Subject(NamedNode(f"{issuer}/catalog"), triples, f"{DCAT}Catalog")
    catalog.text(f"{DCT}title", f"Datenkatalog {publishing.name}", "de")
    catalog.text(f"{DCT}description", f"Was {publishing.name} im Verbund bereitstellt.", "de")
    catalog.link(f"{FOAF}homepage", f"{issuer}/")
    catalog.code(f"{DCT}language", "language", "DEU")
    agent = catalog.part(f"{DCT}publisher", f"{FOAF}Agent")
    agent.text(f"{FOAF}name", publishing.name)
    service = Subject(NamedNode(f"{issuer}/graphql"), triples, f"{DCAT}DataService")
    catalog.add(f"{DCAT}service", service.node)
    service.text(f"{DCT}title", f"GraphQL-Schnittstelle {publishing.name}", "de")
    service.link(f"{DCAT}endpointURL", f"{issuer}/graphql")
    service.link(f"{DCAT}endpointDescription", f"{issuer}/schema.graphql")
    for told in datasets:
        dataset = Subject(NamedNode(_page(publishing, told)), triples, f"{DCAT}Dataset")
        catalog.add(f"{DCAT}dataset", dataset.node)
        service.add(f"{DCAT}servesDataset", dataset.node)
        _write_dataset(dataset, told)
        if told["use"] is not None:
            write_policy(dataset, told, issuer)
    return triples


def _page(publishing: Publishing, told: Told) -> str:
    key = str(told["id"]).split(":", 2)[2]
    return f"{publishing.issuer}/datasets/{publishing.city}/{quote(key)}"


def _write_dataset(dataset: Subject, told: Told) -> None:
    dataset.text(f"{DCT}identifier", told["identifier"] or told["id"])
    dataset.text(f"{DCT}title", told["title"], "de")
    dataset.text(f"{DCT}description", told["description"] or told["title"], "de")  # DCAT-AP wants one
    dataset.code(f"{DCT}accessRights", "access-right", _RIGHTS.get(told["tier"], "NON_PUBLIC"))
    for name, table in (("themes", "data-theme"), ("languages", "language")):
        for code in told[name]:
            dataset.code(f"{DCAT}theme" if name == "themes" else f"{DCT}language", table, code)
    dataset.texts(f"{DCAT}keyword", told["keywords"], "de")
    dataset.link(f"{DCAT}landingPage", told["landingPage"])
    for name in ("issued", "modified"):
        dataset.typed(f"{DCT}{name}", told[name], "dateTime")
    dataset.code(f"{DCT}accrualPeriodicity", "frequency", told["accrualPeriodicity"])
    _write_legal_basis(dataset, told["legalBasis"])
    dataset.link(f"{DCATAP}hvdCategory", told["hvdCategory"])
    _write_people(dataset, told)
    _write_extent(dataset, told)
    for number, distribution in enumerate(told["distributions"], 1):
        node = NamedNode(f"{dataset.node.value}#distribution-{number:04}")
        dataset.add(f"{DCAT}distribution", node)
        _write_distribution(Subject(node, dataset.triples, f"{DCAT}Distribution"), distribution, told["use"])


def _write_legal_basis(dataset: Subject, text: str | None) -> None:
    """An ELI is a resource; other words are a literal of DCAT-AP.de."""
    if text and (basis := iri(text)) is not None:
        dataset.add(f"{DCATAP}applicableLegislation", basis)
    else:
        dataset.text(f"{DCATDE}legalBasis", text, "de")


def _write_people(dataset: Subject, told: Told) -> None:
    if (publisher := told["publisher"]) is not None:
        agent = dataset.part(f"{DCT}publisher", f"{FOAF}Agent")
        agent.text(f"{FOAF}name", publisher["name"])
        agent.link(f"{DCT}type", publisher["kind"])
        agent.link(f"{FOAF}homepage", publisher["homepage"])
    if (contact := told["contactPoint"]) is not None:
        card = dataset.part(f"{DCAT}contactPoint", f"{VCARD}Kind")
        card.text(f"{VCARD}fn", contact["name"])
        if contact["email"]:
            card.link(f"{VCARD}hasEmail", f"mailto:{contact['email']}")
        card.text(f"{VCARD}hasTelephone", contact["telephone"])
        card.link(f"{VCARD}hasURL", contact["url"])


def _write_extent(dataset: Subject, told: Told) -> None:
    if (temporal := told["temporal"]) is not None:
        period = dataset.part(f"{DCT}temporal", f"{DCT}PeriodOfTime")
        period.typed(f"{DCAT}startDate", temporal["start"], "dateTime")
        period.typed(f"{DCAT}endDate", temporal["end"], "dateTime")
    for place in told["spatial"]:
        dataset.link(f"{DCT}spatial", place)
    if (box := told["bbox"]) is not None:
        west, south, east, north = (box[side] for side in ("west", "south", "east", "north"))
        corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
        wkt = f"POLYGON (({', '.join(f'{x!r} {y!r}' for x, y in corners)}))"
        location = dataset.part(f"{DCT}spatial", f"{DCT}Location")
        location.add(f"{DCAT}bbox", Literal(wkt, datatype=NamedNode(f"{GEO}wktLiteral")))


def _write_distribution(own: Subject, told: Told, use: Told | None) -> None:
    own.text(f"{DCT}title", told["title"], "de")
    own.text(f"{DCT}description", told["description"], "de")
    own.link(f"{DCAT}accessURL", told["accessURL"])
    own.link(f"{DCAT}downloadURL", told["downloadURL"])
    own.code(f"{DCT}format", "file-type", told["format"])
    if told["mediaType"]:
        own.link(f"{DCAT}mediaType", f"https://www.iana.org/assignments/media-types/{told['mediaType']}")
    if told["byteSize"] is not None:
        own.typed(f"{DCAT}byteSize", int(told["byteSize"]), "nonNegativeInteger")
    assessed = find_licence(use["licence"]) if use is not None and use["licence"] else None
    own.link(f"{DCT}license", told["licence"]["uri"] if told["licence"] is not None else getattr(assessed, "uri", None))
    own.text(f"{DCATDE}licenseAttributionByText", told["licenceAttribution"], "de")
    own.code(f"{DCATAP}availability", "planned-availability", told["availability"])
    for name in ("issued", "modified"):
        own.typed(f"{DCT}{name}", told[name], "dateTime")
