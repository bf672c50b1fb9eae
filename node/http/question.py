"""What a client sends: a document or the hash of one, variables, an operation's name (GraphQL over HTTP, 5). Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from graphql import GraphQLError, OperationType, get_operation_ast, parse

from node.http.trusted import PREFIX, document_hash

BAD_REQUEST = "BAD_REQUEST"
MAX_PARAMETERS = 10
MAX_TOKENS = 10_000
FORM = 'send {"query": "…", "variables": {…}}'


class BadQuestion(Exception):
    """The request is not well-formed. `code` and `hint` are those of the answer."""

    def __init__(self, message: str, *, code: str = BAD_REQUEST, hint: str = FORM) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint


class Question(msgspec.Struct):
    """A GraphQL request; further members are ignored."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - GraphQL over HTTP
    documentId: str | None = None  # noqa: N815 - GraphQL over HTTP, persisted documents
    extensions: dict[str, Any] | None = None


_Body = msgspec.json.Decoder(Question)
_Object = msgspec.json.Decoder(dict[str, Any] | None)


def from_body(body: bytes) -> Question:
    """The question in a JSON body. Raises BadQuestion."""
    try:
        return _Body.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if body.lstrip()[:1] == b"[":
            raise BadQuestion("a batch of requests is not accepted", hint="send one request at a time") from None
        raise BadQuestion(f"the body can't be read: {error}") from None


def from_url(query_string: bytes) -> Question:
    """The question in the parameters of a URL. Raises BadQuestion."""
    hint = "send ?query=…&variables={…}, percent-encoded"
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict"
        )
        given = dict(pairs)
        if len(given) != len(pairs):
            raise BadQuestion("a parameter of the URL is given twice", hint=hint)
        objects = {name: _Object.decode(given[name]) for name in ("variables", "extensions") if given.get(name)}
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise BadQuestion(f"the URL can't be read: {error}", hint=hint) from None
    query, operation, document = (given.get(name) or None for name in ("query", "operationName", "documentId"))
    return Question(query, objects.get("variables"), operation, document, objects.get("extensions"))


def document_of(question: Question, trusted: Mapping[str, str], *, trusted_only: bool) -> str:
    """The document that is meant.

    Raises:
        BadQuestion: there is none, it is not known by this hash, or it is not one of the trusted ones.
    """
    digest, is_apollo = _digest(question)
    text = question.query or None
    if text is None:
        if digest is None:
            raise BadQuestion("there is no query")
        if digest not in trusted:
            message = "PersistedQueryNotFound" if is_apollo else f"this node knows no document {digest[:64]!r}"
            raise BadQuestion(message, code="DOCUMENT_NOT_FOUND", hint="send the query itself, or ask the operator")
        return trusted[digest]
    own = document_hash(text) if digest is not None or trusted_only else None
    if digest is not None and own is not None and not hmac.compare_digest(digest.encode(), own.encode()):
        raise BadQuestion(f"the hash is not that of the query, which is {own}", hint="hash the text as it is sent")
    if trusted_only and own not in trusted:
        raise BadQuestion(
            "this node answers trusted documents only",
            code="DOCUMENT_NOT_TRUSTED",
            hint="ask the operator to add the document, then send its hash as documentId",
        )
    return text


def is_mutation(document: str, operation_name: str | None) -> bool:
    """True if the operation that is meant is a mutation: GET must refuse it (GraphQL over HTTP, GET)."""
    if "mutation" not in document:
        return False
    try:
        operation = get_operation_ast(parse(document, max_tokens=MAX_TOKENS, no_location=True), operation_name)
    except GraphQLError:
        return False
    return operation is not None and operation.operation is OperationType.MUTATION


def _digest(question: Question) -> tuple[str | None, bool]:
    """The hash that the client sent, in either form, and whether it is Apollo's."""
    if question.documentId is not None:
        return question.documentId.removeprefix(PREFIX).lower(), False
    persisted = (question.extensions or {}).get("persistedQuery")
    if not isinstance(persisted, dict):
        return None, False
    digest = persisted.get("sha256Hash")
    if persisted.get("version") != 1 or not isinstance(digest, str):
        raise BadQuestion("extensions.persistedQuery: needs version 1 and sha256Hash", hint="send both")
    return digest.lower(), True
