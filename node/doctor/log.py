"""Whether this node's log is still the one that its witnesses have seen, and whether other logs were caught.

A witness that is asked to cosign a head as if it were the first answers with the size of the tree that it remembers
(c2sp.org/tlog-witness). If that is more than there is here, records are missing: a backup that is too old was restored,
or somebody removed them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from federation.errors import PeerError
from federation.membership import Member
from federation.tlog.note import MAX_NOTE_BYTES
from federation.tlog.witness import Submission
from federation.transport import PeerTransport
from node.audit.peers import ADD_CHECKPOINT
from node.doctor.finding import Finding, failed, ok, warning

TIMEOUT_S = 5.0
HEAD = "select size, note from log_checkpoint order by size desc limit 1"
_LOST = (
    "restore a newer backup if there is one; else tell the data-protection officer and the other cities which hours are"
    " missing: their logs have the counterparts"
)


def own_head(database_url: str) -> tuple[int, str] | None:
    """Size and note of the newest head of this node's log."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute(HEAD).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def caught_logs(database_url: str) -> Iterator[Finding]:
    """Logs of other cities that contradict what this node has seen."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        rows: list[Any] = connection.execute(
            "select city, state, reason from witnessed_log where state <> 'CONSISTENT' order by city"
        ).fetchall()
    for city, state, reason in rows:
        yield warning(f"log of {city}", f"{state}: {reason}", "docs/access-log.md tells what to do about it")


async def seen_by_witnesses(
    transport: PeerTransport, members: Sequence[Member], head: tuple[int, str] | None
) -> list[Finding]:
    """What the other cities remember of this node's log."""
    if head is None:
        return [ok("log", "is empty")]
    size, note = head
    sizes = await asyncio.gather(*(_remembered(transport, member, note) for member in members if member.is_active))
    ahead = {member.id: seen for member, seen in sizes if seen is not None and seen > size}
    if ahead:
        told = ", ".join(f"{city} {seen}" for city, seen in sorted(ahead.items()))
        return [failed("log", f"has {size} records, and others have seen more: {told}", _LOST)]
    asked = sum(seen is not None for _, seen in sizes)
    if members and not asked:
        return [warning("log", f"{size} records, and no other city can be asked about it", "try again later")]
    return [ok("log", f"{size} records, no less than {asked} other cities have seen")]


async def _remembered(transport: PeerTransport, member: Member, note: str) -> tuple[Member, int | None]:
    try:
        response = await transport.post(
            f"{member.issuer}{ADD_CHECKPOINT}",
            body=Submission(0, [], note).body().encode(),
            content_type="text/plain; charset=utf-8",
            headers={},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_NOTE_BYTES,
        )
    except PeerError:
        return member, None
    if response.status == 409 and response.body.strip().isdigit():
        return member, int(response.body)
    return member, 0 if response.status == 200 else None
