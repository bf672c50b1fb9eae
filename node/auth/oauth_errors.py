"""Refusals of the token endpoint (RFC 6749 §5.2) beyond those that Authlib has, and text that is fit for them."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import OAuth2Error

MAX_SHOWN = 60


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The `resource` is not this node's (RFC 8707 §2)."""

    error = "invalid_target"


class InvalidProofError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The DPoP proof is missing or wrong (RFC 9449 §5)."""

    error = "invalid_dpop_proof"


class UseNonceError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The proof's nonce is not one of this server (RFC 9449 §8); the answer names one that is."""

    error = "use_dpop_nonce"


class TemporarilyUnavailableError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """What a token would rest on can't be reached now."""

    error = "temporarily_unavailable"
    status_code = 503


def shown(text: str) -> str:
    """Foreign text in the characters that an error_description may hold, cut to a decent length."""
    cut = text[:MAX_SHOWN]
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in cut) + (
        "..." if len(text) > MAX_SHOWN else ""
    )
