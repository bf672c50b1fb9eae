"""Examples in the documentation: JWTs that were really published, decoded, with addresses replaced and long values cut.

An example is a block ```json after a line `<!-- example: NAME -->`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

from federation.jose import json_object
from tests.conftest import REPOSITORY

_BLOCK = r"(<!-- example: %s -->\n+```json\n)(.*?)(\n```)"
_VALUE = re.compile(r"(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{40,}")  # what is random, and no long name
_LINE = 130


def check_examples(pages: Mapping[str, Mapping[str, str]], issuers: Mapping[str, str]) -> None:
    """Each page shows these tokens by the name of the example, but for values that differ each time."""
    for page, examples in pages.items():
        path = REPOSITORY / "docs" / page
        text = path.read_text(encoding="utf-8")
        for name, token in examples.items():
            now = rendered(token, issuers)
            found = re.search(_BLOCK % re.escape(name), text, re.DOTALL)
            assert found is not None, f"{page} has no example {name}"
            if os.environ.get("WRITE_DOCS"):
                text = text.replace(found[0], f"{found[1]}{now}{found[3]}")
            else:
                assert shape(found[2]) == shape(now), f"{page}, {name}: write it anew with WRITE_DOCS=1"
        if os.environ.get("WRITE_DOCS"):
            path.write_text(text, encoding="utf-8")


def rendered(token: str, issuers: Mapping[str, str]) -> str:
    """Header and claims."""
    header, claims = (json_object(part.encode()) for part in token.split(".")[:2])
    text = "\n".join(_pretty(part) for part in (header, claims))
    for real, shown in issuers.items():
        text = text.replace(real, shown)
    return _VALUE.sub(lambda value: f"{value[0][:8]}…", text)


def shape(text: str) -> str:
    """An example without the values that differ each time, and without repeated items of lists."""
    text = re.sub(r"[A-Za-z0-9_-]{8}…", "…", text)
    text = re.sub(r"\s+", " ", re.sub(r"\b\d{9,}\b", "0", text))
    key = r'\{"kty": [^{}]*(?:\{[^{}]*\})?[^{}]*\}'
    return re.sub(rf"{key}(?:, {key})*", "KEYS", text)


def _pretty(value: object, indent: int = 0) -> str:
    """JSON in as few lines as fit."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(_VALUE.sub("x" * 9, flat)) + indent <= _LINE or not isinstance(value, dict | list):
        return flat
    inner = indent + 2
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {_pretty(item, inner)}" for name, item in value.items()]
        opening, closing = "{}"
    else:
        items = [_pretty(item, inner) for item in value]
        opening, closing = "[]"
    lines = f",\n{' ' * inner}".join(items)
    return f"{opening}\n{' ' * inner}{lines}\n{' ' * indent}{closing}"
