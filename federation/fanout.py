"""Ask all owners at once. Each has its own deadline inside the request's; what goes wrong costs its own rows only."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from graphql import GraphQLSchema
from msgspec.structs import replace

from federation.batches import BatchPlan, CityBatch
from federation.beside import beside, sha256_of
from federation.client import PeerClient
from federation.envelope import Envelope
from federation.errors import (
    FederationError,
    PeerDenied,
    PeerIncompatible,
    PeerMisunderstood,
    PeerTimeout,
    PeerTooCostly,
    PeerUnreachable,
)
from federation.explanations import Explained, explain_document, read_explained
from federation.foreign import ForeignSchemas
from federation.membership import Member
from federation.newer import without_unknown_values
from federation.parts import CityPart, PartsPlan
from federation.plan import PagePlan
from federation.question import ALIAS
from federation.report import CityReport, State
from federation.rows import CityPage
from federation.shape import Shapes
from federation.told import Members, add_told, members_of
from federation.versions import Adapted, adapt
from schema.cursor import Position
from schema.document import Document, print_document, variables_of
from schema.errors import CityUnavailable, NotFound, TooCostly
from schema.ports import Request
from schema.selection import Field

log = logging.getLogger(__name__)

NOT_IN_SCHEMA = "INVALID"  # code of a document that does not fit the schema
REMEMBERED = 1_024
UNREADABLE = "its answer could not be read"

_STATES: Mapping[type[FederationError], State] = {
    PeerTimeout: State.TIMEOUT,
    PeerUnreachable: State.UNREACHABLE,
    PeerDenied: State.DENIED,
    PeerIncompatible: State.INCOMPATIBLE,
    PeerMisunderstood: State.INCOMPATIBLE,
    PeerTooCostly: State.TOO_COSTLY,
}


Given = TypeVar("Given")
Answer = TypeVar("Answer", msgspec.Raw, msgspec.Raw | None)


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

    def __init__(self, client: PeerClient, shapes: Shapes, schema: GraphQLSchema, foreign: ForeignSchemas) -> None:
        self._client = client
        self._shapes = shapes
        self._schema = schema
        self._foreign = foreign
        self._usual: OrderedDict[Hashable, str] = OrderedDict()  # by shape: what can be asked as it stands

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

    async def batch(self, plan: BatchPlan, member: Member, request: Request) -> Outcome[CityBatch]:
        """What has arrived at this member, whatever becomes of it."""
        return await self._from_one(member, lambda _city: (plan.owner_field(), plan.read), request)

    async def explained(
        self, question: Mapping[str, Any], members: Mapping[str, Member], request: Request
    ) -> dict[str, Outcome[Explained]]:
        """What each of these members explains about a document, whatever becomes of the others."""
        document = explain_document(question)

        async def one(member: Member) -> Outcome[Explained]:
            started = time.perf_counter()
            try:
                envelope = await self._client.ask(member, document, request, self._client.deadline(request))
                answer = _answer(envelope)
                given = read_explained(member.id, answer)
                report = await _received(member.id, envelope)
            except FederationError as error:
                state = _STATES.get(type(error), State.INCOMPATIBLE)
                return Outcome(CityReport(member.id, state, took_ms=_since(started), reason=error.reason))
            report = replace(report, took_ms=_since(started), policy_version=given.policy_version)
            return Outcome(report, given, len(bytes(answer)))

        found = await asyncio.gather(*map(one, members.values()))
        return dict(zip(members, found, strict=True))

    async def single(self, root: Field, member: Member, request: Request) -> tuple[bytes | None, CityReport]:
        """One object from its owner: its JSON, or None if the owner says that it is not found.

        Raises:
            CityUnavailable: the owner gave no usable answer.
        """
        asked = Field(root.name, ALIAS, root.type_name, root.arguments, root.argument_types, root.children)
        started = time.perf_counter()
        try:
            answer, report = await self._understood(asked, member, request, _object, [])
        except FederationError as error:
            state = _STATES.get(type(error), State.INCOMPATIBLE)
            raise CityUnavailable(member.id, state.value, error.reason) from error
        except Exception as error:
            log.exception("trace %s: the answer of %s could not be read", request.trace_id, member.id)
            raise CityUnavailable(member.id, State.INCOMPATIBLE.value, UNREADABLE) from error
        found = bytes(answer) if answer is not None else None
        return found, replace(report, rows=int(found is not None), took_ms=_since(started))

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
        heard = [CityReport(member.id, State.INCOMPATIBLE)]  # and what its answers came with, of use or not
        try:
            asked, read = question(member.id)
            answer, report = await self._understood(asked, member, request, _answer, heard)
            members = members_of(answer)
            given = read(members)
            report = add_told(report, members.get("federation"))
        except FederationError as error:
            state, reason = _STATES.get(type(error), State.INCOMPATIBLE), error.reason
        except Exception:  # whatever a peer's answer brings about must not cost the others' rows
            log.exception("trace %s: the answer of %s could not be read", request.trace_id, member.id)
            state, reason = State.INCOMPATIBLE, UNREADABLE
        else:
            return Outcome(replace(report, took_ms=_since(started)), given, len(bytes(answer)))
        return Outcome(replace(heard[-1], state=state, took_ms=_since(started), reason=reason))

    async def _understood(
        self,
        asked: Field,
        member: Member,
        request: Request,
        answer_of: Callable[[Envelope], Answer],
        heard: list[CityReport],
    ) -> tuple[Answer, CityReport]:
        """The answer of an owner, whichever version of the schema it has, checked; and what its report begins with.

        `heard` gets that of each answer that has come.
        """
        theirs, ends = self._foreign.known(member), self._client.deadline(request)
        try:
            return await self._asked(asked, theirs, member, request, ends, answer_of, heard)
        except PeerMisunderstood:
            try:
                learned = await self._foreign.learn(member, ends - _now())
            except TimeoutError:
                raise PeerTimeout("it did not tell its schema within its deadline") from None
            if learned is None or learned is theirs:
                raise
        return await self._asked(asked, learned, member, request, ends, answer_of, heard)

    async def _asked(
        self,
        asked: Field,
        theirs: GraphQLSchema | None,
        member: Member,
        request: Request,
        ends: float,
        answer_of: Callable[[Envelope], Answer],
        heard: list[CityReport],
    ) -> tuple[Answer, CityReport]:
        adapted, document = self._worded(asked, theirs)
        envelope = await self._client.ask(member, document, request, ends)
        report = await _received(member.id, envelope)
        heard.append(report)
        answer = answer_of(envelope)
        if answer is None:
            return answer, report
        answer, newer = await self._checked(member, document, asked if adapted is None else adapted.asked, answer)
        older = None if adapted is None else adapted.reason
        if newer is not None or older is not None:
            report = replace(report, state=State.PARTIAL, reason="; ".join(filter(None, (older, newer))))
        if adapted is not None and not adapted.is_same:
            answer = await beside(lambda _: adapted.whole(answer), memoryview(answer))
        return answer, report

    async def _checked(
        self, member: Member, document: Document, asked: Field, answer: msgspec.Raw
    ) -> tuple[msgspec.Raw, str | None]:
        """The answer once it fits our schema, and what of it our schema does not know."""
        try:
            self._shapes.check(member.id, document.text, asked, answer)
        except PeerIncompatible:
            read = partial(without_unknown_values, self._schema, asked)
            known, reason = await beside(lambda _: read(answer), memoryview(answer))
            if reason is None:
                raise
            self._shapes.check(member.id, document.text, asked, known)
            return known, reason
        return answer, None

    def _worded(self, asked: Field, theirs: GraphQLSchema | None) -> tuple[Adapted | None, Document]:
        """The question as an owner with this schema understands it; one of our version mostly does as it stands."""
        text = self._usual.get(asked.shape) if theirs is None and asked.shape is not None else None
        if text is not None:
            return None, Document(text, variables_of(asked))
        adapted = adapt(asked, self._schema, theirs or self._schema)
        document = print_document([adapted.asked])
        if theirs is not None or not adapted.is_same:
            return adapted, document
        if asked.shape is not None:
            self._usual[asked.shape] = document.text
            if len(self._usual) > REMEMBERED:
                self._usual.popitem(last=False)
        return None, document


async def _received(city: str, envelope: Envelope) -> CityReport:
    """The report of an answer that has come, with what the record keeps of it."""
    value = memoryview((envelope.data or {}).get(ALIAS) or b"null")
    response = await sha256_of(value)
    return CityReport(city, State.OK, receipt=envelope.receipt or None, request=envelope.request, response=response)


def _object(envelope: Envelope) -> msgspec.Raw | None:
    answer = (envelope.data or {}).get(ALIAS)
    if answer is not None and bytes(answer) != b"null":
        return answer
    if any(problem.code != NotFound.code for problem in envelope.errors):
        raise _refused(envelope)
    return None


def _answer(envelope: Envelope) -> msgspec.Raw:
    if envelope.errors or envelope.data is None or ALIAS not in envelope.data:
        raise _refused(envelope)
    return envelope.data[ALIAS]


_CODE = re.compile(r"[A-Z_]{1,40}")  # what a peer writes is told to callers: no more of it than that


def _refused(envelope: Envelope) -> FederationError:
    codes = sorted({problem.code for problem in envelope.errors if _CODE.fullmatch(problem.code)})
    if codes == [TooCostly.code]:
        return PeerTooCostly("the question is more than it answers at once")
    if codes == [NotFound.code]:
        return PeerDenied("it shows this caller no such data, or no more")
    kind = PeerMisunderstood if codes == [NOT_IN_SCHEMA] else PeerIncompatible
    return kind(f"it answered with errors ({', '.join(codes)[:100] or 'no code'})")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _now() -> float:
    return asyncio.get_running_loop().time()
