"""/graphql: GraphQL over HTTP (GraphQL Foundation, draft) by POST with JSON and by GET.

The handler is plain ASGI. Its headers are scanned once, its answer is joined from bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial

import orjson
from graphql import OperationType
from litestar.types import HTTPScope, Receive, Send

from federation.beside import beside
from federation.proofs import NONCE_HEADER
from federation.receipts import HEADER as RECEIPT
from federation.summary import HEADER as SUMMARY
from node.auth.callers import INVALID_PROOF, NOBODY, USE_NONCE, Admitted, Callers, Claimed, Presented
from node.auth.receipts import Receipts
from node.auth.scopes import RECORD
from node.auth.token_check import InvalidToken
from node.http.asgi import Answer, BodyTooLarge, ClientGone, body_of, headers_of, send_answer
from node.http.challenge import challenge
from node.http.compression import compressed
from node.http.conditional import entity_tag, has_already
from node.http.cors import ORIGIN, READABLE, preflight
from node.http.events import Events, send_events
from node.http.incremental import Parts, send_parts
from node.http.live import LiveAnswers
from node.http.negotiation import (
    EVENTS,
    IDENTITY,
    JSON,
    PARTS,
    RESPONSE_JSON,
    accepts_events,
    accepts_parts,
    encoding,
    is_json,
    media_type,
)
from node.http.problem import INTERNAL, RETRY_AFTER_S, find, graphql_error, request_errors
from node.http.question import BAD_REQUEST, BadQuestion, Question, document_of, from_body, from_url, is_mutation
from node.settings import Limits
from node.telemetry.context import Trace
from node.telemetry.counts import Counts
from node.telemetry.requests import Telemetry
from policy.model import Caller
from schema.errors import Unavailable
from schema.execution import Executor
from schema.ports import Context, Directory, Evidence, Gate, Intake, Request, Result, Stewardship
from schema.spans import span

log = logging.getLogger("verbund.http")
GRACE = 1.1  # times its limit a request may take before it is broken off: what was read by its deadline is answered
METHODS = "GET, HEAD, POST, OPTIONS"
VARY = "Authorization, Accept, Accept-Encoding, Origin"
HINTS = {  # of refused callers; the others need a new token
    USE_NONCE: "make a proof with the nonce in DPoP-Nonce",
    INVALID_PROOF: "make a proof of its own for each request; `verbund token` prints the headers of one",
}

Headers = Mapping[bytes, str]


class _Refused(Exception):
    """The request does not get as far as being executed."""

    def __init__(
        self, status: int, message: str, code: str, hint: str, told: Mapping[str, str] | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.hint = hint
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()} | dict(told or {})


class GraphQLEndpoint:
    """Authenticates, executes, and shapes the answer."""

    def __init__(
        self,
        executor: Executor,
        gate: Gate,
        directory: Directory,
        callers: Callers,
        receipts: Receipts,
        telemetry: Telemetry,
        counts: Counts,
        limits: Limits,
        trusted: Mapping[str, str],
        *,
        trusted_only: bool = False,
        summary_version: Callable[[], str | None] = lambda: None,
        stewardship: Stewardship | None = None,
        intake: Intake | None = None,
    ) -> None:
        self._executor = executor
        self._gate = gate
        self._directory = directory
        self._stewardship = stewardship
        self._callers = callers
        self._receipts = receipts
        self._telemetry = telemetry
        self._counts = counts
        self._summary_version = summary_version
        self._limits = limits
        self._trusted = trusted
        self._trusted_only = trusted_only
        self._intake = intake
        self._live = LiveAnswers(executor, callers, counts)

    async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """One exchange, as an ASGI application for this path."""
        began = time.perf_counter()
        headers = headers_of(scope)
        method = scope["method"]
        media = media_type(headers.get(b"accept"))
        with self._telemetry.request("graphql", {"traceparent": headers.get(b"traceparent", "")}) as trace:
            answer: Answer | Parts | Events
            try:
                answer = await self._answer(method, media, headers, scope, receive, trace)
            except ClientGone:
                return
            except _Refused as refused:
                answer = _refusal(refused, media or JSON, trace)
            except InvalidToken as error:
                answer = _refusal(await self._unauthenticated(error), media or JSON, trace)
            except Unavailable as error:
                later = _Refused(503, error.message, error.code, error.hint or "", Retry_After=RETRY_AFTER_S)
                answer = _refusal(later, media or JSON, trace)
            except Exception:
                log.exception("trace %s: /graphql failed", trace.trace_id)
                failed = _Refused(500, "an internal error occurred", INTERNAL, "tell the operator the traceId")
                answer = _refusal(failed, media or JSON, trace)
            if ORIGIN in headers:
                answer.headers.update(READABLE)
            self._counts.took("verbund_request_seconds", time.perf_counter() - began)
            if isinstance(answer, Parts):
                self._counts.add("verbund_requests_total", "200")
                await send_parts(send, answer, self._limits.request_ms / 1000 * GRACE)
                return
        if isinstance(answer, Events):  # outside of the request's span, which ends with its beginning
            self._counts.add("verbund_requests_total", "200")
            await send_events(send, receive, answer)
            return
        self._counts.add("verbund_requests_total", str(answer.status))
        await send_answer(scope, send, answer)

    def begin(self, question: Question, claimed: Claimed, trace: Trace) -> Result | AsyncGenerator[bytes]:
        """Begin an operation on a connection that is kept; see `LiveAnswers.begin`. Raises BadQuestion."""
        document = document_of(question, self._trusted, trusted_only=self._trusted_only)
        context = self._context(document, claimed.caller, trace, None, Admitted())
        return self._live.begin(document, question.variables, question.operationName, context, claimed, tells_end=False)

    async def _answer(
        self, method: str, media: str | None, headers: Headers, scope: HTTPScope, receive: Receive, trace: Trace
    ) -> Answer | Parts | Events:
        if method == "OPTIONS":
            return Answer(204, b"", JSON, {"Allow": METHODS, **preflight(headers)})
        in_parts = accepts_parts(headers.get(b"accept")) and method == "POST"
        as_events = accepts_events(headers.get(b"accept"))
        if media is None and not in_parts and not as_events:
            raise _Refused(406, "the header Accept allows none of our types", "NOT_ACCEPTABLE", f"accept {JSON}")
        question, body = None, None
        admitted = Admitted()
        try:
            with span("auth"):
                claimed = self._claimed(headers, scope)
            caller = claimed.caller
            if caller.peer is not None:  # a node is answered whole, with a receipt over the whole
                in_parts = as_events = False
            async with asyncio.timeout(self._limits.request_ms / 1000 * GRACE):  # one timer for all: it costs 5 µs
                question, body = await self._question(method, headers, scope, receive, caller)
                if not claimed.is_anonymous:
                    admitted = await self._callers.admitted(claimed, body)  # used up at the latest when it is answered
                only = self._trusted_only and caller.peer is None
                document = document_of(question, self._trusted, trusted_only=only)
                if method != "POST" and is_mutation(document, question.operationName):
                    raise _Refused(405, "a mutation is not for GET", "METHOD_NOT_ALLOWED", "use POST", Allow=METHODS)
                context = self._context(document, caller, trace, body, admitted)
                form = EVENTS if as_events else PARTS if in_parts else JSON
                result = await self._executed(document, question, context, claimed, form, is_whole=media is not None)
                await context.request.confirmed()
        except BadQuestion as error:
            # a document that is not known is a request error like any other, see `_joined`
            status = 200 if error.code != BAD_REQUEST and media == JSON else 400
            raise _Refused(status, error.message, error.code, error.hint) from None
        except TimeoutError:
            raise _too_late(question, self._limits.request_ms) from None
        if isinstance(result, Parts | Events):
            return result
        media = media or JSON
        if result.cost is not None:
            self._counts.add("verbund_cost_total", amount=result.cost.get("cost", 0))
        status, answered = _joined(result, media, trace)
        answer = await self._encoded(
            method, headers, caller, result, Answer(status, answered, f"{media}; charset=utf-8")
        )
        if admitted.nonce is not None:
            answer.headers[NONCE_HEADER] = admitted.nonce
        if context.request.evidence is not None:
            answer.headers.update(await self._for_node(claimed, body, answer, context.request))
        return answer

    async def _for_node(self, claimed: Claimed, body: bytes | None, answer: Answer, request: Request) -> dict[str, str]:
        """What another node is told with an answer: the receipt, and the version of the summary."""
        evidence = request.evidence or Evidence()
        make = partial(self._receipts.receipt, claimed, body or b"", trace_id=request.trace_id, evidence=evidence)
        told = {RECEIPT: await beside(make, answer.body)}
        version = self._summary_version()
        return told if version is None else told | {SUMMARY: version}

    def _claimed(self, headers: Headers, scope: HTTPScope) -> Claimed:
        authorization = headers.get(b"authorization")
        if authorization is None:
            return NOBODY
        proofs = [value.decode("latin-1") for name, value in scope["headers"] if name == b"dpop"]
        return self._callers.claimed(
            Presented(scope["method"], self._callers.issuer + scope["path"], authorization, proofs)
        )

    async def _unauthenticated(self, error: InvalidToken) -> _Refused:
        told = challenge(error, self._callers.issuer, await self._callers.refused(error))
        hint = HINTS.get(error.error, "get a new token")
        return _Refused(401, f"the token is not accepted: {error}", "UNAUTHENTICATED", hint, told)

    async def _question(
        self, method: str, headers: Headers, scope: HTTPScope, receive: Receive, caller: Caller
    ) -> tuple[Question, bytes | None]:
        """What is asked, and the body if there is one. Who may record observations may send many at once."""
        bound = self._limits.intake_bytes if RECORD in caller.scopes else self._limits.body_bytes
        if method in {"GET", "HEAD"}:
            if len(scope["query_string"]) > bound:
                raise _too_large("URL", bound)
            return from_url(scope["query_string"]), None
        if method != "POST":
            raise _Refused(405, f"{method[:20]} is not for /graphql", "METHOD_NOT_ALLOWED", "use POST", Allow=METHODS)
        if not is_json(headers.get(b"content-type", "")):
            raise _Refused(415, "the body is not JSON in UTF-8", "UNSUPPORTED_MEDIA_TYPE", f"send Content-Type: {JSON}")
        try:
            body = await body_of(headers, scope, receive, bound)
        except BodyTooLarge:
            raise _too_large("body", bound) from None
        return from_body(body), body

    def _context(self, document: str, caller: Caller, trace: Trace, body: bytes | None, admitted: Admitted) -> Context:
        deadline = asyncio.get_running_loop().time() + self._limits.request_ms / 1000
        evidence = None if caller.peer is None else Evidence(request=hashlib.sha256(body or b"").digest())
        request = Request(caller, document, deadline, trace.trace_id, trace.traceparent, evidence, admitted.pending)
        return Context(request, self._gate, self._directory, stewardship=self._stewardship, intake=self._intake)

    async def _frames(self, document: str, question: Question, context: Context) -> Result | Parts:
        trace_id = context.request.trace_id
        found = await self._executor.frames(
            document,
            question.variables,
            question.operationName,
            context,
            told=lambda error: graphql_error(error, trace_id),
            extensions={"traceId": trace_id},
        )
        if isinstance(found, Result):
            return found
        return Parts(found, {"Cache-Control": "no-store", "Vary": VARY})

    async def _executed(
        self, document: str, question: Question, context: Context, claimed: Claimed, form: str, *, is_whole: bool
    ) -> Result | Parts | Events:
        """The answer in the form that is asked for; `is_whole` if one in a piece will do as well."""
        kind = self._executor.kind(document, question.operationName, context) if form is EVENTS and is_whole else None
        if form is EVENTS and (kind is None or kind is OperationType.SUBSCRIPTION):
            await context.request.confirmed()
            found = self._live.begin(document, question.variables, question.operationName, context, claimed)
            return found if isinstance(found, Result) else Events(found, {"Cache-Control": "no-store", "Vary": VARY})
        if form is PARTS and not (is_whole and not self._executor.defers(document, context)):
            return await self._frames(document, question, context)
        return await self._executor.execute(document, question.variables, question.operationName, context)

    async def _encoded(self, method: str, headers: Headers, caller: Caller, result: Result, answer: Answer) -> Answer:
        """Compressed if the client likes; an answer to anybody's GET can be asked for again by its tag."""
        added = {"Cache-Control": "no-store", "Vary": VARY}
        if answer.status == 503:
            added["Retry-After"] = RETRY_AFTER_S
        elif method != "POST" and caller.is_anonymous and not result.errors and result.data is not None:
            tag = await beside(entity_tag, result.data)
            added |= {"Cache-Control": "public, no-cache", "ETag": tag}
            if has_already(headers.get(b"if-none-match"), tag):
                return Answer(304, b"", answer.content_type, added)
        body, coding = await compressed(answer.body, encoding(headers.get(b"accept-encoding")))
        if coding != IDENTITY:
            added["Content-Encoding"] = coding
        return Answer(answer.status, body, answer.content_type, added)


