"""The parsers of what strangers send, each with good input to begin with and the errors that it may raise.

A target takes bytes. Anything but a result or one of its errors is a fault.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749.errors import OAuth2Error
from graphql import GraphQLError
from joserfc.util import urlsafe_b64encode

from federation.connection import Connection
from federation.discovery import read_metadata
from federation.envelope import read_envelope
from federation.errors import FederationError, PeerError
from federation.foreign import _built
from federation.jose import JwtError, public_jwks, public_keys, sign_parts
from federation.tlog.note import NoteError, VerifierKey, read, read_signatures, sign
from federation.tlog.witness import read_proof, read_submission
from federation.tokens import raise_refusal, read_token
from federation.transport import PeerResponse
from federation.trust.pins import AnchorPin, parse_pin
from federation.trust.state import Kept, Trust
from node.audit.bundle import FORMAT
from node.audit.grammar import FilterError, read_filter
from node.audit.verify import BundleInvalid, _Check
from node.auth.applications import is_redirect_uri
from node.auth.sign_in.provider import ProviderError, ProviderMetadata, _decoded, _usable
from node.auth.token_request import read_form
from node.http.negotiation import accepts_parts, encoding, is_json, media_type
from node.http.question import BadQuestion, document_of, from_body, from_url, is_mutation
from node.ingest.intake.checks import Checked
from node.ingest.intake.mqtt import read_message
from node.telemetry.context import parent_of
from schema.cursor import Cursor, Position, decode, encode
from schema.errors import BadInput
from tests.kinds import ANCHOR, ED_KEY, KINDS, LOG_KEYS, OWNER, Kind, Refused

QUERY = b"query A($n: Int) { datasets(first: $n) { nodes { id title } pageInfo { endCursor } } }"
HASH = "A" * 43 + "="


@dataclass(frozen=True)
class Target:
    """A parser. `accepted`: what it accepts, made anew where it is good for a while only; `errors`: what it may raise."""

    name: str
    parse: Callable[[bytes], Any]
    errors: tuple[type[Exception], ...]
    accepted: Sequence[bytes] | Callable[[], Sequence[bytes]]

    @property
    def good(self) -> Sequence[bytes]:
        """What it accepts now."""
        return self.accepted() if callable(self.accepted) else self.accepted

    def __str__(self) -> str:
        return self.name

    def __call__(self, data: bytes) -> None:
        """Raises what is a fault."""
        try:
            self.parse(data)
        except self.errors:
            return


def _latin(data: bytes) -> str:
    """As text comes out of HTTP headers."""
    return data.decode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _signed(kind: Kind) -> Target:
    """What a member may sign: the input is the payload, the signature is good."""
    header = urlsafe_b64encode(json.dumps(kind.header()).encode())

    def parse(data: bytes) -> None:
        kind.check(sign_parts(header, data or b"{}", kind.key))

    return Target(f"claims of {kind}", parse, (Refused,), lambda: [json.dumps(kind.said()).encode()])


def _headed(kind: Kind) -> Target:
    """A header of any form over good claims."""

    def parse(data: bytes) -> None:
        payload = json.dumps(kind.said()).encode()
        kind.check(sign_parts(urlsafe_b64encode(data or b"{}"), payload, kind.key))

    return Target(f"header of {kind}", parse, (Refused,), [json.dumps(kind.header()).encode()])


def _whole(kind: Kind) -> Target:
    return Target(f"{kind}", lambda data: kind.check(_latin(data)), (Refused,), lambda: [kind.make().encode()])


class _Wire(asyncio.Transport):
    """Takes what is written, and tells nobody."""

    def is_closing(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


def _answer_of_a_peer(data: bytes) -> None:
    """The first byte says in how large pieces the rest arrives."""

    async def feed() -> None:
        connection = Connection(lambda _connection: None)
        connection.connection_made(_Wire())
        answer = connection.ask(b"GET / HTTP/1.1\r\n\r\n", 1_000)
        step = (data[0] if data else 0) + 1
        for at in range(1, len(data), step):
            connection.data_received(data[at : at + step])
        connection.connection_lost(None)
        if not answer.done():
            raise AssertionError("the connection is lost, and an answer is still awaited")
        if (await answer).status < 200:
            raise AssertionError("an answer is not whole")

    asyncio.run(feed())


def _kept(data: bytes) -> None:
    token, _, document = data.partition(b"\0")
    trust = Trust(allow_plain_http=False)
    now = datetime.now(UTC)
    trust.restore(Kept(OWNER.issuer, _text(token), now))
    trust.restore(Kept(OWNER.issuer, _text(token), now, "pin", document))


def _question(data: bytes) -> None:
    document_of(from_body(data), {}, trusted_only=False)


def _url(data: bytes) -> None:
    question = from_url(data)
    document_of(question, {}, trusted_only=False)
    is_mutation(question.query or "", None)


def _token_answer(data: bytes) -> None:
    for status in (200, 400, 500):
        response = PeerResponse(status, data, "application/json")
        if status == 200:
            read_token(response, "data:read")
        else:
            raise_refusal(response)


def _headers(data: bytes) -> None:
    value = _latin(data)
    media_type(value), accepts_parts(value), encoding(value), is_json(value), parent_of(value)


def _provider(data: bytes) -> None:
    _decoded(PeerResponse(200, data, "application/json"), ProviderMetadata, "metadata")


NOT_JSON = (ValueError, RecursionError, AttributeError)  # of the test: a document is an object
ENVELOPE = b'{"data": {"r": {"nodes": []}}, "errors": [{"message": "x", "extensions": {"code": "TIMEOUT"}}]}'
PROVIDER = dict.fromkeys(
    ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"), "https://anmeldung.example"
)
PROVIDER_KEYS = json.dumps(
    {"keys": [*public_jwks(OWNER.key)["keys"], {"kty": "RSA", "use": "enc", "n": "AQAB"}]}
).encode()
HEAD = {
    "format": FORMAT, "city": "giessen", "filter": "", "complete": False, "first": 0, "last": 1, "records": 1,
    "log_key": str(LOG_KEYS.log), "witness_keys": {"fulda": str(LOG_KEYS.witness)}, "quorum": 0, "checkpoint": "",
}  # fmt: skip
LINE = {"position": 0, "entry": {"v": 1}, "personal": {"salt": "00"}, "proof": ["A" * 43 + "="], "leaf": "00" * 32}
CURSOR = encode(Cursor("b" * 16, Position("Ä", "fulda", "x"), {"giessen": None}))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
NOTE = str(sign(f"{LOG_KEYS.log.name}\n7\n{HASH}\n", LOG_KEYS.log, ED_KEY))
SUBMISSION = f"old 3\n{HASH}\n\n{NOTE}"
FORM = b"grant_type=client_credentials&client_assertion_type=urn%3Aietf&client_assertion=a.b.c&scope=data%3Aread"
PIN = AnchorPin(ANCHOR.issuer, "Anker", public_jwks(ANCHOR.key)).to_json()
BUNDLE = b"\n".join(json.dumps(one).encode() for one in (HEAD | {"checkpoint": NOTE}, LINE, {"seal": "AAAA"})) + b"\n"
METADATA = json.dumps({"issuer": OWNER.issuer, "token_endpoint": OWNER.identity.token_endpoint}).encode()
TOKEN_ANSWER = b'{"access_token": "a.b.c", "token_type": "DPoP", "expires_in": 300, "scope": "data:read"}'

TARGETS = (
    *map(_whole, KINDS),
    *map(_headed, KINDS),
    *map(_signed, KINDS),
    Target(
        "key set",
        lambda data: public_keys(json.loads(data)),
        (JwtError, ValueError, RecursionError),
        [json.dumps(public_jwks(OWNER.key)).encode()],
    ),
    Target("form", read_form, (OAuth2Error,), [FORM]),
    Target("anchor's file", lambda data: parse_pin(data, "a file"), (FederationError,), [PIN]),
    Target("kept statement", _kept, (FederationError,), lambda: [KINDS[6].make().encode() + b"\0[]"]),
    Target(
        "metadata of a server",
        lambda data: read_metadata(OWNER.issuer, PeerResponse(200, data, "application/json")),
        (PeerError,),
        [METADATA],
    ),
    Target("answer of a token endpoint", _token_answer, (PeerError,), [TOKEN_ANSWER, b'{"error": "invalid_grant"}']),
    Target("answer of a peer", _answer_of_a_peer, (PeerError,), [b"\xff" + ANSWER, b"\0" + ANSWER, b"\3" + CHUNKED]),
    Target("note", lambda data: read(_text(data)), (NoteError,), [NOTE.encode()]),
    Target("signatures", lambda data: read_signatures(_text(data)), (NoteError,), [NOTE.partition("\n\n")[2].encode()]),
    Target("submission to a witness", lambda data: read_submission(_text(data)), (NoteError,), [SUBMISSION.encode()]),
    Target("proof of a log", lambda data: read_proof(_text(data)), (NoteError,), [f"{HASH}\n{HASH}\n".encode()]),
    Target("key of a log", lambda data: VerifierKey.parse(_text(data)), (NoteError,), [str(LOG_KEYS.log).encode()]),
    Target(
        "GraphQL by POST",
        _question,
        (BadQuestion,),
        [json.dumps({"query": QUERY.decode(), "variables": {"n": 3}, "operationName": "A"}).encode()],
    ),
    Target(
        "GraphQL by GET",
        _url,
        (BadQuestion, GraphQLError),
        [b"query=%7Bdatasets%7Bnodes%7Bid%7D%7D%7D&variables=%7B%7D"],
    ),
    Target("cursor", lambda data: decode(_latin(data), "b" * 16), (BadInput,), [CURSOR.encode()]),
    Target(
        "filter of records", lambda data: read_filter(_text(data)), (FilterError,), [b"city:giessen after:2026-11-01"]
    ),
    Target(
        "headers",
        _headers,
        (),
        [b"multipart/mixed, application/json;q=0.9", b"00-" + b"a" * 32 + b"-bbbbbbbbbbbbbbbb-01"],
    ),
    Target(
        "message of a sensor",
        lambda data: read_message(Checked(), "v1.1/Datastreams(a)/Observations", data, {}, datetime.now(UTC)),
        (),
        [
            b'{"phenomenonTime": "2026-11-26T10:00:00Z", "result": 112}',
            b'[{"phenomenonTime": "9999-12-31T23:00:00-01:00", "result": null}]',
        ],
    ),
    Target(
        "answer of an owner",
        lambda data: read_envelope(PeerResponse(200, data, "application/json")),
        (PeerError,),
        [ENVELOPE],
    ),
    Target(
        "schema of another version", _built, (PeerError,), [b"type Query { a(b: Int = 1): [A!]! } type A { c: ID }"]
    ),
    Target("metadata of a provider", _provider, (ProviderError,), [json.dumps(PROVIDER).encode()]),
    Target(
        "keys of a provider",
        lambda data: _usable(json.loads(data or b"{}")),
        (ProviderError, *NOT_JSON),
        [PROVIDER_KEYS],
    ),
    Target(
        "bundle", lambda data: _Check(None, ()).run(iter(data.splitlines(keepends=True))), (BundleInvalid,), [BUNDLE]
    ),
    Target("redirect URI", lambda data: is_redirect_uri(_latin(data)), (), [b"https://portal.example/zurueck"]),
)
