"""The canonical bytes of an access record, field by field as docs/log-format.md has them. Version 1.

Three JSON objects in the form of RFC 8785 (JCS): names sorted, no spaces, integers only. What many records have in
common is their kind; an entry names it by its hash, and the personal parts by a salted hash. An entry is a leaf.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import orjson

from federation.tlog.tree import leaf_hash
from node.audit.record import AccessRecord

VERSION = 1
SALT_BYTES = 16
REMEMBERED = 4_096


class Kind(NamedTuple):
    """What records have in common, with its canonical bytes and their hash in hex."""

    content: bytes
    digest: str


class Row(NamedTuple):
    """A record ready to be stored: a JSON object for PostgreSQL, the hash of its leaf in hex, and its kind."""

    json: bytes
    leaf: str
    kind: Kind


def kind_bytes(
    *,
    action: str,
    application: str | None,
    caller_city: str | None,
    counterpart: str | None,
    datasets: Sequence[str],
    decision: str,
    field: str,
    fields: Sequence[str],
    legal_basis: str | None,
    obligations: Sequence[str],
    operation: bytes,
    policy_version: str,
    positions: str | None,
    purpose: str | None,
    role: str,
    rules: Sequence[str],
    state: str,
) -> bytes:
    """The canonical bytes of a kind."""
    return orjson.dumps(
        {
            "action": action,
            "application": application,
            "caller_city": caller_city,
            "counterpart": counterpart,
            "datasets": datasets,
            "decision": decision,
            "field": field,
            "fields": fields,
            "legal_basis": legal_basis,
            "obligations": obligations,
            "operation": operation.hex(),
            "policy_version": policy_version,
            "positions": positions,
            "purpose": purpose,
            "role": role,
            "rules": rules,
            "state": state,
        }
    )


def personal_bytes(subject: str | None, token_id: str | None) -> bytes:
    """The canonical bytes of the personal parts."""
    return orjson.dumps({"subject": subject, "token_id": token_id})


def personal_digest(salt: bytes, subject: str | None, token_id: str | None) -> str:
    """What an entry has of its personal parts, in hex: with the salt gone, nobody can tell what they were."""
    return sha256(salt + personal_bytes(subject, token_id)).hexdigest()


def entry_bytes(
    *,
    at: str,
    bytes_: int,
    kind: str,
    personal: str,
    receipt: bytes | None,
    request: bytes | None,
    response: bytes | None,
    rows: int,
    took_us: int,
    trace_id: str,
) -> bytes:
    """The canonical bytes of an entry, which is what a leaf holds. `kind` and `personal` are digests in hex."""
    return orjson.dumps(
        {
            "at": at,
            "bytes": bytes_,
            "kind": kind,
            "personal": personal,
            "receipt": None if receipt is None else receipt.hex(),
            "request": None if request is None else request.hex(),
            "response": None if response is None else response.hex(),
            "rows": rows,
            "took_us": took_us,
            "trace_id": trace_id,
            "v": VERSION,
        }
    )


def time_text(at: datetime) -> str:
    """A time in UTC to the microsecond, as entries have it."""
    return at.isoformat(timespec="microseconds")[:26] + "Z"


class Canonical:
    """Makes rows of records. Kinds repeat from request to request, so they are remembered."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[tuple[object, ...], Kind] = OrderedDict()

    def rows(self, records: Sequence[AccessRecord], at: datetime) -> list[Row]:
        """The rows of records that are stored together: much of what one takes is still at hand for the next."""
        time, salts = time_text(at), os.urandom(SALT_BYTES * len(records))
        return [
            self._row(record, time, salts[SALT_BYTES * index : SALT_BYTES * (index + 1)])
            for index, record in enumerate(records)
        ]

    def _row(self, record: AccessRecord, at: str, salt: bytes) -> Row:
        kind = self.kind(record)
        personal = personal_bytes(record.caller.subject, record.caller.token_id)
        entry = entry_bytes(
            at=at,
            bytes_=record.bytes,
            kind=kind.digest,
            personal=sha256(salt + personal).hexdigest(),
            receipt=None if record.receipt is None else sha256(record.receipt.encode()).digest(),
            request=record.request_digest,
            response=record.response_digest,
            rows=record.rows,
            took_us=int(record.took_ms * 1000),
            trace_id=record.trace_id,
        )
        leaf = leaf_hash(entry).hex()
        stored = b'"salt":"%b","leaf":"%b",%b' % (salt.hex().encode(), leaf.encode(), personal[1:])
        if record.receipt is not None:
            stored = b'"signed":%b,%b' % (orjson.dumps(record.receipt), stored)
        json = b"%b,%b" % (entry[:-1], stored)
        return Row(json, leaf, kind)

    def kind(self, record: AccessRecord) -> Kind:
        """The kind of a record."""
        caller = record.caller
        key = (
            record.operation,
            record.field,
            record.fields,
            record.datasets,
            record.decision,
            record.rules,
            record.policy_version,
            record.state,
            record.role,
            record.counterpart,
            record.action,
            record.obligations,
            record.positions,
            caller.city,
            caller.application,
            caller.purpose,
            caller.legal_basis,
        )
        known = self._kinds.get(key)
        if known is None:
            content = kind_bytes(
                action=record.action,
                application=caller.application,
                caller_city=caller.city,
                counterpart=record.counterpart,
                datasets=record.datasets,
                decision=record.decision,
                field=record.field,
                fields=record.fields,
                legal_basis=caller.legal_basis,
                obligations=record.obligations,
                operation=record.operation,
                policy_version=record.policy_version,
                positions=record.positions,
                purpose=caller.purpose,
                role=record.role,
                rules=record.rules,
                state=record.state,
            )
            known = self._kinds[key] = Kind(content, sha256(content).hexdigest())
            if len(self._kinds) > REMEMBERED:
                self._kinds.popitem(last=False)
        return known
