"""Put the answer of a root connection together: rows as prepared JSON, page info, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from federation.report import CityReport, report_json
from schema.selection import TYPENAME, Field


class PageInfo(msgspec.Struct, frozen=True):
    """Relay page info."""

    has_next: bool
    has_previous: bool
    start_cursor: str | None
    end_cursor: str | None


def connection_json(root: Field, rows: Mapping[str, bytes], info: PageInfo, reports: Sequence[CityReport]) -> bytes:
    """The JSON object of a connection with the selected children. `rows` has `edges` and `nodes` by response key."""
    parts = []
    for child in root.children:
        if child.key in rows:
            value = rows[child.key]
        elif child.name == "pageInfo":
            value = _info_json(child, info)
        elif child.name == "federation":
            value = report_json(child, reports)
        else:
            value = orjson.dumps(root.type_name if child.name == TYPENAME else None)
        parts.append(b'"' + child.key.encode() + b'":' + value)
    return b"{" + b",".join(parts) + b"}"


def _info_json(selected: Field, info: PageInfo) -> bytes:
    values = {
        "hasNextPage": info.has_next,
        "hasPreviousPage": info.has_previous,
        "startCursor": info.start_cursor,
        "endCursor": info.end_cursor,
        TYPENAME: "PageInfo",
    }
    return orjson.dumps({child.key: values[child.name] for child in selected.children})
