"""Keep up with anchors and nodes: fetch what they say, prove it, keep it, and go by it.

Each of them is asked again every `every_s` seconds, sooner after a failure. What can't be had changes nothing: what was
heard before counts until it ends. A node that uses a key that we do not know is asked at once, though not again and
again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from federation.bounded import Bounded
from federation.errors import FederationError, MembershipError
from federation.membership import MAX_MEMBERS, Membership
from federation.trust.anchor import MAX_DOCUMENT_BYTES, document_path
from federation.trust.pins import AnchorPin, read_pins
from federation.trust.state import Kept, Trust
from federation.trust.statements import MAX_STATEMENT_BYTES, WELL_KNOWN

log = logging.getLogger(__name__)

FETCH_S = 5.0
DOCUMENT_S = 20.0
AT_ONCE = 16
UNKNOWN_KEY_S = 5.0  # between two questions for unknown keys, in the long run; but
UNKNOWN_KEYS = 4  # at once: a node may change its key more than once, and one of its workers be behind
FIRST_RETRY_S = 1.0  # then twice as long each time
LOOK_S = 1.0  # for anchors that were added or removed, and for what is due
EARLIEST, LATEST = 0.8, 1.2  # times the interval: so that neither the nodes nor the questions of one node meet

Fetch = Callable[[str, float, int], Awaitable[bytes]]
"""URL, seconds and bytes at most; raises FederationError."""


class TrustStore(Protocol):
    """Where proven statements survive a restart, for all workers of a node."""

    async def load(self) -> list[Kept]:
        """All of them. Raises OSError if they can't be read."""

    async def save(self, kept: Kept) -> bool:
        """Keep it; False if a newer one is there. Raises OSError if it can't be kept."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How it stands with an anchor or a member's node.

    `heard_at`: when it last answered this process. `ends_at`: until when what it said counts. `problem`: what was wrong
    with the last attempt.
    """

    entity: str
    heard_at: datetime | None
    ends_at: datetime | None
    problem: str | None


def follows_within_s(every_s: float) -> float:
    """Seconds within which a node that asks so often goes by what an anchor or a node newly says, if both answer.

    The anchor's turn comes, then the new member's; a second each, and one for answering.
    """
    return every_s * LATEST + 3 * LOOK_S


