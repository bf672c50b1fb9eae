"""What the endpoint does with what the executor says, without a database behind it."""

from __future__ import annotations

import asyncio
import logging

import orjson
import pytest
from graphql import GraphQLError

from node.auth.callers import Admitted, Claimed
from node.auth.token_check import InvalidToken
from node.http.graphql import GraphQLEndpoint
from node.http.trusted import document_hash
from node.settings import Limits
from node.telemetry.counts import Counts
from node.telemetry.requests import Telemetry
from policy.model import Caller
from schema.errors import Unavailable
from schema.ports import Result

TEXT = "{ cities { id } }"
BODY = orjson.dumps({"query": TEXT})
GET = b"query=%7B+cities+%7B+id+%7D+%7D"
DATA = b'{"cities":[]}'
CALLERS = {
    "application": Caller("giessen", "portal", "research"),
    "peer": Caller("fulda", "portal", "research", peer="fulda"),
    "anonymous peer": Caller("fulda", None, None, peer="fulda"),
    "replayed": Caller("giessen", "portal", "operations"),
    "unchecked": Caller("giessen", "portal", "statistics"),
}


class Executor:
    """Answers what it was told to, or fails."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome
        self.asked = []

    async def execute(self, query, _variables, _operation_name, context):
        self.asked.append((query, context.request))
        if self.outcome is None:
            await asyncio.sleep(60)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class FakePending:
    """A use that is found to be bad when it is used up."""

    def __init__(self, purpose) -> None:
        self._purpose = purpose

    async def spend(self):
        if self._purpose == "operations":
            raise InvalidToken("the proof was used before", "invalid_dpop_proof")
        if self._purpose == "statistics":
            raise Unavailable("tokens can't be checked now, so no data may leave")


class FakeCallers:
    """Knows callers by the header alone."""

    issuer = "https://giessen.example"

    def claimed(self, presented):
        if presented.authorization not in CALLERS:
            raise InvalidToken("it is none of ours")
        return Claimed(CALLERS[presented.authorization], "proof", object(), None)

    async def admitted(self, claimed, _body):
        return Admitted(FakePending(claimed.caller.purpose), "fresh")

    async def refused(self, _error):
        return "fresh"


class FakeReceipts:
    def receipt(self, claimed, request, response, *, trace_id, evidence):
        return f"{len(request)}.{len(response)}.{trace_id}"


async def ask(outcome, method="POST", *, body=BODY, query_string=b"", receive=None, trusted_only=False, **headers):
    """Status, headers and body of the answer; None if there was none."""
    executor = Executor(outcome)
    limits = Limits(request_ms=50, body_bytes=1_000)
    trusted = {document_hash(TEXT): TEXT}
    endpoint = GraphQLEndpoint(
        executor,
        None,
        None,
        FakeCallers(),
        FakeReceipts(),
        Telemetry(),
        Counts(),
        limits,
        trusted,
        trusted_only=trusted_only,
    )
    headers = {"content-type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
    messages = []

    async def whole():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        messages.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": query_string,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }
    await endpoint.handle(scope, receive or whole, send)
    if not messages:
        return None
    start, end = messages
    received = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], received, orjson.loads(end["body"]) if end["body"] else None


async def test_data_errors_and_cost_are_joined():
    error = GraphQLError("no", path=["cities"])
    status, headers, body = await ask(Result(b'{"cities":null}', [error], {"requested": 1}))
    assert status == 200
    assert list(body) == ["errors", "data", "extensions"]
    assert body["data"] == {"cities": None}
    assert body["extensions"]["cost"] == {"requested": 1}
    assert body["errors"][0]["extensions"]["traceId"] == body["extensions"]["traceId"]
    assert headers["cache-control"] == "no-store"


async def test_what_nobody_expected_is_logged_and_not_told(caplog):
    with caplog.at_level(logging.ERROR, "verbund.http"):
        status, _, body = await ask(RuntimeError("password=geheim"))
    assert status == 500
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "geheim" not in str(body)
    assert error["extensions"]["traceId"] in caplog.text
    assert "geheim" in caplog.text


async def test_a_request_that_takes_too_long():
    status, headers, body = await ask(None)
    assert (status, headers["retry-after"]) == (503, "2")
    assert body["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert "50 ms" in body["errors"][0]["message"]


async def test_a_body_that_does_not_arrive():
    async def receive():
        await asyncio.sleep(60)

    status, _, body = await ask(Result(DATA), receive=receive)
    assert status == 408
    assert body["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_a_client_that_goes_gets_no_answer_and_leaves_no_trace_in_the_log(caplog):
    async def receive():
        return {"type": "http.disconnect"}

    assert await ask(Result(DATA), receive=receive) is None
    assert not caplog.records


async def test_without_a_record_no_data_leaves():
    error = GraphQLError("x", original_error=Unavailable("the access log can't be written"))
    status, headers, body = await ask(Result(DATA, [error]))
    assert (status, body["data"], headers["retry-after"]) == (503, None, "2")


@pytest.mark.parametrize(
    ("method", "authorization", "outcome", "is_public"),
    [
        ("GET", None, Result(DATA), True),
        ("HEAD", None, Result(DATA), True),
        ("POST", None, Result(DATA), False),
        ("GET", "application", Result(DATA), False),
        ("GET", "peer", Result(DATA), False),
        ("GET", None, Result(DATA, [GraphQLError("no")]), False),
        ("GET", None, Result(None, [GraphQLError("no")]), False),
    ],
)
async def test_only_what_anybody_may_see_may_be_stored(method, authorization, outcome, is_public):
    headers = {"authorization": authorization} if authorization else {}
    _, headers, _ = await ask(outcome, method, query_string=GET, **headers)
    assert ("etag" in headers) == is_public
    assert headers["cache-control"] == ("public, no-cache" if is_public else "no-store")
    assert headers["vary"] == "Authorization, Accept, Accept-Encoding, Origin"


@pytest.mark.parametrize(
    ("authorization", "query", "is_answered"),
    [
        (None, TEXT, True),
        (None, "{ node { id } }", False),
        ("application", "{ node { id } }", False),
        ("peer", "{ node { id } }", True),
        ("anonymous peer", "{ node { id } }", True),
    ],
)
async def test_trusted_documents_only_binds_callers_and_not_peers(authorization, query, is_answered):
    headers = {"authorization": authorization} if authorization else {}
    _, _, body = await ask(Result(DATA), body=orjson.dumps({"query": query}), trusted_only=True, **headers)
    assert ("data" in body) == is_answered
    assert is_answered or body["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


async def test_a_token_that_is_not_accepted():
    status, headers, body = await ask(Result(DATA), authorization="forged")
    assert status == 401
    assert headers["www-authenticate"].startswith('DPoP error="invalid_token"')
    assert (
        'resource_metadata="https://giessen.example/.well-known/oauth-protected-resource/graphql"'
        in (headers["www-authenticate"])
    )
    assert headers["dpop-nonce"] == "fresh"
    assert "data" not in body


@pytest.mark.parametrize(("authorization", "expected"), [("replayed", 401), ("unchecked", 503)])
async def test_a_caller_that_can_not_be_confirmed(authorization, expected):
    status, headers, body = await ask(Result(DATA), authorization=authorization)
    assert status == expected
    assert ("www-authenticate" in headers) == (expected == 401)
    assert "data" not in body


async def test_other_nodes_get_a_receipt_of_what_they_sent_and_get():
    for caller in ("peer", "anonymous peer"):
        _, headers, body = await ask(Result(DATA), authorization=caller)
        sent, got, trace = headers["verbund-receipt"].split(".")
        assert (int(sent), trace) == (len(BODY), body["extensions"]["traceId"])
        assert int(got) == int(headers["content-length"])
    for caller in ({}, {"authorization": "application"}):
        assert "verbund-receipt" not in (await ask(Result(DATA), **caller))[1]
