"""Getting an access token as an application does: discovery (RFC 8414), private_key_jwt, client credentials."""

from __future__ import annotations

import json
import time

from joserfc.jwk import ECKey

from federation.discovery import JSON, Discovery
from federation.errors import PeerDenied, PeerUnreachable
from federation.grants import FORM, client_assertion, client_credentials_form
from federation.subjects import is_issuer
from federation.tokens import MAX_BYTES, read_token
from federation.transport import PeerResponse, PeerTransport

TIMEOUT_S = 10.0
MAX_TEXT = 300


async def obtain_token(issuer: str, client_id: str, key: ECKey, purpose: str | None, scope: str | None) -> str:
    """An access token of the node `issuer` for the application `client_id`.

    Raises:
        PeerDenied: the node refused; the reason repeats its explanation.
        PeerError: it could not be asked.
        ValueError: `issuer` is not the URL of a node.
    """
    if not is_issuer(issuer):
        raise ValueError(f"{issuer} is not the URL of a node: use https://host, with no path and no slash at the end")
    async with PeerTransport() as transport:
        endpoint = await Discovery(transport).token_endpoint(issuer, TIMEOUT_S)
        assertion = client_assertion(client_id, issuer, key, int(time.time()))
        response = await transport.post(
            endpoint,
            body=client_credentials_form(assertion, purpose=purpose, scope=scope),
            content_type=FORM,
            headers={"Accept": JSON},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
    if response.status != 200:
        raise _refusal(response)
    return read_token(response, scope or "").access_token


def _refusal(response: PeerResponse) -> PeerDenied | PeerUnreachable:
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = {}
    told = [answer.get(name) for name in ("error", "error_description")] if isinstance(answer, dict) else []
    text = ": ".join(part[:MAX_TEXT] for part in told if isinstance(part, str) and part.isprintable())
    reason = text or f"status {response.status}"
    return PeerUnreachable(reason) if response.status >= 500 else PeerDenied(reason)
