"""Whether this node's log is still the one that its witnesses have seen, and whether other logs were caught.

A witness that is asked to cosign a head as if it were the first answers with the size of the tree that it remembers
(c2sp.org/tlog-witness). If that is more than there is here, records are missing: a backup that is too old was restored,
or somebody removed them. A log without a head, as of a backup from before the first record, asks with an empty tree's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from federation.errors import PeerError
from federation.membership import Member
from federation.tlog.checkpoint import Checkpoint
from federation.tlog.note import MAX_NOTE_BYTES, sign
from federation.tlog.tree import EMPTY_ROOT
from federation.tlog.witness import Submission
from federation.transport import PeerTransport
from node.audit.peers import ADD_CHECKPOINT
from node.audit.witness import LogState
from node.auth.log_keys import load_log_keys
from node.doctor.finding import Finding, failed, ok, warning
from node.settings import Settings
from node.store.connections import connect

TIMEOUT_S = 5.0
HEAD = "select size, note from log_checkpoint order by size desc limit 1"
_LOST = (
    "restore a newer backup if there is one; else tell the data-protection officer and the other cities which hours are"
    " missing: their logs have the counterparts"
)
_CAUGHT = "ask these cities for their evidence; docs/access-log.md tells what follows"


def own_head(settings: Settings, database_url: str) -> tuple[int, str] | None:
    """Size and note of the newest head of this node's log; None if it has none and there is no key to sign one with."""
    with connect(database_url, "verbund-doctor") as connection:
        row = connection.execute(HEAD).fetchone()
    if row is not None:
        return int(row[0]), str(row[1])
    if not any(settings.keys_home.glob("log*.pem")):
        return None
    key = load_log_keys(settings).log
    return 0, str(sign(Checkpoint(key.key.name, 0, EMPTY_ROOT).text(), key.key, key.private))


def caught_logs(database_url: str) -> Iterator[Finding]:
    """Logs of other cities that contradict what this node has seen."""
    with connect(database_url, "verbund-doctor") as connection:
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
        remedy = "put the log's key into the keys' directory, and ask again"
        return [warning("log", "is empty, and without its key nobody can be asked whether it was", remedy)]
    size, note = head
    found = await asyncio.gather(*(_remembered(transport, member, note) for member in members if member.is_active))
    ahead = {member.id: seen for member, seen in found if isinstance(seen, int) and seen > size}
    if ahead:
        told = ", ".join(f"{city} {seen}" for city, seen in sorted(ahead.items()))
        return [failed("log", f"has {size} records, and others have seen more: {told}", _LOST)]
    caught = {member.id: seen for member, seen in found if isinstance(seen, LogState)}
    if caught:
        told = ", ".join(f"{city} {state}" for city, state in sorted(caught.items()))
        return [failed("log", f"has {size} records, and others have caught it: {told}", _CAUGHT)]
    asked = sum(seen is not None for _, seen in found)
    if members and not asked:
        return [warning("log", f"{size} records, and no other city can be asked about it", "try again later")]
    return [ok("log", f"{size} records, no less than {asked} other cities have seen")]


async def _remembered(transport: PeerTransport, member: Member, note: str) -> tuple[Member, int | LogState | None]:
    """The size of the tree that a witness knows, what it has caught this log at, or None if it does not say."""
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
    if response.status == 422:
        return member, next((state for state in LogState if f"known as {state}".encode() in response.body), 0)
    return member, 0 if response.status == 200 else None
