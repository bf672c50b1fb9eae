"""The receipts that this node gives to other nodes with its answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from federation.receipts import MAX_ENTRIES, MAX_OBLIGATIONS, MAX_SENTENCE, Receipt, digest, make_receipt
from node.auth.callers import Claimed
from node.auth.identity import NodeIdentity
from schema.ports import Evidence


class Receipts:
    """Signs receipts with the node's key."""

    def __init__(self, node: NodeIdentity, clock: Callable[[], float] = time.time) -> None:
        self._node = node
        self._clock = clock

    def receipt(self, claimed: Claimed, request: bytes, response: bytes, *, trace_id: str, evidence: Evidence) -> str:
        """The receipt of an answer to another node; `request` and `response` are the bodies as they were sent.

        Raises:
            ValueError: the caller does not come through another node.
        """
        if claimed.token is None or claimed.token.home_issuer is None:
            raise ValueError("receipts are for other nodes")
        stated = Receipt(
            iss=self._node.issuer,
            aud=claimed.token.home_issuer,
            iat=int(self._clock()),
            request=digest(request),
            response=digest(response),
            proof=digest(claimed.proof_text.encode()),
            trace_id=trace_id,
            entries=tuple(evidence.entries)[:MAX_ENTRIES],
            policy_version=evidence.policy_version,
            obligations=tuple(text[:MAX_SENTENCE] for text in evidence.obligations)[:MAX_OBLIGATIONS],
        )
        return make_receipt(stated, self._node.signing_key)