def _joined(result: Result, media: str, trace: Trace) -> tuple[int, bytes]:
    """Status and body (GraphQL over HTTP, 6.4: only the newer media type tells a failed request by its status)."""
    status, data, parts = 200, result.data, [b"{"]
    if result.errors:
        parts += b'"errors":', orjson.dumps([graphql_error(error, trace.trace_id) for error in result.errors]), b","
        if find(result.errors, Unavailable) is not None:  # no record, no data: not even the fields that were recorded
            data, status = b"null", 503
        elif data is None and media == RESPONSE_JSON:
            status = 400
    if data is not None:
        parts += b'"data":', data, b","
    extensions: dict[str, object] = {"traceId": trace.trace_id}
    if result.cost is not None:
        extensions["cost"] = result.cost
    parts += b'"extensions":', orjson.dumps(extensions), b"}"
    return status, b"".join(parts)  # one copy of what may be megabytes


def _refusal(refused: _Refused, media: str, trace: Trace) -> Answer:
    body = {"errors": request_errors(refused.message, refused.code, refused.hint, trace.trace_id)}
    headers = {"Cache-Control": "no-store", **refused.headers}
    return Answer(refused.status, orjson.dumps(body), f"{media}; charset=utf-8", headers)


def _too_late(question: Question | None, limit_ms: int) -> _Refused:
    if question is None:
        hint = "send it again, or look for what holds up your connection"
        message = f"the body did not arrive within {limit_ms} ms"
        return _Refused(408, message, "TIMEOUT", hint, Connection="close")
    hint = "ask for less, or for fewer cities"
    message = f"the request took longer than {limit_ms} ms"
    return _Refused(503, message, "TIMEOUT", hint, Retry_After=RETRY_AFTER_S)


def _too_large(what: str, bound: int) -> _Refused:
    return _Refused(413, f"the {what} is larger than {bound} bytes", "TOO_LARGE", f"send a smaller {what}")
