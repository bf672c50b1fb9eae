"""Reads the properties of one subject: picks the language, bounds lengths, and notes what is flawed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from pyoxigraph import BlankNode, Literal, NamedNode

from node.ingest.dcat.graph import Graph, Node
from node.ingest.dcat.terms import RDFS, SKOS
from node.ingest.report import Flaw
from node.ingest.web_address import web_address

Code = TypeVar("Code")

MAX_VALUES = 500
URL_LENGTH = 2_000
_LANGUAGES = ("de", "", "en")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Properties:
    """One subject's properties. `location` names the subject in the quarantine; flaws are added to `flaws`."""

    def __init__(self, graph: Graph, subject: Node, location: str, flaws: list[Flaw]) -> None:
        self.graph = graph
        self.subject = subject
        self.location = location
        self.flaws = flaws

    def flaw(self, field: str, value: str, reason: str, message: str) -> None:
        """Quarantine a value."""
        self.flaws.append(Flaw(self.location, field, value, reason, message))

    def nodes(self, *predicates: str) -> list[Node]:
        """The values of the first predicate that has any."""
        return self.graph.objects(self.subject, *predicates)

    def of(self, node: Node) -> Properties:
        """The properties of a node that this subject refers to; its flaws are told of this subject."""
        return Properties(self.graph, node, self.location, self.flaws)

    def text(self, field: str, *predicates: str, limit: int) -> str | None:
        """One text, German before untagged before English before any other; too long a text is quarantined."""
        literals = [node for node in self.nodes(*predicates) if isinstance(node, Literal) and node.value.strip()]
        if not literals:
            return None
        return self._bounded(field, min(literals, key=_preference).value, limit)

    def texts(self, field: str, *predicates: str, limit: int) -> tuple[str, ...]:
        """All texts of the preferred language, sorted; at most 500."""
        literals = [node for node in self.nodes(*predicates) if isinstance(node, Literal) and node.value.strip()]
        if not literals:
            return ()
        best = min(map(_preference, literals))[0]
        found = {self._bounded(field, node.value, limit) for node in literals if _preference(node)[0] == best}
        return self._limited(field, sorted(text for text in found if text))

    def code(
        self, field: str, normalise: Callable[[str], Code | None], *predicates: str, reason: str, remedy: str
    ) -> Code | None:
        """One normalised value; several different ones, or one that is not clear, are quarantined."""
        return self.only(field, self.codes(field, normalise, *predicates, reason=reason, remedy=remedy))

    def codes(
        self, field: str, normalise: Callable[[str], Code | None], *predicates: str, reason: str, remedy: str
    ) -> tuple[Code, ...]:
        """All values that are clear, normalised, without doubles, in a stable order; the others are quarantined."""
        found: dict[str, Code] = {}
        nodes = self.nodes(*predicates)
        if len(nodes) > MAX_VALUES:
            self.flaw(field, str(len(nodes)), "value.too-many", f"At most {MAX_VALUES} values of {field} are read.")
        for node in nodes[:MAX_VALUES]:
            written = self._written(node)
            if not written:
                continue
            code = normalise(written) if len(written) <= URL_LENGTH else None
            if code is None:
                self.flaw(field, written, reason, remedy)
            else:
                found[str(code)] = code
        return tuple(found[name] for name in sorted(found))

    def url(self, field: str, *predicates: str) -> str | None:
        """One web address (http, https, ftp)."""
        return self.code(
            field, web_address, *predicates, reason="url.invalid", remedy="Give an absolute http(s) or ftp address."
        )

    def only(self, field: str, values: tuple[Code, ...]) -> Code | None:
        """The single one of these values; with several the first counts and the others are quarantined."""
        for other in values[1:]:
            self.flaw(
                field, str(other), "value.multiple", f"Only one {field} is kept, {values[0]}: remove the other one."
            )
        return values[0] if values else None

    def _written(self, node: Node) -> str:
        """What the catalog says: an IRI, a literal, or for an unnamed node its label."""
        if isinstance(node, NamedNode | Literal):
            return _CONTROL.sub("", node.value).strip()
        if isinstance(node, BlankNode):
            labels = self.graph.objects(node, f"{SKOS}notation", f"{SKOS}prefLabel", f"{RDFS}label")
            return next((label.value.strip() for label in labels if isinstance(label, Literal)), "")
        return ""

    def _bounded(self, field: str, text: str, limit: int) -> str | None:
        text = _CONTROL.sub("", text).strip()
        if len(text) <= limit:
            return text
        self.flaw(field, text, "literal.too-long", f"Shorten {field} to {limit} characters; it has {len(text)}.")
        return None

    def _limited(self, field: str, values: list[str]) -> tuple[str, ...]:
        if len(values) > MAX_VALUES:
            self.flaw(field, values[MAX_VALUES], "value.too-many", f"At most {MAX_VALUES} values of {field} are kept.")
        return tuple(values[:MAX_VALUES])


def _preference(literal: Literal) -> tuple[int, str, str]:
    tag = (literal.language or "").lower()
    rank = next((rank for rank, wanted in enumerate(_LANGUAGES) if tag.split("-")[0] == wanted), len(_LANGUAGES))
    return rank, tag, literal.value
