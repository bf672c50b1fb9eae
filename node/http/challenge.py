"""What a caller is told whose token is not accepted (RFC 9449 §7.1, RFC 9728 §5.1)."""

from __future__ import annotations

from federation.jose import ALGORITHM
from federation.proofs import NONCE_HEADER, SCHEME
from node.auth.metadata import RESOURCE_METADATA_PATH
from node.auth.token_check import InvalidToken


def challenge(refused: InvalidToken, issuer: str, nonce: str | None) -> dict[str, str]:
    """The headers of a 401."""
    told = {
        "error": refused.error,
        "error_description": refused.reason,
        "algs": ALGORITHM,
        "resource_metadata": issuer + RESOURCE_METADATA_PATH,
    }
    parameters = ", ".join(f'{name}="{_quotable(value)}"' for name, value in told.items())
    headers = {"WWW-Authenticate": f"{SCHEME} {parameters}"}
    return headers if nonce is None else {**headers, NONCE_HEADER: nonce}


def _quotable(text: str) -> str:
    """The characters that error_description may hold (RFC 6750 §3)."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text)
