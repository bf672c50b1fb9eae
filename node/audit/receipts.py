"""Receipts that this city keeps, checked again with keys that their owner has rotated or revoked since.

What a key signed counts if it was still the owner's by this city's own log: a thief can put any time into a receipt,
but not into our record of it, whose head others have witnessed.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from joserfc.jwk import KeySet

from federation.jose import JwtError, read_unverified
from federation.receipts import CLOCK_SKEW_S, MAX_BYTES, ReceiptError, read_receipt
from federation.trust.former_keys import KnownKey

_KEPT = """
select r.trace_id, r.at, r.request_digest, r.receipt
  from access_record r join access_kind k on k.id = r.kind
 where k.role = 'CONSUMER' and (k.state = 'OK' or r.receipt is not null)
   and k.counterpart = %s and r.at >= %s and r.at < %s order by r.id
"""


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """An answer of another city as this city has recorded it: when, to which body (SHA-256), with which receipt."""

    trace_id: str
    recorded_at: datetime
    request: bytes | None
    receipt: str | None


class Parties(NamedTuple):
    """The issuers of the city that answered and of this one."""

    owner: str
    home: str


def kept(connection: psycopg.Connection[Any], city: str, start: datetime, end: datetime) -> Iterator[KeptReceipt]:
    """What was recorded of a city's answers. Raises psycopg's errors."""
    for row in connection.execute(_KEPT, (city, start, end)):
        yield KeptReceipt(*row)


def flaw(one: KeptReceipt, keys: Mapping[str, KnownKey], parties: Parties) -> str | None:
    """Why a kept receipt proves nothing; None if it does."""
    if one.receipt is None:
        return "there is no receipt"
    try:
        known = keys.get(read_unverified(one.receipt, MAX_BYTES).header["kid"])
        if known is None:
            return "nothing is known of the key that signed it"
        receipt = read_receipt(one.receipt, KeySet([known.key]), owner=parties.owner, home=parties.home)
    except (JwtError, ReceiptError) as error:
        return error.reason
    recorded = int(one.recorded_at.timestamp())
    if not known.counts_at(recorded):
        return f"its key was {'revoked' if known.is_revoked else 'replaced'} before this city got it"
    if abs(receipt.iat - recorded) > 2 * CLOCK_SKEW_S:
        return "it was not made when this city recorded it"
    if one.request is None or receipt.request != urlsafe_b64encode(one.request)[:-1].decode():
        return "it is for another request than the recorded one"
    return None
