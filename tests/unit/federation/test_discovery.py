"""Metadata of an authorization server is believed as far as it stays with the issuer that was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from federation.discovery import read_metadata
from federation.errors import PeerError, PeerIncompatible, PeerUnreachable
from federation.transport import PeerResponse

ISSUER = "https://daten.wetzlar.example"


def read(content: Any, status: int = 200) -> str:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_metadata(ISSUER, PeerResponse(status, body, "application/json")).token_endpoint


def test_a_token_endpoint_anywhere_on_the_issuers_host() -> None:
    assert read({"issuer": ISSUER, "token_endpoint": f"{ISSUER}/a/b"}) == f"{ISSUER}/a/b"


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"rubbish",
        b"\xff",
        b"[" * 20_000,
        {"issuer": ISSUER},
        {"issuer": "https://other.example", "token_endpoint": f"{ISSUER}/oauth/token"},
        {"issuer": f"{ISSUER}/", "token_endpoint": f"{ISSUER}/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": "https://evil.example/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": f"{ISSUER}.evil.example/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": f"{ISSUER}@evil.example/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": "file:///etc/passwd"},
        {"issuer": ISSUER, "token_endpoint": "/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": "http://[oops"},
        {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/oauth/tok en"},
    ],
)
def test_metadata_that_is_not_the_issuers_own(metadata: Any) -> None:
    with pytest.raises(PeerIncompatible, match=r"metadata|token endpoint"):
        read(metadata)


@pytest.mark.parametrize(
    ("status", "error"), [(404, PeerIncompatible), (503, PeerUnreachable), (302, PeerIncompatible)]
)
def test_no_metadata(status: int, error: type[PeerError]) -> None:
    with pytest.raises(error):
        read({"issuer": ISSUER, "token_endpoint": f"{ISSUER}/t"}, status)


@pytest.mark.parametrize(("name", "told"), [("https://other.example", ", https://other.example"), ("kein Name", "")])
def test_the_other_issuer_is_named_if_it_is_one(name: str, told: str) -> None:
    with pytest.raises(PeerIncompatible, match=f"another issuer than was asked{told}$"):
        read({"issuer": name, "token_endpoint": f"{ISSUER}/oauth/token"})
