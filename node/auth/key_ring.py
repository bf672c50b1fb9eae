"""Which key is used when: pure rules over the keys that a node holds.

A key signs from `active_from` on, until a later one does. It is published from the moment that it is there, so that
everybody knows it before it signs, and for `PUBLISHED_AFTER_S` after it has signed last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from joserfc.jwk import ECKey

PUBLISHED_AFTER_S = 86_400


class KeyUse(StrEnum):
    """What a key signs. `FEDERATION`: the node's entity configuration alone. `SIGNING`: all else."""

    FEDERATION = "federation"
    SIGNING = "signing"


class KeyState(StrEnum):
    """Where a key is in its life."""

    NEXT = "NEXT"
    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"  # signs no more, published still
    ENDED = "ENDED"  # not published any more


class NoKey(Exception):
    """There is no key for a use."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A private key in a file. `active_from`: seconds since 1970."""

    use: KeyUse
    file: str
    key: ECKey
    active_from: int

    @property
    def kid(self) -> str:
        """Its RFC 7638 thumbprint."""
        return str(self.key.kid)


class KeyRing:
    """All keys of a node that are not revoked. `revoked`: since when those that are had signed, seconds since 1970."""

    def __init__(self, keys: Iterable[HeldKey], revoked: Iterable[tuple[KeyUse, int]] = ()) -> None:
        self.keys = tuple(sorted(keys, key=lambda held: (held.use, held.active_from, held.file)))
        self._revoked = tuple(revoked)

    def of(self, use: KeyUse) -> list[HeldKey]:
        """The keys for a use, in the order in which they become active."""
        return [held for held in self.keys if held.use is use]

    def current(self, use: KeyUse, now: float, among: Collection[str] | None = None) -> HeldKey:
        """The key that signs now; `among` restricts the choice to these kids where one of them is there.

        Raises:
            NoKey: none is active yet.
        """
        active = [held for held in self.of(use) if held.active_from <= now]
        if not active:
            raise NoKey(f"there is no active {use} key: run `verbund key rotate --use {use} --after 0`")
        known = [held for held in active if among is not None and held.kid in among]
        return (known or active)[-1]

    def published(self, use: KeyUse, now: float) -> list[HeldKey]:
        """The keys that others should know."""
        return [held for held in self.of(use) if self.state(held, now) is not KeyState.ENDED]

    def state(self, held: HeldKey, now: float) -> KeyState:
        """Where the key is in its life."""
        if held.active_from > now:
            return KeyState.NEXT
        superseded = self.superseded_at(held)
        if superseded is None or superseded > now or held is self.current(held.use, now):
            return KeyState.ACTIVE
        return KeyState.RETIRED if now < superseded + PUBLISHED_AFTER_S else KeyState.ENDED

    def superseded_at(self, held: HeldKey) -> int | None:
        """When a later key takes its place (seconds since 1970), be it revoked since; None if none is there."""
        others = [(other.use, other.active_from) for other in self.keys]
        later = [at for use, at in (*others, *self._revoked) if use is held.use and at > held.active_from]
        return min(later, default=None)

    def next_change(self, now: float) -> float:
        """When any of the answers above is another one."""
        times = [held.active_from for held in self.keys]
        times += [ended + PUBLISHED_AFTER_S for held in self.keys if (ended := self.superseded_at(held)) is not None]
        return min((time for time in times if time > now), default=float("inf"))
