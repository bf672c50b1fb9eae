"""What other owners explain about a document: asked as its caller, read with every word checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from federation.errors import PeerIncompatible
from federation.question import ALIAS
from schema.document import Document

_QUERY = f"""query ($document: String!, $variables: JSON, $operation: String) {{
  {ALIAS}: explain(document: $document, variables: $variables, operationName: $operation) {{
    cost policyVersion
    fields {{ field datasets {{ datasets count permit decidedBy matched obligations obligedBy
      ways {{ agreements terms rounds {{ plan permit rules }} }} }} }}
  }}
}}"""


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Round(_Told, frozen=True):
    """As `PolicyRound` of the API."""

    plan: list[str]
    permit: bool
    rules: list[str]


class Way(_Told, frozen=True):
    """As `PolicyWay` of the API."""

    agreements: list[str]
    terms: list[str]
    rounds: list[Round]


class Datasets(_Told, frozen=True):
    """As `DatasetExplanation` of the API."""

    datasets: list[str]
    count: int
    permit: bool
    decided_by: list[str]
    matched: list[str]
    obligations: list[str]
    obliged_by: list[str]
    ways: list[Way]


class ExplainedField(_Told, frozen=True):
    """What becomes of one root field at this owner."""

    field: str
    datasets: list[Datasets]


class Explained(_Told, frozen=True):
    """What one owner says."""

    cost: dict[str, int]
    policy_version: str
    fields: list[ExplainedField]

    def of(self, key: str) -> list[Datasets]:
        """What it says of the root field with this response key."""
        return [one for field in self.fields if field.field == key for one in field.datasets]


def explain_document(question: Mapping[str, Any]) -> Document:
    """The query that asks an owner for its explanation of a document (`document`, `variables`, `operation`)."""
    return Document(_QUERY, dict(question))


def read_explained(city: str, answer: msgspec.Raw) -> Explained:
    """What the owner has answered.

    Raises:
        PeerIncompatible: it is no explanation, or it speaks of other cities' datasets, or of what is denied.
    """
    try:
        told = msgspec.json.decode(answer, type=Explained)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PeerIncompatible("its explanation can't be read") from None
    for field in told.fields:
        for one in field.datasets:
            if not all(id_.startswith(f"{city}:dataset:") for id_ in one.datasets):
                raise PeerIncompatible("it explains datasets of another city")
            if not one.permit or one.count < len(one.datasets):
                raise PeerIncompatible("it explains what the caller may not have")
    return told