class TrustKeeper:
    """The members that this node goes by, as long as `keep` runs."""

    def __init__(
        self,
        trust: Trust,
        anchors: Path,
        own_issuer: str,
        fetch: Fetch,
        store: TrustStore,
        every_s: float,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trust = trust
        self._anchors = anchors
        self._own_issuer = own_issuer
        self._fetch = fetch
        self._store = store
        self._every_s = every_s
        self._now = now
        self._monotonic = monotonic
        self._stamp: object = None
        self._learned = Bounded[str, float](MAX_MEMBERS)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._due: dict[str, float] = {}
        self._failures = Bounded[str, int](MAX_MEMBERS)
        self._problems = Bounded[str, str](MAX_MEMBERS)
        self._heard = Bounded[str, datetime](MAX_MEMBERS)

    @property
    def anchors(self) -> list[str]:
        """The anchors that this node trusts."""
        return [pin.entity for pin in self._trust.pins]

    @property
    def has_joined(self) -> bool:
        """True if this node trusts an anchor."""
        return bool(self._trust.pins)

    def current(self) -> Membership:
        """The members now.

        Raises:
            MembershipError: nothing has been heard yet, or all has ended; the reason says why.
        """
        try:
            return self._trust.current(self._now())
        except MembershipError as error:
            why = next((problem for pin in self._trust.pins if (problem := self._problems.get(pin.entity))), None)
            raise MembershipError(f"{error.reason} (at the last attempt: {why})" if why else error.reason) from None

    def vouched_jwks(self, issuer: str) -> dict[str, Any]:
        """The federation keys of a node that are vouched for now; none if nothing can be relied on."""
        try:
            return self._trust.vouched_jwks(issuer, self._now())
        except MembershipError:
            return {"keys": []}

    def contacts(self) -> list[Contact]:
        """The anchors, and the members that are asked."""
        return [self._contact(entity) for entity in (*self.anchors, *self._others())]

    async def load(self) -> None:
        """Take up what was kept. Raises OSError if it can't be read."""
        for kept in await self._store.load():
            self._restore(kept)
        self.look_for_anchors()

    async def keep(self) -> None:
        """Keep up until cancelled."""
        while True:
            try:
                self.look_for_anchors()
                self._ask_those_due()
            except Exception:  # what is known counts until it ends, so go on
                log.exception("the membership could not be refreshed")
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Stop the requests under way."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def look_for_anchors(self) -> bool:
        """Read the anchors' files again if they changed; True if they did."""
        stamp = _stamp(self._anchors)
        if stamp == self._stamp:
            return False
        try:
            self._trust.set_pins(read_pins(self._anchors))
        except MembershipError as error:
            self._tell(str(self._anchors), error)
            return False  # what was trusted before is trusted still; the files are read again next time
        self._stamp = stamp
        self._due.clear()
        return True

    async def refresh(self) -> None:
        """Ask all anchors, then all members, once, and wait for their answers."""
        self.look_for_anchors()
        await asyncio.gather(*(self._ask(pin.entity) for pin in self._trust.pins))
        await asyncio.gather(*(self._ask(issuer) for issuer in self._others()))

    async def learn(self, issuer: str, timeout_s: float) -> None:
        """Ask a member at once, since it uses a key that we do not know; but not too often."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                known = self._keys_of(issuer)
                while (under_way := self._asking.get(issuer)) is not None:
                    await asyncio.shield(under_way)
                    if self._keys_of(issuer) != known:
                        return  # else it may have been asked before it changed
                if self._may_learn(issuer):
                    await asyncio.shield(self._ask(issuer))

    def _keys_of(self, issuer: str) -> dict[str, Any] | None:
        try:
            member = self._trust.current(self._now()).by_issuer(issuer)
        except MembershipError:
            return None
        return None if member is None else member.jwks

    def _may_learn(self, issuer: str) -> bool:
        """Whether it may be asked once more (generic cell rate algorithm: `_learned` is when all is spent again)."""
        now = self._monotonic()
        spent = max(self._learned.get(issuer, now), now)
        if spent - now > UNKNOWN_KEY_S * (UNKNOWN_KEYS - 1):
            return False
        self._learned[issuer] = spent + UNKNOWN_KEY_S
        return True

    def _contact(self, entity: str) -> Contact:
        period = self._trust.period_of(entity)
        ends = None if period is None else period.expires_at
        return Contact(entity, self._heard.get(entity), ends, self._problems.get(entity))

    def _ask_those_due(self) -> None:
        entities = [*(pin.entity for pin in self._trust.pins), *self._others()]
        self._due = {entity: self._due.get(entity, float("-inf")) for entity in entities}
        now = self._monotonic()
        for entity, due in self._due.items():
            if due <= now:
                self._ask(entity)

    def _others(self) -> list[str]:
        try:
            members = self._trust.current(self._now()).members if self.has_joined else ()
        except MembershipError:
            return []  # told where requests need it
        return [one.issuer for one in members if one.is_active and one.issuer != self._own_issuer]

    def _ask(self, entity: str) -> asyncio.Task[None]:
        """The request to an anchor or a member that is under way, or a new one."""
        task = self._asking.get(entity)
        if task is None:
            pin = next((pin for pin in self._trust.pins if pin.entity == entity), None)
            task = asyncio.create_task(
                self._try(entity, self._ask_node(entity) if pin is None else self._ask_anchor(pin))
            )
            self._asking[entity] = task
            task.add_done_callback(lambda _: self._asking.pop(entity, None))
        return task

    async def _try(self, entity: str, asking: Awaitable[None]) -> None:
        try:
            await asking
        except FederationError as error:
            self._tell(entity, error)
        except Exception:  # the database, or what nobody foresaw: what is known counts until it ends
            log.exception("what %s says can't be kept, so it is not gone by", entity)
        else:
            self._heard[entity] = self._now()
            self._problems.pop(entity, None)
            self._failures.pop(entity, None)
            self._due[entity] = self._monotonic() + self._every_s * random.uniform(EARLIEST, LATEST)  # noqa: S311
            return
        self._failures[entity] = failures = self._failures.get(entity, 0) + 1
        self._due[entity] = self._monotonic() + min(self._every_s, FIRST_RETRY_S * 2 ** min(failures - 1, 10))

    async def _ask_anchor(self, pin: AnchorPin) -> None:
        token = (await self._fetch(f"{pin.entity}{WELL_KNOWN}", FETCH_S, MAX_STATEMENT_BYTES)).decode(
            "ascii", "replace"
        )
        token = token.strip()
        configuration = self._trust.read_anchor(pin, token, self._now())
        document = self._trust.document_of(pin, configuration, token)
        if document is None:
            return
        if not document:
            url = f"{pin.entity}{document_path(configuration.digest)}"
            document = await self._fetch(url, DOCUMENT_S, MAX_DOCUMENT_BYTES)
        now = self._now()
        record = await asyncio.to_thread(self._trust.read_members, pin, token, configuration, document, now)
        kept = Kept(pin.entity, token, configuration.period.issued_at, pin.digest, document)
        if not await self._store.save(kept):
            await self._take_up(pin.entity)  # another worker has heard something newer
            raise MembershipError("it is older than the one in use")
        self._trust.take_anchor(record)
        log.info(
            "%s vouches for %d members until %s", pin.entity, len(record.view.members), configuration.period.expires_at
        )

    async def _ask_node(self, issuer: str) -> None:
        if not self._trust.vouched_jwks(issuer, self._now())["keys"]:
            return  # nothing that it says could be proven
        async with self._turns:
            token = (await self._fetch(f"{issuer}{WELL_KNOWN}", FETCH_S, MAX_STATEMENT_BYTES)).decode(
                "ascii", "replace"
            )
        jwks = self._trust.vouched_jwks(issuer, self._now())
        record = self._trust.read_node(issuer, token.strip(), jwks, self._now())
        if record is None:
            return
        named = record.configuration
        if await self._store.save(Kept(issuer, record.token, named.period.issued_at, keys=tuple(named.jwks["keys"]))):
            self._trust.take_node(record)
        else:
            await self._take_up(issuer)

    async def _take_up(self, entity: str) -> None:
        for kept in await self._store.load():
            if kept.entity == entity:
                self._restore(kept)

    def _restore(self, kept: Kept) -> None:
        try:
            self._trust.restore(kept)
        except MembershipError as error:
            self._tell(kept.entity, error)

    def _tell(self, entity: str, error: FederationError) -> None:
        if self._problems.get(entity) != error.reason:
            log.warning("%s: what it says is not taken over: %s", entity, error.reason)
        self._problems[entity] = error.reason


def _stamp(directory: Path) -> object:
    try:
        files = [path.stat() for path in (directory, *sorted(directory.glob("*.json")))]
    except OSError:
        return None
    return [(status.st_mtime_ns, status.st_size, status.st_ino) for status in files]
