"""This node and the members, as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

import msgspec
import strawberry

from federation.errors import MembershipError
from federation.membership import Member
from node.members import Members
from node.settings import Settings
from policy.vocabulary import PURPOSES
from schema.errors import Unavailable
from schema.types.city import City
from schema.types.directory import Node, NodeLimits, Purpose
from schema.types.scalars import DateTime

VERSION = version("verbund")


class NodeDirectory:
    """Fills `schema.ports.Directory`."""

    def __init__(self, settings: Settings, members: Members, own: Member) -> None:
        self._settings = settings
        self._members = members
        self._own = own

    def node(self) -> Node:
        """This node."""
        limits = msgspec.structs.asdict(self._settings.limits)
        shown = {name: limits[name] for name in NodeLimits.__annotations__}
        return Node(
            city=_city(self._own),
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
        return [_city(member) for member in members]


def _city(member: Member) -> City:
    return City(
        id=strawberry.ID(member.id), name=member.name, ags=member.ags, issuer=member.issuer, status=str(member.status)
    )
