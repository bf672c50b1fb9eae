"""Global ids: `<city>:<type>:<local id>`, e.g. `giessen:dataset:radverkehr-zaehlstellen`."""

from __future__ import annotations

import re

import msgspec

from schema.errors import BadInput

KINDS = frozenset({"dataset", "thing", "datastream", "sensor", "observed-property"})
MAX_LENGTH = 200
_PATTERN = re.compile(r"(?P<city>[a-z][a-z0-9-]{1,30}):(?P<kind>[a-z-]+):(?P<key>[^\s\x00-\x1f\x7f-\x9f]+)")


class GlobalId(msgspec.Struct, frozen=True):
    """The parts of a global id."""

    city: str
    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.city}:{self.kind}:{self.key}"


def parse_id(text: str, *, kind: str, argument: str) -> GlobalId:
    """Read a global id of the given kind.

    Raises:
        BadInput: the text is no id, or one of another kind.
    """
    match = _PATTERN.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None or match["kind"] not in KINDS:
        raise BadInput(
            f"{argument}: {text[:MAX_LENGTH]!r} is not an id",
            hint=f"ids look like giessen:{kind}:<local id>; take them from the field `id`",
        )
    if match["kind"] != kind:
        raise BadInput(
            f"{argument}: {text!r} is the id of a {match['kind']}, not of a {kind}",
            hint=f"take the id from the field `id` of a {kind}",
        )
    return GlobalId(match["city"], match["kind"], match["key"])
