"""Triples of one subject, in the order in which they are told; nothing is said of what is not there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
AUTHORITY = "http://publications.europa.eu/resource/authority"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20]+")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_ALLOWED = ":/?#@!$&'()*+,;=%"  # beside letters, digits and -._~ (RFC 3986, 2.2)

Node = NamedNode | BlankNode


def iri(text: str) -> NamedNode | None:
    """The IRI that a text is; None if it is none. What browsers put up with, as in `?filter[]=x`, is encoded."""
    if _ADDRESS.fullmatch(text):
        for written in (text, quote(text, safe=_ALLOWED)):
            try:
                return NamedNode(written)
            except ValueError:
                continue
    return None


class Subject:
    """Collects triples about one node."""

    def __init__(self, node: Node, triples: list[Triple], *classes: str) -> None:
        self.node = node
        self.triples = triples
        triples.extend(Triple(node, TYPE, NamedNode(name)) for name in classes)

    def add(self, predicate: str, value: Node | Literal | None) -> None:
        """A statement, if there is a value."""
        if value is not None:
            self.triples.append(Triple(self.node, NamedNode(predicate), value))

    def text(self, predicate: str, value: str | None, language: str | None = None) -> None:
        """A text, without the characters that no RDF/XML may have."""
        value = _NOT_XML.sub("", value or "")
        if value:
            self.add(predicate, Literal(value, language=language) if language else Literal(value))

    def texts(self, predicate: str, values: Iterable[str], language: str | None = None) -> None:
        """Some texts."""
        for value in values:
            self.text(predicate, value, language)

    def link(self, predicate: str, value: str | None) -> None:
        """An address; what is none is not told."""
        if value:
            self.add(predicate, iri(value))

    def typed(self, predicate: str, value: object, datatype: str) -> None:
        """A value of XML Schema, e.g. `dateTime`."""
        if value is not None:
            self.add(predicate, Literal(str(value), datatype=NamedNode(f"{XSD}{datatype}")))

    def code(self, predicate: str, table: str, value: str | None) -> None:
        """An entry of one of the EU's code lists."""
        if value:
            self.link(predicate, f"{AUTHORITY}/{table}/{value}")

    def part(self, predicate: str, *classes: str) -> Subject:
        """A node without a name, and what it is to this one. The same catalog is written the same."""
        node = BlankNode(f"n{len(self.triples)}")
        self.add(predicate, node)
        return Subject(node, self.triples, *classes)
