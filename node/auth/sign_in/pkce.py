"""Proof Key for Code Exchange (RFC 7636), S256 only. Pure."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode


def new_verifier() -> str:
    """A code verifier of 256 random bits."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """The challenge for a verifier."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())[:-1].decode()
