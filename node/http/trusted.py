"""Trusted documents: queries that the node knows by the SHA-256 of their text.

Clients send the hash instead of the query: shorter requests, and with `trusted_documents_only` nothing else is
executed. The documents come from files that the operator puts there. Clients can't add any: an open registry is a place
that anybody can fill, and gains nothing, since documents are remembered anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from graphql import GraphQLError

from schema.documents import Documents

PREFIX = "sha256:"
SUFFIX = ".graphql"


class TrustedDocumentError(Exception):
    """A file can't be used; its text names file, place, reason and remedy."""


def load_documents(folder: Path, documents: Documents) -> Mapping[str, str]:
    """The documents in `folder` by the hexadecimal hash of their text; none if there is no such folder.

    Raises:
        TrustedDocumentError: a document is not text, or not valid against the schema and the limits.
    """
    found = {}
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TrustedDocumentError(f"{file} can't be read as UTF-8 text: {error}") from error
        if errors := documents.check(text).errors:
            raise TrustedDocumentError(f"{file}{_place(errors[0])}: {errors[0].message}. Correct the file or remove it")
        found[document_hash(text)] = text
    return found


def document_hash(text: str) -> str:
    """The hexadecimal SHA-256 of the text, as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _place(error: GraphQLError) -> str:
    return f", line {error.locations[0].line}" if error.locations else ""
