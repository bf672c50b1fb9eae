"""Bad requests get a clear error; nothing crashes, nothing leaks."""

from __future__ import annotations

import orjson
import pytest

LEAKS = ("Traceback", "psycopg", 'File "', " from dataset", "insert into", "node/", "site-packages", "PostgreSQL 1")


def clean(answer) -> None:
    text = orjson.dumps(answer.body).decode()
    assert not any(leak in text for leak in LEAKS), text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b'[{"query": "{ node { version } }"}]', 400, "BAD_REQUEST"),
        (b"null", 400, "BAD_REQUEST"),
        (b'{"query": 5}', 400, "BAD_REQUEST"),
        (b'{"query": null}', 400, "BAD_REQUEST"),
        (b'{"variables": {}}', 400, "BAD_REQUEST"),
        (b'{"query": "{ node { version } }", "variables": []}', 400, "BAD_REQUEST"),
        (b'{"query": "\xff\xfe"}', 400, "BAD_REQUEST"),
        (b'{"query": ""}', 400, "BAD_REQUEST"),
        (b'{"query": "query a { node { version } } query b { node { version } }"}', 200, "BAD_REQUEST"),
        (b'{"query": "query a { node { version } }", "operationName": "b"}', 200, "BAD_REQUEST"),
        (b'{"query": "mutation { x }"}', 200, "INVALID"),
        (b'{"query": "subscription { x }"}', 200, "INVALID"),
        (b'{"query": "{"}', 200, "SYNTAX"),
        (b'{"query": "{ nope }"}', 200, "INVALID"),
        (b'{"query": "{ datasets(first: \\"x\\") { nodes { id } } }"}', 200, "INVALID"),
        (b'{"query": "{ datasets(first: 99999999999) { nodes { id } } }"}', 200, "INVALID"),
        (b'{"query": "{ datasets(first: -5) { nodes { id } } }"}', 200, "BAD_INPUT"),
        (b'{"query": "{ datasets(first: 5000) { nodes { id } } }"}', 200, "BAD_INPUT"),
        (b'{"query": "{ dataset(id: \\"x\\") { id } }"}', 200, "BAD_INPUT"),
        (b'{"query": "{ dataset(id: \\"giessen:thing:x\\") { id } }"}', 200, "BAD_INPUT"),
        (b'{"query": "{ dataset(id: \\"atlantis:dataset:x\\") { id } }"}', 200, "NOT_FOUND"),
        (b'{"query": "{ datasets(after: \\"x\\") { nodes { id } } }"}', 200, "BAD_INPUT"),
        (b'{"query": "{ datasets(cities: [\\"a b\\"]) { nodes { id } } }"}', 200, "BAD_INPUT"),
        (
            b'{"query": "{ datasets(first: 1000) { nodes { datastreams(first: 1000) { nodes { id } } } } }"}',
            200,
            "TOO_COSTLY",
        ),
        (b'{"query": "query ($a: Int!) { datasets(first: $a) { nodes { id } } }"}', 200, "INVALID"),
        (
            b'{"query": "query ($a: Int!) { datasets(first: $a) { nodes { id } } }", "variables": {"a": {"b": 1}}}',
            200,
            "INVALID",
        ),
        (
            b'{"query": "{ observations(filter: {}, during: {start: \\"2026-01-01\\", end: \\"2026-01-02\\"}) { nodes { result } } }"}',
            200,
            "INVALID",
        ),
        (b'{"query": "' + b"#" * 140_000 + b'"}', 413, "TOO_LARGE"),
        (b'{"query": "{' + b" a" * 5_000 + b'}"}', 200, "TOO_COSTLY"),
        (b"[" * 60_000, 400, "BAD_REQUEST"),
    ],
)
async def test_bad_requests(federation, body, status, code):
    answer = await federation["fulda"].post(body)
    assert (answer.status, answer.code) == (status, code), answer.body
    for error in answer.body["errors"]:
        assert error["message"]
        assert error["extensions"]["hint"] or code == "BAD_INPUT"
    clean(answer)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_other_media_types_are_refused(federation, content_type):
    answer = await federation["fulda"].post(
        b'{"query": "{ node { version } }"}', headers={"Content-Type": content_type}
    )
    assert answer.status in {400, 415}
    clean(answer)


@pytest.mark.parametrize(
    "authorization",
    ["DPoP", "DPoP ", "Basic dXNlcjpwdw==", "Bearer a.b.c", "DPoP a.b.c", "DPoP " + "x" * 7_000, "nonsense", "DPoP ä"],
)
async def test_bad_tokens_are_401(federation, authorization):
    answer = await federation["fulda"].ask("{ node { version } }", Authorization=authorization)
    assert answer.status == 401
    assert answer.code == "UNAUTHENTICATED"
    clean(answer)


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/oauth/token", 405)])
async def test_everything_else_is_a_problem_document(federation, path, status):
    answer = await federation["fulda"].get(path)
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert {"type", "title", "status", "detail", "code", "hint"} <= set(answer.body)
    clean(answer)


async def test_the_node_still_answers_after_all_that(federation):
    assert (await federation["fulda"].ask("{ node { version } }")).data["node"]["version"]
