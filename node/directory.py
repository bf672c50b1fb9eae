"""This node and the members, as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
import strawberry

from federation.errors import MembershipError
from federation.membership import Member
from node.audit.state import LogStates
from node.members import Members
from node.settings import Settings
from policy.vocabulary import PURPOSES
from schema.errors import Unavailable
from schema.types.city import City, CityLog
from schema.types.directory import Node, NodeLimits, Purpose
from schema.types.enums import LogState
from schema.types.scalars import DateTime

VERSION = version("verbund")


class NodeDirectory:
    """Fills `schema.ports.Directory`."""

    def __init__(self, settings: Settings, members: Members, own: Member, logs: LogStates) -> None:
        self._settings = settings
        self._members = members
        self._own = own
        self._logs = logs

    def node(self) -> Node:
        """This node."""
        limits = msgspec.structs.asdict(self._settings.limits)
        shown = {name: limits[name] for name in NodeLimits.__annotations__}
        return Node(
            city=self._city(self._own),
            version=VERSION,
            time=DateTime(datetime.now(UTC)),
            limits=NodeLimits(**shown),
            purposes=[Purpose(id=strawberry.ID(name), description=text) for name, text in PURPOSES.items()],
        )

    def cities(self) -> list[City]:
        """All members; raises Unavailable if the list can't be relied on."""
        try:
            members = self._members.current().members
        except MembershipError as error:
            raise Unavailable(f"the membership list can't be used: {error.reason}") from error
        return [self._city(member) for member in members]

    def _city(self, member: Member) -> City:
        return City(
            id=strawberry.ID(member.id),
            name=member.name,
            ags=member.ags,
            issuer=member.issuer,
            status=str(member.status),
            log=self._log(member.id),
        )

    def _log(self, city: str) -> CityLog:
        state = LogState(self._logs.state(city).value)
        if city == self._own.id:
            own = self._logs.own
            return CityLog(state=state, size=own.size, seen_at=_time(own.cosigned_at), reason=None)
        seen = self._logs.of(city)
        if seen is None:
            return CityLog(state=state, size=None, seen_at=None, reason=None)
        return CityLog(state=state, size=seen.size, seen_at=_time(seen.seen_at), reason=seen.reason)


def _time(at: datetime | None) -> DateTime | None:
    return None if at is None else DateTime(at)
