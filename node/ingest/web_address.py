"""Which addresses may stand in a catalog."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_URL_SCHEMES = frozenset(["http", "https", "ftp", "ftps"])


def web_address(text: str) -> str | None:
    """`text` if it is an absolute address that a browser may open."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme.lower() not in _URL_SCHEMES or not parts.netloc or re.search(r"\s", text):
        return None
    return text
