"""Nonces for DPoP proofs (RFC 9449 §8): the time of day under a key that all replicas share. Pure.

So nothing is kept per nonce, and every replica accepts what another one gave. A nonce is good for five to ten minutes:
longer than any token that is handed out together with it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

PERIOD_S = 300
SECRET_BYTES = 32
_MAC_BYTES = 15


class Nonces:
    """Makes and knows nonces. `secret` is not to be used for anything else."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"the secret has less than {SECRET_BYTES} bytes")
        self._secret = secret
        self._period = -1
        self._current = self._before = ""

    def current(self, now: float) -> str:
        """The nonce to hand out (`now`: seconds since 1970)."""
        self._turn(now)
        return self._current

    def is_good(self, nonce: str, now: float) -> bool:
        """True if this nonce was handed out not long ago."""
        self._turn(now)
        given = nonce.encode()
        return hmac.compare_digest(given, self._current.encode()) or hmac.compare_digest(given, self._before.encode())

    def _turn(self, now: float) -> None:
        period = int(now // PERIOD_S)
        if period != self._period:
            self._period, self._current, self._before = period, self._made(period), self._made(period - 1)

    def _made(self, period: int) -> str:
        mac = hmac.digest(self._secret, f"dpop-nonce {period}".encode(), "sha256")
        return urlsafe_b64encode(mac[:_MAC_BYTES]).decode()
