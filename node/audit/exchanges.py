"""Exchanges between this city and another one, as both logs have them."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import psycopg

from federation.errors import PeerIncompatible
from federation.jose import decoded
from federation.membership import Member
from federation.tokens import PeerTokens
from federation.transport import PeerTransport
from node.audit.reconcile import Answered, Asked
from node.store.pool import Pool
from policy.model import ANONYMOUS

PATH = "/log/exchanges"
PAGE = 20_000
MAX_BYTES = PAGE * 270
MOST = 2_000_000  # exchanges that are compared at once
_LINE = re.compile(r"[0-9a-f]{64} [0-9a-f]{64}(?: (?:[0-9a-f]{64}|-)){2}")
FETCH_S = 30.0
SCOPE = "data:read"

_ANSWERED = """
select r.id, encode(r.leaf, 'hex'), encode(sha256(convert_to(r.trace_id, 'UTF8')), 'hex'),
       coalesce(encode(r.request_digest, 'hex'), ''), coalesce(encode(r.response_digest, 'hex'), '')
  from access_record r join access_kind k on k.id = r.kind
 where k.role = 'OWNER' and k.counterpart = %s and r.at >= %s and r.at < %s and r.id > %s
 order by r.id limit %s
"""
_ASKED = """
select r.trace_id, r.request_digest, r.response_digest, r.receipt, k.state,
       (select case when r.id < record_id + length then position + r.id - record_id end
          from log_run where record_id <= r.id order by record_id desc limit 1)
  from access_record r join access_kind k on k.id = r.kind
 where k.role = 'CONSUMER' and k.counterpart = %s and r.at >= %s and r.at < %s order by r.id
"""


async def read_answered(
    pool: Pool, city: str, start: datetime, end: datetime, after: int
) -> tuple[list[Answered], int]:
    """A page of what this city answered another one, and the last record's id. Raises psycopg.Error or PoolTimeout."""
    async with pool.connection() as connection:
        rows = await (await connection.execute(_ANSWERED, (city, start, end, after, PAGE))).fetchall()
    return [Answered(*row[1:]) for row in rows], rows[-1][0] if rows else after


def read_asked(connection: psycopg.Connection[Any], city: str, start: datetime, end: datetime) -> Iterator[Asked]:
    """What this city asked another one."""
    for trace, request, response, receipt, state, position in connection.execute(_ASKED, (city, start, end)):
        digests = (digest.hex() if digest else None for digest in (request, response))
        yield asked_of(position, trace, *digests, receipt=receipt, state=state)


def asked_of(
    position: int | None,
    trace: str,
    request: str | None,
    response: str | None,
    *,
    receipt: str | None,
    state: str,
) -> Asked:
    """One exchange of ours as it is compared; `request` and `response`: SHA-256 in hex, if there are any."""
    own, leaves = _stated(receipt)
    hashed = sha256((own or trace).encode()).hexdigest()
    return Asked(position, trace, hashed, request or "", response or "", leaves, state)


class _Receipt(msgspec.Struct):
    trace_id: str
    entries: tuple[str, ...] = ()


def _stated(receipt: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The trace under which the owner was asked, and the leaves that it names. Receipts are verified when they come."""
    if receipt is None:
        return None, ()
    payload = receipt.split(".")[1]
    try:
        stated = msgspec.json.decode(decoded(payload.encode()), type=_Receipt)
    except (msgspec.DecodeError, binascii.Error):
        return None, ()
    return stated.trace_id, stated.entries


async def fetch_answered(
    transport: PeerTransport, tokens: PeerTokens, member: Member, start: datetime, end: datetime
) -> list[Answered]:
    """What the other city says that it answered this one. Raises PeerError."""
    found: list[Answered] = []
    after = "0"
    for _ in range(1 + MOST // PAGE):
        page, following = await _page(transport, tokens, member, start, end, after)
        found += page
        if following is None:
            return found
        if not page:
            break
        after = following
    raise PeerIncompatible(
        f"it tells of more than {MOST:,} exchanges, or page by page of few: compare a shorter period"
    )


async def _page(
    transport: PeerTransport, tokens: PeerTokens, member: Member, start: datetime, end: datetime, after: str
) -> tuple[list[Answered], str | None]:
    for attempt in range(3):
        token = await tokens.token_for(member, ANONYMOUS, SCOPE, FETCH_S)
        url = f"{member.issuer}{PATH}"
        times = f"start={start:%Y-%m-%dT%H:%M:%S.%fZ}&end={end:%Y-%m-%dT%H:%M:%S.%fZ}"
        response = await transport.get(
            f"{url}?{times}&after={after}",
            headers={**tokens.authorize(member, token, "GET", url).headers, "Accept": "text/plain"},
            timeout_s=FETCH_S,
            max_bytes=MAX_BYTES,
        )
        tokens.learn(member, response)
        if response.status == 401 and attempt < 2:
            tokens.refused(member, ANONYMOUS, token, response)
            continue
        if response.status != 200:
            raise PeerIncompatible(f"it answered with HTTP status {response.status}")
        lines = response.body.decode("ascii", "replace").splitlines()
        if len(lines) > PAGE or not all(map(_LINE.fullmatch, lines)):
            raise PeerIncompatible("its list of exchanges is malformed")
        page = [Answered(*("" if part == "-" else part for part in line.split(" "))) for line in lines]
        following = response.headers.get("Verbund-Next")
        return page, following if following and following.isdigit() else None
    raise PeerIncompatible("it accepts no token")
