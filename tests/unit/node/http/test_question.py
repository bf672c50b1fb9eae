"""A request's document, variables and operation, by body or by URL, by text or by hash."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.http.question import BadQuestion, Question, document_of, from_body, from_url, is_mutation
from node.http.trusted import TrustedDocumentError, document_hash, load_documents
from schema.build import build_schema

TEXT = "{ cities { id } }"
HASH = document_hash(TEXT)
TRUSTED = {HASH: TEXT}


def test_body_and_url_say_the_same():
    said = {"query": TEXT, "variables": {"a": [1]}, "operationName": "A", "documentId": "x", "extensions": {"b": 1}}
    url = urlencode({n: v if isinstance(v, str) else orjson.dumps(v).decode() for n, v in said.items()})
    assert from_body(orjson.dumps(said)) == from_url(url.encode())
    assert from_url(b"query=%7Ba%7D&variables=&operationName=") == Question(query="{a}")


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
OBJECTS = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, max_size=4)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "query": TEXTS,
        "operationName": TEXTS,
        "documentId": TEXTS,
        "variables": OBJECTS,
        "extensions": OBJECTS,
    },
)


@given(QUESTIONS)
def test_every_question_can_be_asked_either_way(said):
    url = urlencode({n: v if isinstance(v, str) else orjson.dumps(v).decode() for n, v in said.items()})
    assert from_body(orjson.dumps(said)) == from_url(url.encode()) == Question(**said)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_question_or_refused(data):
    for read in (from_body, from_url):
        with contextlib.suppress(BadQuestion):
            assert isinstance(read(data), Question)


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        ("mutation { a }", None, True),
        ("query A { mutation } mutation B { b }", "B", True),
        ("query A { mutation } mutation B { b }", "A", False),
        ("query A { mutation } mutation B { b }", None, False),
        ("{ mutation }", None, False),
        ("mutation {", None, False),
        ("mutation " + "{ a " * 50_000, None, False),
        (TEXT, None, False),
    ],
)
def test_the_operation_that_is_meant_is_a_mutation(document, name, expected):
    assert is_mutation(document, name) is expected


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[]", "batch"),
        (b' [{"query": "{a}"}]', "batch"),
        (b"{", "can't be read"),
        (b'{"query": 1}', "query"),
        (b'{"variables": []}', "variables"),
        (b"\xff", "can't be read"),
        (b"[" * 100_000, "batch"),
        (b'{"variables": ' + b'{"a":' * 100_000, "can't be read"),
    ],
)
def test_bodies_that_are_no_requests(body, told):
    with pytest.raises(BadQuestion, match=told):
        from_body(body)


@pytest.mark.parametrize(
    "url", [b"query=%FF", b"variables=%5B1%5D", b"variables={", b"query=a&query=b", b"&".join([b"a=1"] * 50), b"\xff"]
)
def test_urls_that_are_no_requests(url):
    with pytest.raises(BadQuestion):
        from_url(url)


@pytest.mark.parametrize(
    "question",
    [
        Question(query=TEXT),
        Question(documentId=HASH),
        Question(documentId=f"sha256:{HASH.upper()}"),
        Question(query=TEXT, documentId=HASH),
        Question(extensions={"persistedQuery": {"version": 1, "sha256Hash": HASH}}),
    ],
)
@pytest.mark.parametrize("trusted_only", [False, True])
def test_a_trusted_document_by_text_or_hash(question, trusted_only):
    assert document_of(question, TRUSTED, trusted_only=trusted_only) == TEXT


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (Question(), "BAD_REQUEST"),
        (Question(documentId="0" * 64), "DOCUMENT_NOT_FOUND"),
        (Question(query="{ a }", documentId=HASH), "BAD_REQUEST"),
        (Question(extensions={"persistedQuery": {"version": 2, "sha256Hash": HASH}}), "BAD_REQUEST"),
        (Question(extensions={"persistedQuery": {"version": 1, "sha256Hash": 7}}), "BAD_REQUEST"),
        (Question(extensions={"persistedQuery": {"version": 1, "sha256Hash": "ab"}}), "DOCUMENT_NOT_FOUND"),
    ],
)
def test_documents_that_can_not_be_found(question, code):
    with pytest.raises(BadQuestion) as caught:
        document_of(question, TRUSTED, trusted_only=False)
    assert caught.value.code == code


def test_other_documents_are_refused_where_only_trusted_ones_are_answered():
    assert document_of(Question(query="{ a }"), TRUSTED, trusted_only=False) == "{ a }"
    with pytest.raises(BadQuestion) as caught:
        document_of(Question(query="{ a }"), TRUSTED, trusted_only=True)
    assert caught.value.code == "DOCUMENT_NOT_TRUSTED"


def test_documents_are_loaded_from_a_folder(tmp_path):
    documents = build_schema().documents
    assert load_documents(tmp_path / "none", documents) == {}
    (tmp_path / "cities.graphql").write_text(TEXT, encoding="utf-8")
    (tmp_path / "readme.txt").write_text("not a document", encoding="utf-8")
    assert load_documents(tmp_path, documents) == TRUSTED


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{ cities {\n nothing } }", "line 2"), (b"{", "Syntax Error"), (b"\xff", "UTF-8")],
)
def test_a_bad_document_is_told_with_file_and_place(tmp_path, content, told):
    (tmp_path / "bad.graphql").write_bytes(content)
    with pytest.raises(TrustedDocumentError, match=r"bad\.graphql") as caught:
        load_documents(tmp_path, build_schema().documents)
    assert told in str(caught.value)
