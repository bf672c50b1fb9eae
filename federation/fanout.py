"""Ask all owners at once. Each has its own deadline inside the request's; what goes wrong costs its own rows only."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from federation.client import Envelope, PeerClient
from federation.errors import FederationError, PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.membership import Member
from federation.merge import CityPage
from federation.plan import ALIAS, PagePlan
from federation.report import CityReport, State
from federation.shape import Shapes
from schema.cursor import Position
from schema.document import Document, print_document
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one city: its report, and its page if it gave one."""

    report: CityReport
    page: CityPage | None = None
    bytes: int = 0


_Word = Annotated[str, msgspec.Meta(max_length=100, pattern="^[!-~]*$")]
_Sentence = Annotated[str, msgspec.Meta(max_length=200, pattern="^[^\\x00-\\x1f]*$")]


class _CityReport(msgspec.Struct):
    """What a peer says of itself goes into our answers and records, so it is bounded."""

    asOf: datetime | None = None  # noqa: N815 - names of the API
    policyVersion: _Word | None = None  # noqa: N815
    obligations: Annotated[list[_Sentence], msgspec.Meta(max_length=20)] = []


class _Report(msgspec.Struct):
    cities: list[_CityReport] = []


class _PageInfo(msgspec.Struct):
    hasNextPage: bool = False  # noqa: N815


class _Page(msgspec.Struct):
    edges: msgspec.Raw
    pageInfo: _PageInfo  # noqa: N815
    federation: _Report | None = None


_PageDecoder = msgspec.json.Decoder(_Page)


class Fanout:
    """Asks owners side by side."""

    def __init__(self, client: PeerClient, shapes: Shapes, at_once: int) -> None:
        self._client = client
        self._shapes = shapes
        self._at_once = at_once
        self._slots: dict[str, asyncio.Semaphore] = {}

    async def pages(
        self, plan: PagePlan, members: Mapping[str, Member], starts: Mapping[str, Position | None], request: Request
    ) -> dict[str, Outcome]:
        """A page from each of these members, whatever becomes of the others."""
        tasks = {
            city: asyncio.create_task(self._page(plan, member, starts[city], request))
            for city, member in members.items()
        }
        try:
            return {city: await task for city, task in tasks.items()}
        finally:
            for task in tasks.values():
                task.cancel()

    async def single(self, root: Field, member: Member, request: Request) -> tuple[bytes | None, CityReport]:
        """One object from its owner: its JSON, or None if the owner says that it is not found.

        Raises:
            CityUnavailable: the owner gave no usable answer.
        """
        asked = Field(root.name, ALIAS, root.type_name, root.arguments, root.argument_types, root.children)
        document = print_document([asked])
        started = time.perf_counter()
        try:
            envelope = await self._ask(member, document, request)
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

    async def _ask(self, member: Member, document: Document, request: Request) -> Envelope:
        """Ask within the peer's deadline, which begins before its turn comes: a slow peer holds up nobody else."""
        ends = self._client.deadline(request)
        slots = self._slots.setdefault(member.id, asyncio.Semaphore(self._at_once))
        try:
            async with asyncio.timeout_at(ends):
                await slots.acquire()
        except TimeoutError:
            raise PeerTimeout("it did not answer within its deadline") from None
        try:
            return await self._client.ask(member, document, request, ends)
        finally:
            slots.release()

    async def _page(self, plan: PagePlan, member: Member, start: Position | None, request: Request) -> Outcome:
        started = time.perf_counter()
        try:
            asked = plan.owner_field(member.id, start)
            document = print_document([asked])
            answer = _answer(await self._ask(member, document, request))
            self._shapes.check(member.id, document.text, asked, answer)
            page = _read_page(answer)
            rows = plan.read_rows(page.edges, member.id, start)
        except FederationError as error:
            state = _STATES.get(type(error), State.INCOMPATIBLE)
            return Outcome(CityReport(member.id, state, took_ms=_since(started), reason=error.reason))
        except Exception:  # whatever a peer's answer brings about must not cost the others' rows
            log.exception("trace %s: the answer of %s could not be read", request.trace_id, member.id)
            return Outcome(CityReport(member.id, State.INCOMPATIBLE, took_ms=_since(started), reason=UNREADABLE))
        told = page.federation.cities[0] if page.federation and page.federation.cities else _CityReport()
        report = CityReport(
            member.id,
            State.OK,
            took_ms=_since(started),
            as_of=told.asOf,
            policy_version=told.policyVersion,
            obligations=tuple(told.obligations),
        )
        return Outcome(report, CityPage(rows, page.pageInfo.hasNextPage), len(bytes(answer)))


def _object(envelope: Envelope) -> msgspec.Raw | None:
    answer = (envelope.data or {}).get(ALIAS)
    if answer is not None and bytes(answer) != b"null":
        return answer
    if any(problem.code != NotFound.code for problem in envelope.errors):
        raise PeerIncompatible("it answered with errors")
    return None


def _read_page(answer: msgspec.Raw) -> _Page:
    try:
        return _PageDecoder.decode(answer)
    except msgspec.DecodeError as error:
        raise PeerIncompatible("its report is not in the form that was asked for") from error


def _answer(envelope: Envelope) -> msgspec.Raw:
    if envelope.errors or envelope.data is None or ALIAS not in envelope.data:
        codes = sorted({problem.code for problem in envelope.errors if problem.code.isupper()})
        raise PeerIncompatible(f"it answered with errors ({', '.join(codes)[:100] or 'no code'})")
    return envelope.data[ALIAS]


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
