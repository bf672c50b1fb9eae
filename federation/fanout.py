"""Ask all owners at once. Each has its own deadline inside the request's; what goes wrong costs its own rows only."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import msgspec

from federation.client import Envelope, PeerClient
from federation.errors import FederationError, PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.membership import Member
from federation.parts import CityPart, PartsPlan
from federation.plan import PagePlan
from federation.question import ALIAS
from federation.report import CityReport, State
from federation.rows import CityPage
from federation.shape import Shapes
from federation.told import Members, add_told, members_of
from schema.cursor import Position
from schema.document import print_document
from schema.errors import CityUnavailable, NotFound
from schema.ports import Request
from schema.selection import Field

log = logging.getLogger(__name__)

UNREADABLE = "its answer could not be read"

_STATES: Mapping[type[FederationError], State] = {
    PeerTimeout: State.TIMEOUT,
    PeerUnreachable: State.UNREACHABLE,
    PeerDenied: State.DENIED,
    PeerIncompatible: State.INCOMPATIBLE,
}


Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Given]):
    """What came of asking one city: its report, and its page or part if it gave one, with the size of its answer."""

    report: CityReport
    given: Given | None = None
    bytes: int = 0


Question = tuple[Field, Callable[[Members], Given]]
"""What one owner is asked, and how the members of its answer are read once the schema has been checked."""


class Fanout:
    """Asks owners side by side."""

    def __init__(self, client: PeerClient, shapes: Shapes) -> None:
        self._client = client
        self._shapes = shapes

    async def pages(
        self, plan: PagePlan, members: Mapping[str, Member], starts: Mapping[str, Position | None], request: Request
    ) -> dict[str, Outcome[CityPage]]:
        """A page from each of these members, whatever becomes of the others."""

        def question(city: str) -> Question[CityPage]:
            return plan.owner_field(city, starts[city]), partial(plan.read_page, city, starts[city])

        return await self._from_all(members, question, request)

    async def parts(
        self, plan: PartsPlan, members: Mapping[str, Member], request: Request
    ) -> dict[str, Outcome[CityPart]]:
        """A part of a result from each of these members, whatever becomes of the others."""

        def question(city: str) -> Question[CityPart]:
            return plan.owner_field(city), partial(plan.read, city)

        return await self._from_all(members, question, request)

    async def single(self, root: Field, member: Member, request: Request) -> tuple[bytes | None, CityReport]:
        """One object from its owner: its JSON, or None if the owner says that it is not found.

        Raises:
            CityUnavailable: the owner gave no usable answer.
        """
        asked = Field(root.name, ALIAS, root.type_name, root.arguments, root.argument_types, root.children)
        document = print_document([asked])
        started = time.perf_counter()
        try:
            envelope = await self._client.ask(member, document, request, self._client.deadline(request))
            answer = _object(envelope)
            if answer is None:
                return None, CityReport(member.id, State.OK, took_ms=_since(started))
            self._shapes.check(member.id, document.text, asked, answer)
        except FederationError as error:
            state = _STATES.get(type(error), State.INCOMPATIBLE)
            raise CityUnavailable(member.id, state.value, error.reason) from error
        except Exception as error:
            log.exception("trace %s: the answer of %s could not be read", request.trace_id, member.id)
            raise CityUnavailable(member.id, State.INCOMPATIBLE.value, UNREADABLE) from error
        return bytes(answer), CityReport(member.id, State.OK, rows=1, took_ms=_since(started))

    async def _from_all(
        self, members: Mapping[str, Member], question: Callable[[str], Question[Given]], request: Request
    ) -> dict[str, Outcome[Given]]:
        tasks = {
            city: asyncio.create_task(self._from_one(member, question, request)) for city, member in members.items()
        }
        try:
            return {city: await task for city, task in tasks.items()}
        finally:
            for task in tasks.values():
                task.cancel()

    async def _from_one(
        self, member: Member, question: Callable[[str], Question[Given]], request: Request
    ) -> Outcome[Given]:
        started = time.perf_counter()
        try:
            asked, read = question(member.id)
            document = print_document([asked])
            answer = _answer(await self._client.ask(member, document, request, self._client.deadline(request)))
            self._shapes.check(member.id, document.text, asked, answer)
            members = members_of(answer)
            given = read(members)
            report = add_told(CityReport(member.id, State.OK), members.get("federation"))
        except FederationError as error:
            state = _STATES.get(type(error), State.INCOMPATIBLE)
            return Outcome(CityReport(member.id, state, took_ms=_since(started), reason=error.reason))
        except Exception:  # whatever a peer's answer brings about must not cost the others' rows
            log.exception("trace %s: the answer of %s could not be read", request.trace_id, member.id)
            return Outcome(CityReport(member.id, State.INCOMPATIBLE, took_ms=_since(started), reason=UNREADABLE))
        return Outcome(replace(report, took_ms=_since(started)), given, len(bytes(answer)))


def _object(envelope: Envelope) -> msgspec.Raw | None:
    answer = (envelope.data or {}).get(ALIAS)
    if answer is not None and bytes(answer) != b"null":
        return answer
    if any(problem.code != NotFound.code for problem in envelope.errors):
        raise PeerIncompatible("it answered with errors")
    return None


def _answer(envelope: Envelope) -> msgspec.Raw:
    if envelope.errors or envelope.data is None or ALIAS not in envelope.data:
        codes = sorted({problem.code for problem in envelope.errors if problem.code.isupper()})
        raise PeerIncompatible(f"it answered with errors ({', '.join(codes)[:100] or 'no code'})")
    return envelope.data[ALIAS]


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
