"""Getting and using an access token as an application does.

Discovery (RFC 8414), private_key_jwt, client credentials, and a DPoP proof for each request (RFC 9449).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc.jwk import ECKey

from federation.addresses import everywhere
from federation.discovery import JSON, Discovery
from federation.errors import PeerDenied, PeerUnreachable
from federation.grants import FORM, client_assertion, client_credentials_form
from federation.proofs import HEADER, NONCE_HEADER, SCHEME, ProofKey
from federation.subjects import is_issuer
from federation.tokens import MAX_BYTES, read_token
from federation.transport import PeerResponse, PeerTransport

TIMEOUT_S = 10.0
MAX_TEXT = 300


@dataclass
class Access:
    """A token with the key that it is bound to, and the nonce to go on with."""

    token: str
    key: ProofKey
    nonce: str | None

    def headers(self, method: str, url: str, body: bytes | None = None) -> dict[str, str]:
        """What authorizes one request; the next one needs others."""
        proof = self.key.proof(method, url, int(time.time()), token=self.token, nonce=self.nonce, body=body)
        return {"Authorization": f"{SCHEME} {self.token}", HEADER: proof}

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take the nonce in the headers of an answer, if there is one."""
        self.nonce = headers.get(NONCE_HEADER, self.nonce)


async def obtain_token(
    issuer: str, client_id: str, key: ECKey, purpose: str | None, scope: str | None, **invoked: str | None
) -> Access:
    """Access to the node `issuer` for the application `client_id`; `invoked`: legal_basis and agreement, if any.

    Raises:
        PeerDenied: the node refused; the reason repeats its explanation.
        PeerError: it could not be asked.
        ValueError: `issuer` is not the URL of a node.
    """
    if not is_issuer(issuer):
        raise ValueError(f"{issuer} is not the URL of a node: use https://host, with no path and no slash at the end")
    proofs = ProofKey.new()
    async with PeerTransport(allows=everywhere) as transport:
        endpoint = await Discovery(transport).token_endpoint(issuer, TIMEOUT_S)
        now = int(time.time())
        assertion = client_assertion(client_id, issuer, key, now)
        response = await transport.post(
            endpoint,
            body=client_credentials_form(assertion, purpose=purpose, scope=scope, **invoked),
            content_type=FORM,
            headers={"Accept": JSON, HEADER: proofs.proof("POST", endpoint, now)},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_BYTES,
        )
    if response.status != 200:
        raise _refusal(response)
    return Access(read_token(response, scope or "").access_token, proofs, response.headers.get(NONCE_HEADER))


def _refusal(response: PeerResponse) -> PeerDenied | PeerUnreachable:
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = {}
    told = [answer.get(name) for name in ("error", "error_description")] if isinstance(answer, dict) else []
    text = ": ".join(part[:MAX_TEXT] for part in told if isinstance(part, str) and part.isprintable())
    reason = text or f"status {response.status}"
    return PeerUnreachable(reason) if response.status >= 500 else PeerDenied(reason)
