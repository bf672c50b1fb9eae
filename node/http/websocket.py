"""/graphql over WebSocket (RFC 6455), in the protocol graphql-transport-ws.

Browsers can't set headers on a WebSocket, so `connection_init` carries token and proof: `{"authorization": "DPoP …",
"dpop": "…"}`, the proof made for GET and the address of /graphql. No cookie counts, so other sites can't use anybody's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Any

from litestar.types import Receive, Send, WebSocketScope

from federation.proofs import NONCE_HEADER
from node.auth.callers import NOBODY, USE_NONCE, Callers, Claimed, Presented
from node.auth.token_check import InvalidToken
from node.http.asgi import headers_of
from node.http.problem import graphql_error, request_errors
from node.http.question import BadQuestion, Question
from node.http.transport_ws import (
    FORBIDDEN,
    NOT_ACCEPTABLE,
    SUBPROTOCOL,
    Action,
    Close,
    Conversation,
    Greet,
    Say,
    Start,
    Stop,
)
from node.telemetry.context import Trace
from node.telemetry.requests import Telemetry
from schema.errors import Ended, Unavailable
from schema.ports import Result

log = logging.getLogger("verbund.live")
PATH = "/graphql"
INIT_S = 5.0
IDLE_S = 120.0  # without an operation
FAILED, TRY_AGAIN = 1011, 1013  # IANA's registry of close codes

Begin = Callable[[Question, Claimed, Trace], Result | AsyncGenerator[bytes]]
"""Begins an operation; raises BadQuestion. A result tells what is wrong with it."""


class WebSocketEndpoint:
    """Serves connections of clients, not of nodes: these ask by POST."""

    def __init__(self, callers: Callers, telemetry: Telemetry, begin: Begin) -> None:
        self._callers = callers
        self._telemetry = telemetry
        self._begin = begin

    async def handle(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        """One connection, as an ASGI application for this path."""
        await receive()
        nonce = await self._callers.nonce()
        headers = [] if nonce is None else [(NONCE_HEADER.lower().encode(), nonce.encode())]
        is_known = SUBPROTOCOL in scope["subprotocols"]
        accept: Any = {"type": "websocket.accept", "subprotocol": SUBPROTOCOL if is_known else None, "headers": headers}
        await send(accept)
        connection = _Connection(self._callers, self._telemetry, self._begin, headers_of(scope), send)
        with suppress(_Over):
            if not is_known:
                await connection.perform([Close(NOT_ACCEPTABLE, f"the subprotocol must be {SUBPROTOCOL}")])
            try:
                await connection.serve(receive)
            except _Over:
                raise
            except Exception as error:  # uvicorn would end the connection without a word
                await connection.fail(error)


class _Over(Exception):
    """The connection is closed, by us or by the client."""


class _Connection:
    def __init__(
        self, callers: Callers, telemetry: Telemetry, begin: Begin, headers: dict[bytes, str], send: Send
    ) -> None:
        self._callers = callers
        self._telemetry = telemetry
        self._begin = begin
        self._headers = headers
        self._send = send
        self._conversation = Conversation()
        self._claimed = NOBODY
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def serve(self, receive: Receive) -> None:
        """Until it is closed."""
        late = asyncio.create_task(self._lateness())
        try:
            while True:
                message: Any = await self._received(receive)
                if message["type"] == "websocket.disconnect":
                    return
                await self.perform(self._conversation.received(message.get("text")))
        finally:
            tasks = [late, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _received(self, receive: Receive) -> Any:
        while True:
            message = asyncio.ensure_future(receive())
            try:
                done, _ = await asyncio.wait([message], timeout=IDLE_S)
                while not done and self._conversation.operations:
                    done, _ = await asyncio.wait([message], timeout=IDLE_S)
                if done:
                    return message.result()
            finally:
                message.cancel()
            await self.perform(self._conversation.close(1000, "no operation for a while"))

    async def _lateness(self) -> None:
        await asyncio.sleep(INIT_S)
        with suppress(_Over):
            await self.perform(self._conversation.is_late())

    async def perform(self, actions: Iterable[Action]) -> None:
        """Do what the protocol wants. Raises _Over when the connection has been closed."""
        for action in actions:
            match action:
                case Say(text):
                    await self._tell({"type": "websocket.send", "text": text.decode(), "bytes": None})
                case Greet(payload):
                    await self._greet(payload)
                case Start(id_, question):
                    self._tasks[id_] = asyncio.create_task(self._operation(id_, question))
                case Stop(id_):
                    self._tasks.pop(id_).cancel()
                case Close(code, reason):
                    await self._tell({"type": "websocket.close", "code": code, "reason": reason})
                    raise _Over

    async def _tell(self, message: Any) -> None:
        """Raises _Over if the client has gone (ASGI: an OSError); any other OSError is a fault of ours."""
        try:
            await self._send(message)
        except OSError:
            raise _Over from None

    async def fail(self, error: Exception) -> None:
        """Close the connection for something that nobody has foreseen. Raises _Over."""
        log.error("a connection failed", exc_info=error)
        await self.perform(self._conversation.close(FAILED, "this node has failed"))

    async def _greet(self, payload: dict[str, Any]) -> None:
        try:
            self._claimed = await self._caller(payload)
        except InvalidToken as error:
            nonce = await self._callers.refused(error)
            is_asked = nonce is not None and error.error == USE_NONCE
            reason = f"{error.error} {nonce}" if is_asked else f"the token is not accepted: {error}"
            await self.perform(self._conversation.close(FORBIDDEN, reason))
        except Unavailable as error:
            await self.perform(self._conversation.close(TRY_AGAIN, error.message))
        await self.perform(self._conversation.acknowledge())

    async def _caller(self, payload: dict[str, Any]) -> Claimed:
        """Who it is, by `connection_init` or by the headers. Raises InvalidToken, Unavailable."""
        given = {name.lower(): value for name, value in payload.items() if isinstance(value, str)}
        authorization = given.get("authorization", self._headers.get(b"authorization"))
        proof = given.get("dpop", self._headers.get(b"dpop"))
        proofs = [] if proof is None else [proof]
        claimed = self._callers.claimed(Presented("GET", self._callers.issuer + PATH, authorization, proofs))
        if claimed.caller.peer is not None:
            raise InvalidToken("nodes ask by POST")
        await self._callers.confirm(claimed, None)
        return claimed

    async def _operation(self, id_: str, question: Question) -> None:
        with suppress(_Over):
            try:
                await self._run(id_, question)
            except InvalidToken as error:
                await self.perform(self._conversation.close(FORBIDDEN, f"the token is not accepted: {error}"))
            except Ended as error:  # clients come again by themselves, if the operation has told them of no error
                await self.perform(self._conversation.close(FORBIDDEN, error.message))
            except Unavailable as error:
                await self.perform(self._conversation.close(TRY_AGAIN, error.message))
            except _Over:
                raise
            except Exception as error:
                await self.fail(error)
            finally:
                if self._tasks.get(id_) is asyncio.current_task():
                    del self._tasks[id_]

    async def _run(self, id_: str, question: Question) -> None:
        conversation = self._conversation
        await self._callers.seconds_left(self._claimed)
        with self._telemetry.request("graphql", {}) as trace:
            try:
                found = self._begin(question, self._claimed, trace)
            except BadQuestion as error:
                told = request_errors(error.message, error.code, error.hint, trace.trace_id)
                await self.perform(conversation.refuse(id_, told))
                return
        if isinstance(found, Result):
            errors = [graphql_error(error, trace.trace_id) for error in found.errors]
            await self.perform(conversation.refuse(id_, errors))
            return
        async with aclosing(found) as results:
            async for result in results:
                await self.perform(conversation.result(id_, result))
        await self.perform(conversation.complete(id_))
