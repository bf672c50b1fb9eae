"""Errors that end an import. Flaws of single values do not raise: they are quarantined."""

from __future__ import annotations


class IngestError(Exception):
    """The import can't start or go on. The text says what is wrong and what to do; it is meant for people."""


class SourceError(IngestError):
    """The file or folder can't be read, is too large, or is not in the named format."""


class MappingError(IngestError):
    """The mapping file is wrong. The text names the field, the value and the remedy."""


class BusyError(IngestError):
    """Another import works on the same database."""
