"""From what anchors and nodes say to the members as they are now. Pure.

Where two anchors speak of the same city, both must agree: it is suspended if one says so, and only keys that both
vouch for count. A city of which one anchor alone speaks is that anchor's to vouch for. If they contradict each other
about who is who, the city is not trusted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from federation.errors import MembershipError
from federation.membership import Member, Membership, MemberStatus
from federation.trust.anchor import AnchorView, Vouched
from federation.trust.node_configuration import NodeConfiguration

NO_KEYS: dict[str, Any] = {"keys": []}


@dataclass(frozen=True)
class Assembled:
    """The members, and until when they stay the same if nothing new is heard."""

    membership: Membership
    changes_at: datetime
    vouched: tuple[Vouched, ...]


def assemble(
    views: Sequence[AnchorView], proven: Callable[[Vouched], NodeConfiguration | None], now: datetime
) -> Assembled:
    """The members at `now`. `proven`: a city's configuration, if a key that is vouched for signed it.

    Raises:
        MembershipError: what all anchors say has ended.
    """
    valid = [view for view in views if view.configuration.period.expires_at > now]
    if not valid:
        last = max(view.configuration.period.expires_at for view in views)
        raise MembershipError(ended(last))
    vouched = agreed([one for one in view.members if one.is_member_at(now)] for view in valid)
    configurations = [proven(one) for one in vouched]
    members = tuple(map(_member, vouched, configurations))
    issued = max(view.configuration.period.issued_at for view in valid)
    expires = max(view.configuration.period.expires_at for view in valid)
    return Assembled(
        Membership(members, issued, expires, _digest(members)),
        min(_changes(valid, [one for one in configurations if one is not None], now), default=expires),
        tuple(vouched),
    )


def ended(at: datetime) -> str:
    """The reason why what the anchors said counts no more."""
    return f"the anchor's statements ended on {at:%Y-%m-%d %H:%M:%SZ}: it must publish new ones, and be reachable"


def agreed(lists: Iterable[Iterable[Vouched]]) -> list[Vouched]:
    """What the anchors agree on, by member id."""
    found: dict[str, Vouched] = {}
    for one in (one for members in lists for one in members):
        known = found.get(one.id)
        found[one.id] = one if known is None else _both(known, one)
    issuers: dict[str, list[str]] = {}
    for one in found.values():
        issuers.setdefault(one.issuer, []).append(one.id)
    claimed = {name for names in issuers.values() if len(names) > 1 for name in names}
    return [_distrusted(found[name]) if name in claimed else found[name] for name in sorted(found)]


def _both(one: Vouched, other: Vouched) -> Vouched:
    keys = [key for key in one.jwks["keys"] if key in other.jwks["keys"]]
    if one.issuer != other.issuer or not keys:
        return _distrusted(one)
    active = one.status is other.status is MemberStatus.ACTIVE
    return replace(one, jwks={"keys": keys}, status=MemberStatus.ACTIVE if active else MemberStatus.SUSPENDED)


def _distrusted(one: Vouched) -> Vouched:
    return replace(one, jwks=NO_KEYS, status=MemberStatus.SUSPENDED)


def _member(vouched: Vouched, configuration: NodeConfiguration | None) -> Member:
    jwks = NO_KEYS if configuration is None else configuration.jwks
    return Member(vouched.id, vouched.name, vouched.ags, vouched.issuer, jwks, vouched.status)


def _changes(
    views: Sequence[AnchorView], configurations: Iterable[NodeConfiguration], now: datetime
) -> Iterable[datetime]:
    times = [view.configuration.period.expires_at for view in views]
    times += [configuration.period.expires_at for configuration in configurations]
    for view in views:
        for one in view.members:
            times += [one.valid_from] if one.valid_until is None else [one.valid_from, one.valid_until]
    return (time for time in times if time > now)


def _digest(members: Sequence[Member]) -> str:
    facts = [(member.id, member.name, member.ags, member.issuer, member.status) for member in members]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
