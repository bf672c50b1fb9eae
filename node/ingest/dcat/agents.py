"""Publishers (foaf:Agent) and contacts (vcard:Kind)."""

from __future__ import annotations

import re

from pyoxigraph import Literal, NamedNode

from node.ingest.catalog_records import ContactRecord, PublisherRecord
from node.ingest.dcat.graph import Node
from node.ingest.dcat.properties import Properties
from node.ingest.dcat.terms import DCAT, DCT, FOAF, SCHEMA, SKOS, VCARD
from node.ingest.folding import local_id
from node.ingest.web_address import web_address

NAME_LENGTH = 500
_EMAIL = re.compile(r"(?:mailto:)?([^@\s:/?<>\"]{1,64}@[^@\s:/?<>\"]{1,250})", re.IGNORECASE)
_TELEPHONE = re.compile(r"(?:tel:)?(\+?[0-9][0-9 ()/.-]{2,38})", re.IGNORECASE)


def read_publisher(dataset: Properties) -> PublisherRecord | None:
    """The dataset's publisher, also if it stands there as a plain name."""
    nodes = dataset.nodes(f"{DCT}publisher", f"{SCHEMA}publisher")
    if not nodes:
        return None
    node = nodes[0]
    if len(nodes) > 1:
        dataset.flaw("publisher", _text(nodes[1]), "value.multiple", "Only one publisher is kept: remove the other.")
    if isinstance(node, Literal):
        name = node.value.strip()[:NAME_LENGTH]
        return PublisherRecord(local_id(name), name) if name else None
    agent = dataset.of(node)
    label = agent.text("publisher", f"{FOAF}name", f"{VCARD}fn", f"{SKOS}prefLabel", limit=NAME_LENGTH)
    if label is None:
        dataset.flaw("publisher", _text(node), "publisher.name", "Give the publisher a foaf:name.")
        return None
    kinds = sorted(kind.value for kind in agent.nodes(f"{DCT}type") if isinstance(kind, NamedNode))
    return PublisherRecord(
        key=local_id(node.value if isinstance(node, NamedNode) else label),
        name=label,
        kind=kinds[0] if kinds else None,
        homepage=agent.url("publisher.homepage", f"{FOAF}homepage"),
    )


def read_contact(dataset: Properties) -> ContactRecord | None:
    """The dataset's contact; with several the first by content, the others are quarantined."""
    found = {
        contact.key: contact for node in dataset.nodes(f"{DCAT}contactPoint") if (contact := _contact(dataset, node))
    }
    contacts = tuple(found[key] for key in sorted(found))
    for other in contacts[1:]:
        dataset.flaw(
            "contactPoint",
            other.email or other.name or "",
            "value.multiple",
            "Only one contact is kept: remove the other.",
        )
    return contacts[0] if contacts else None


def _contact(dataset: Properties, node: Node) -> ContactRecord | None:
    vcard = dataset.of(node)
    name = vcard.text("contactPoint.name", f"{VCARD}fn", f"{VCARD}organization-name", limit=NAME_LENGTH)
    email = vcard.code(
        "contactPoint.email",
        _email,
        f"{VCARD}hasEmail",
        f"{VCARD}email",
        reason="contact.email",
        remedy="Give an address as mailto:office@city.example.",
    )
    telephone = vcard.code(
        "contactPoint.telephone",
        _telephone,
        f"{VCARD}hasTelephone",
        f"{VCARD}telephone",
        reason="contact.telephone",
        remedy="Give a number as tel:+49-641-1234.",
    )
    url = vcard.code(
        "contactPoint.url",
        web_address,
        f"{VCARD}hasURL",
        f"{VCARD}url",
        reason="url.invalid",
        remedy="Give a web address.",
    )
    if not (name or email or telephone or url):
        return None
    key = local_id(f"{name or email or url or telephone} / {email} / {telephone} / {url}")
    return ContactRecord(key, name, email, telephone, url)


def _email(text: str) -> str | None:
    found = _EMAIL.fullmatch(text)
    return found.group(1) if found else None


def _telephone(text: str) -> str | None:
    found = _TELEPHONE.fullmatch(text)
    return found.group(1) if found else None


def _text(node: Node) -> str:
    return node.value if isinstance(node, NamedNode | Literal) else "unnamed node"
