"""Reads an RDF file into memory, within bounds and without ever opening a socket.

The whole graph is held: a catalog's subjects stand in any order. The bound on the file's size is what bounds memory.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from node.ingest.errors import SourceError

MAX_MEGABYTES = 50
FORMATS = {"xml": RdfFormat.RDF_XML, "turtle": RdfFormat.TURTLE, "json-ld": RdfFormat.JSON_LD}
_EXTENSIONS = {
    ".rdf": "xml",
    ".xml": "xml",
    ".owl": "xml",
    ".ttl": "turtle",
    ".nt": "turtle",
    ".jsonld": "json-ld",
    ".json": "json-ld",
}
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DCATDE = re.compile(r"https?://(?:www\.)?dcat-ap\.de/def/dcatde/(?:\d+(?:\.\d+)*/)?")
_ENTITY = re.compile(rb"<!ENTITY[^>]*>")

Subject = NamedNode | BlankNode
Node = NamedNode | BlankNode | Literal | Triple


class Graph:
    """Triples by subject and predicate. Predicates of DCAT-AP.de are found whatever version their namespace has."""

    def __init__(self, quads: Iterator[Quad]) -> None:
        self._triples: dict[Subject, dict[str, list[Node]]] = {}
        for quad in quads:
            if isinstance(quad.subject, Triple):
                continue  # statements about statements carry no catalog data
            predicate = _DCATDE.sub("http://dcat-ap.de/def/dcatde/", quad.predicate.value)
            values = self._triples.setdefault(quad.subject, {}).setdefault(predicate, [])
            if quad.object not in values:
                values.append(quad.object)

    def __len__(self) -> int:
        return sum(len(values) for properties in self._triples.values() for values in properties.values())

    def objects(self, subject: Node, *predicates: str) -> list[Node]:
        """The values of the first of these predicates that has any."""
        if not isinstance(subject, NamedNode | BlankNode):
            return []
        properties = self._triples.get(subject, {})
        return next((properties[predicate] for predicate in predicates if predicate in properties), [])

    def describes(self, node: Node) -> bool:
        """Whether anything is said of it."""
        return node in self._triples

    def of_type(self, iri: str) -> list[Subject]:
        """All subjects of a class: named ones by IRI, then unnamed ones in the order of the file."""
        wanted = NamedNode(iri)
        found = [subject for subject, properties in self._triples.items() if wanted in properties.get(_RDF_TYPE, [])]
        return sorted(found, key=lambda node: (isinstance(node, BlankNode), _name(node)))


def read_graph(path: Path, format_name: str | None = None, *, max_bytes: int = MAX_MEGABYTES * 1_000_000) -> Graph:
    """Read the file as `xml`, `turtle` or `json-ld`; without a name its extension decides.

    Raises:
        SourceError: the file is missing, too large, of unknown format, not well formed, or it needs the network.
    """
    syntax = _format(path, format_name)
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror or error}") from None
    if len(content) > max_bytes:
        raise SourceError(
            f"{path} is larger than {max_bytes / 1_000_000:g} MB: split the catalog, or raise --max-megabytes"
        )
    if syntax is RdfFormat.RDF_XML:
        _check_entities(path, content, max_bytes)
        _check_well_formed(path, content)
    try:
        return Graph(parse(content.removeprefix(BOM_UTF8), format=syntax))
    except SyntaxError as error:
        raise SourceError(_explain(path, syntax, error)) from None
    except ValueError as error:
        raise SourceError(f"{path} can't be parsed: {error}") from None


def _format(path: Path, name: str | None) -> RdfFormat:
    name = name or _EXTENSIONS.get(path.suffix.lower())
    if name not in FORMATS:
        raise SourceError(f"{path}: the extension {path.suffix!r} names no format: give --format {'|'.join(FORMATS)}")
    return FORMATS[name]


def _check_entities(path: Path, content: bytes, max_bytes: int) -> None:
    """Refuse XML entities that would blow up: nested ones, and plain ones used often enough to exceed the limit."""
    declarations = _ENTITY.findall(content)
    if not declarations:
        return
    longest = max(map(len, declarations))
    if any(b"&" in declaration or b"%" in declaration for declaration in declarations):
        raise SourceError(f"{path} declares XML entities made of other entities: write the text out")
    if longest * content.count(b"&") > max_bytes:
        raise SourceError(f"{path} grows beyond the size limit through its XML entities: write the text out")


def _check_well_formed(path: Path, content: bytes) -> None:
    """Refuse a file that was cut off between two elements: the RDF parser takes its first part for the whole."""
    try:
        ParserCreate().Parse(content, True)  # noqa: FBT003 -- the C function takes no keywords
    except ExpatError as error:
        problem = f"line {error.lineno}: {ErrorString(error.code)}"
        raise SourceError(f"{path} is not well-formed RDF/XML, {problem}. Was it cut off? Fetch it again") from None


def _explain(path: Path, syntax: RdfFormat, error: SyntaxError) -> str:
    if "LoadDocumentCallback" in str(error):
        return (
            f"{path} refers to a JSON-LD context on the network, which is never loaded: put the context into the file,"
            " or convert the catalog to Turtle"
        )
    where = f", line {error.lineno}" if error.lineno else ""
    return f"{path} is not well-formed {syntax.name}{where}: {error.msg}. Mend the file, or name its format by --format"


def _name(node: Subject) -> str:
    return node.value if isinstance(node, NamedNode) else ""
