"""A catalog in one of the forms of RDF."""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import RdfFormat, serialize

from node.web.export.dcat import PREFIXES, Told, catalog_triples
from node.web.export.publishing import Publishing

FORMATS = {"ttl": RdfFormat.TURTLE, "jsonld": RdfFormat.JSON_LD, "rdf": RdfFormat.RDF_XML}


def written(publishing: Publishing, datasets: Iterable[Told], form: str) -> bytes:
    """The catalog as a file with this extension."""
    content = serialize(catalog_triples(publishing, datasets), format=FORMATS[form], prefixes=PREFIXES)
    assert content is not None
    return content
