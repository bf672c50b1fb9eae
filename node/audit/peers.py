"""What this node fetches from other members' nodes about their logs. Nothing of it is believed unverified."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from federation.bounded import Bounded
from federation.errors import PeerIncompatible
from federation.in_flight import InFlight
from federation.log_keys import PATH, LogKeys, LogKeysError, log_name, verify_log_keys
from federation.membership import MAX_MEMBERS, Member, Membership
from federation.tlog.checkpoint import Checkpoint, open_checkpoint
from federation.tlog.note import MAX_NOTE_BYTES, Note, NoteError
from federation.tlog.witness import MAX_BODY_BYTES, Submission, read_proof
from federation.transport import PeerResponse, PeerTransport

TIMEOUT_S = 10.0
KEYS_FOR_S = 600.0
AGAIN_S = 5.0  # who signs with an unknown key is asked for its keys again, but not more often
EMPTY = "the log is empty"  # what a node answers that has no tree head
ADD_CHECKPOINT = "/log/witness/add-checkpoint"


class PeerLogs:
    """The logs of the other members, over HTTP. All errors are PeerError."""

    def __init__(
        self, transport: PeerTransport, membership: Callable[[], Membership], monotonic: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._membership = membership
        self._monotonic = monotonic
        self._keys = Bounded[str, tuple[float, str, LogKeys]](MAX_MEMBERS)
        self._asked = InFlight[tuple[str, str], LogKeys](TIMEOUT_S)  # strangers may submit heads, too

    def member_of(self, origin: str) -> Member | None:
        """The active member whose log has this origin. Raises MembershipError."""
        members = self._membership().members
        return next((one for one in members if one.is_active and log_name(one.issuer) == origin), None)

    async def keys(self, member: Member, max_age_s: float = KEYS_FOR_S) -> LogKeys:
        """The member's published keys, by default not older than ten minutes."""
        fetched, issuer, keys = self._keys.get(member.id, (0.0, "", None))
        if keys is not None and issuer == member.issuer and self._monotonic() < fetched + max_age_s:
            return keys
        return await self._asked.share(
            (member.id, member.issuer), lambda: self._published(member), None, outlives=False
        )

    async def _published(self, member: Member) -> LogKeys:
        response = await self._get(member, PATH)
        try:
            keys = verify_log_keys(response.body, member, datetime.now(UTC))
        except LogKeysError as error:
            raise PeerIncompatible(error.reason) from None
        self._keys[member.id] = self._monotonic(), member.issuer, keys
        return keys

    async def opened(self, member: Member, text: str) -> tuple[Checkpoint, Note, LogKeys]:
        """A tree head that this member's log signed; with keys fetched anew if it has others than it had.

        Raises:
            NoteError: it is malformed, or not signed with a key that the member publishes.
            PeerError: the keys can't be fetched.
        """
        keys = await self.keys(member)
        try:
            return (*open_checkpoint(text, *keys.of_log), keys)
        except NoteError:
            newer = await self.keys(member, AGAIN_S)
            if newer == keys:
                raise
            return (*open_checkpoint(text, *newer.of_log), newer)

    async def head(self, member: Member) -> tuple[Checkpoint, str, LogKeys] | None:
        """The member's newest tree head with its note, verified, and its keys; None if its log is empty."""
        response = await self._get(member, "/log/checkpoint", empty_ok=True)
        if response.status == 404:
            if EMPTY.encode() not in response.body:  # a gateway's, which must not be held against the log
                raise PeerIncompatible("it has no page for its tree head")
            return None
        try:
            text = response.body.decode()
            checkpoint, _, keys = await self.opened(member, text)
        except (NoteError, UnicodeDecodeError) as error:
            raise PeerIncompatible(f"its tree head is not accepted: {error}") from None
        return checkpoint, text, keys

    async def consistency(self, member: Member, old: int, new: int) -> list[bytes]:
        """What the member says is the proof from `old` to `new`."""
        response = await self._get(member, f"/log/consistency?old={old}&new={new}")
        try:
            return read_proof(response.body.decode())
        except (NoteError, UnicodeDecodeError) as error:
            raise PeerIncompatible(f"its proof is malformed: {error}") from None

    async def submit(self, member: Member, submission: Submission) -> PeerResponse:
        """Ask the member to cosign; whatever it answers."""
        return await self._transport.post(
            f"{member.issuer}{ADD_CHECKPOINT}",
            body=submission.body().encode(),
            content_type="text/plain; charset=utf-8",
            headers={},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_NOTE_BYTES,
        )

    async def _get(self, member: Member, path: str, *, empty_ok: bool = False) -> PeerResponse:
        response = await self._transport.get(
            f"{member.issuer}{path}", headers={}, timeout_s=TIMEOUT_S, max_bytes=MAX_BODY_BYTES
        )
        if response.status != 200 and not (empty_ok and response.status == 404):
            raise PeerIncompatible(f"it answered {path.partition('?')[0]} with HTTP status {response.status}")
        return response
