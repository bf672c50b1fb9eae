"""docs/messages.md: one federated query, message by message, rendered from messages that were really sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from federation.jose import json_object
from tests.federation.recorder import Message

SHOWN = ("Authorization", "DPoP", "traceparent", "DPoP-Nonce", "Verbund-Receipt", "Content-Type", "Cache-Control")
ISSUERS = {"offenbach": "https://daten.offenbach.example", "wetzlar": "https://daten.wetzlar.example"}
_LONG = re.compile(r"(?P<head>[A-Za-z0-9_-]{12})[A-Za-z0-9_.-]{40,}")

PAGE = """# The messages of one query

An application of Offenbach asks its own city's node for a dataset that Wetzlar shares with Offenbach, for a purpose, under an
agreement. These are all the messages: two for the application, two between the cities. They were recorded from two
running nodes by `tests/federation/test_messages.py`, which fails when they come to look different; addresses are replaced,
long values cut. What stands below a message is what its tokens say, decoded.

{sections}
## What is where

| question | answered by |
| --- | --- |
| Which application is it? | its signature under `client_assertion`, with a key that Offenbach has registered |
| Is it the one that the token was given to? | the DPoP proof, with the key in the token's `cnf` |
| Which city vouches for it? | the signature under `assertion`, with a key from the membership list |
| Why does it ask? | `purpose`, which Offenbach has registered for it and Wetzlar's agreement allows |
| Is the question what Offenbach's node sent? | `content_digest` in its proof |
| Is the answer what Wetzlar's node sent, and to this question? | the receipt: `request`, `proof`, `response` |
| Can a message be sent again? | no: every assertion and proof counts once, for a minute at most |
"""


def page(messages: list[Message], ports: Mapping[int, str]) -> str:
    """The page, from the four messages in the order in which they began."""
    token, query, crossing, question = messages
    sections = [
        _section("1. The application gets a token of its own city", token, ports, _form_of(token), {
            "client_assertion": token.form["client_assertion"],
            "DPoP": _header(token.sent, "DPoP"),
            "access_token": token.json["access_token"],
        }),
        _section("2. It asks", query, ports, json.loads(query.body), {"DPoP": _header(query.sent, "DPoP")}),
        _section("3. Offenbach's node vouches for it, and gets a token of Wetzlar's", crossing, ports, _form_of(crossing), {
            "assertion": crossing.form["assertion"],
            "client_assertion": crossing.form["client_assertion"],
            "DPoP": _header(crossing.sent, "DPoP"),
            "access_token": crossing.json["access_token"],
        }),
        _section("4. Offenbach's node asks, Wetzlar's node decides, records, answers and signs", question, ports, json.loads(question.body), {
            "DPoP": _header(question.sent, "DPoP"),
            "Verbund-Receipt": _header(question.received, "Verbund-Receipt"),
        }),
    ]  # fmt: skip
    return PAGE.format(sections="\n".join(sections))


def shape(text: str) -> str:
    """A page without what is different each time: values of tokens, times, ids, digests."""
    text = re.sub(r'("|: |=)[A-Za-z0-9_.=/:+-]*…', r"\1…", text)
    text = re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b", "#", text)
    text = re.sub(r"\b\d+\b", "0", text)
    return re.sub(r"[A-Za-z0-9_-]{20,}={0,2}:?(?=[\"&\n `,])", "#", text)


def _section(title: str, message: Message, ports: Mapping[int, str], body: Any, tokens: Mapping[str, str]) -> str:
    head = [f"{message.method} {ISSUERS[message.city]}{message.path}", *_headers(message.sent)]
    answer = [f"{message.status}", *_headers(message.received)]
    parts = [
        f"## {title}\n",
        _block("\n".join([*head, "", _json(body)]), ports),
        "answered by\n",
        _block("\n".join([*answer, "", _json(message.json)]), ports),
    ]
    for name, value in tokens.items():
        header, claims = (json_object(part.encode()) for part in value.split(".")[:2])
        parts += [f"`{name}`:\n", _block(f"{_json(header)}\n{_json(claims)}", ports, "json")]
    return "\n".join(parts)


def _header(headers: Mapping[str, str], name: str) -> str:
    return {known.lower(): value for known, value in headers.items()}[name.lower()]


def _form_of(message: Message) -> dict[str, str]:
    return message.form


def _headers(headers: Mapping[str, str]) -> list[str]:
    found = {name.lower(): value for name, value in headers.items()}
    return [f"{name}: {found[name.lower()]}" for name in SHOWN if name.lower() in found]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _block(text: str, ports: Mapping[int, str], kind: str = "") -> str:
    for port, city in ports.items():
        text = text.replace(f"http://127.0.0.1:{port}", ISSUERS[city])
    return f"```{kind}\n{_LONG.sub(_cut, text)}\n```\n"


def _cut(found: re.Match[str]) -> str:
    return f"{found['head']}…"
