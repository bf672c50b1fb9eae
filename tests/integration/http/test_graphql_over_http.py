"""GraphQL over HTTP as clients see it, on a real node's application."""

from __future__ import annotations

import gzip
from urllib.parse import urlencode

import orjson
import psycopg
import pytest

from node.http.negotiation import JSON, RESPONSE_JSON
from node.http.trusted import document_hash
from tests.integration.http.conftest import TRUSTED

DOCUMENT = "{ datasets(cities: [giessen]) { nodes { id title } } }".replace("[giessen]", '["giessen"]')
WRONG = "{ nothing }"


async def post(node, body, **headers):
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await node.post("/graphql", content=content, headers={"Content-Type": "application/json", **headers})


async def get(node, method: str = "GET", headers=None, **parameters: str):
    return await node.request(method, f"/graphql?{urlencode(parameters)}", headers=headers or {})


async def test_post_and_get_give_the_same_data(node):
    posted, got = await post(node, {"query": DOCUMENT}), await get(node, query=DOCUMENT)
    assert posted.status_code == got.status_code == 200
    assert posted.json()["data"] == got.json()["data"] != {"datasets": {"nodes": []}}
    assert posted.headers["content-type"] == "application/json; charset=utf-8"
    assert posted.headers["cache-control"] == "no-store"
    for name in ("x-content-type-options", "content-security-policy", "referrer-policy"):
        assert name in posted.headers


async def test_events_are_for_who_can_not_do_without(node):
    both = {"Accept": "application/json, text/event-stream, multipart/mixed"}
    assert (await post(node, {"query": DOCUMENT}, **both)).json()["data"]["datasets"]["nodes"]
    events = await post(node, {"query": DOCUMENT}, Accept="text/event-stream")
    assert events.headers["content-type"] == "text/event-stream; charset=utf-8"
    refused = await post(node, {"query": DOCUMENT}, Accept="application/json, text/event-stream;q=0")
    assert refused.headers["content-type"] == "application/json; charset=utf-8"


async def test_status_codes_depend_on_the_media_type(node):
    for document, plain, modern in ((DOCUMENT, 200, 200), (WRONG, 200, 400), ("{", 200, 400)):
        assert (await post(node, {"query": document})).status_code == plain
        answer = await post(node, {"query": document}, Accept=RESPONSE_JSON)
        assert answer.status_code == modern
        assert answer.headers["content-type"] == f"{RESPONSE_JSON}; charset=utf-8"
        assert ("data" in answer.json()) == (modern == 200)
    nothing = '{ dataset(id: "giessen:dataset:none") { id } }'
    answer = await post(node, {"query": nothing}, Accept=RESPONSE_JSON)
    assert (answer.status_code, answer.json()["data"]) == (200, {"dataset": None})


@pytest.mark.parametrize(
    ("method", "body", "headers", "status", "code"),
    [
        ("POST", b"{", {}, 400, "BAD_REQUEST"),
        ("POST", b"{}", {}, 400, "BAD_REQUEST"),
        ("POST", b"[]", {}, 400, "BAD_REQUEST"),
        ("POST", b"x" * 200_000, {}, 413, "TOO_LARGE"),
        ("POST", b"{}", {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", b"{}", {"Accept": "text/html"}, 406, "NOT_ACCEPTABLE"),
        ("POST", b"{}", {"Authorization": "DPoP x"}, 401, "UNAUTHENTICATED"),
        ("GET", b"", {}, 400, "BAD_REQUEST"),
        ("PUT", b"{}", {}, 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", b"", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", b"{", {"Accept": RESPONSE_JSON}, 400, "BAD_REQUEST"),
    ],
)
async def test_requests_that_are_refused(node, method, body, headers, status, code):
    headers = {"Content-Type": "application/json", **headers}
    answer = await node.request(method, "/graphql", content=body, headers=headers)
    assert answer.status_code == status
    accepted = RESPONSE_JSON if headers.get("Accept") == RESPONSE_JSON else JSON
    assert answer.headers["content-type"] == f"{accepted}; charset=utf-8"
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["extensions"]["hint"]
    assert "data" not in answer.json()
    assert ("allow" in answer.headers) == (status == 405)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_mutation_by_get_is_refused(node):
    """GraphQL over HTTP demands 405, whatever the schema knows."""
    answer = await get(node, query="mutation { cities { id } }")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    posted = await post(node, {"query": "mutation { cities { id } }"}, Accept=RESPONSE_JSON)
    assert posted.status_code == 400


async def test_scripts_of_other_sites_may_ask(node):
    site = {"Origin": "https://app.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,dpop"}
    told = (await node.options("/graphql", headers={**site, **asked})).headers
    assert (told["access-control-allow-origin"], told["access-control-allow-headers"]) == ("*", "*, Authorization")
    assert "POST" in told["access-control-allow-methods"]
    for headers in ({}, {"Authorization": "DPoP x"}, {"Accept": "text/event-stream"}, {"Accept": "text/html"}):
        answer = await post(node, {"query": DOCUMENT}, **site, **headers)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "DPoP-Nonce" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    got = await get(node, query=DOCUMENT)
    assert "access-control-allow-origin" not in got.headers
    assert "Origin" in got.headers["vary"], "else a cache would give this to a script"


async def test_what_a_cookie_counts_for_is_kept_from_other_sites(node):
    for path in ("/", "/audit", "/governance?format=json", "/sign-in", "/oauth/token"):
        for method in ("GET", "OPTIONS"):
            asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
            told = await node.request(method, path, headers=asked)
            assert not {name for name in told.headers if name.startswith("access-control")}
    for path in ("/catalog.ttl", "/schema.graphql"):
        assert (await node.get(path)).headers["access-control-allow-origin"] == "*"


async def test_answers_of_the_router_are_as_secure(node):
    for path in ("/nothing", "/health/live"):
        answer = await node.get(path)
        for name in ("x-content-type-options", "content-security-policy", "referrer-policy"):
            assert name in answer.headers


async def test_head_and_options(node):
    head, got = await get(node, "HEAD", query=DOCUMENT), await get(node, query=DOCUMENT)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]
    options = await node.options("/graphql")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")


@pytest.mark.parametrize("coding", ["zstd", "gzip", "br"])
async def test_long_answers_are_compressed(node, coding):
    document = "{ __schema { types { name description fields { name description } } } }"
    plain = await post(node, {"query": document}, **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    async with node.stream(
        "POST",
        "/graphql",
        content=orjson.dumps({"query": document}),
        headers={"Content-Type": "application/json", "Accept-Encoding": coding},
    ) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == coding
    assert len(raw) * 3 < len(plain.content)
    assert "Accept-Encoding" in answer.headers["vary"]
    if coding == "gzip":
        assert orjson.loads(gzip.decompress(raw))["data"] == plain.json()["data"]


async def test_an_open_answer_is_asked_for_again_by_its_tag(node, database_url):
    first = await get(node, query=DOCUMENT)
    assert first.headers["cache-control"] == "public, no-cache"
    tag = first.headers["etag"]
    again = await get(node, query=DOCUMENT, headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    with psycopg.connect(database_url) as connection:
        connection.execute("update dataset set title = 'Neu' where key = 'rad'")
    changed = await get(node, query=DOCUMENT, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_an_answer_by_tag_has_its_record(node, database_url):
    tag = (await get(node, query=DOCUMENT)).headers["etag"]

    def records() -> int:
        with psycopg.connect(database_url) as connection:
            return connection.execute("select count(*) from access_record").fetchone()[0]

    before = records()
    assert (await get(node, query=DOCUMENT, headers={"If-None-Match": tag})).status_code == 304
    assert records() == before + 1


@pytest.mark.parametrize("document", [WRONG, '{ dataset(id: "giessen:dataset:none") { id } }'])
async def test_answers_with_errors_have_no_tag(node, document):
    answer = await get(node, query=document)
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_trusted_documents_by_hash(node):
    answer = await post(node, {"documentId": f"sha256:{document_hash(TRUSTED)}"})
    assert answer.json()["data"] == {"cities": [{"id": "giessen"}]}
    assert (await get(node, documentId=document_hash(TRUSTED))).json()["data"] == answer.json()["data"]
    for accepted, status in ((JSON, 200), (RESPONSE_JSON, 400)):
        unknown = await post(node, {"documentId": "0" * 64}, Accept=accepted)
        assert unknown.status_code == status
        assert unknown.headers["content-type"] == f"{accepted}; charset=utf-8"
        (error,) = unknown.json()["errors"]
        assert error["extensions"]["code"] == "DOCUMENT_NOT_FOUND"


async def test_the_cost_is_told(node):
    cost = (await post(node, {"query": DOCUMENT})).json()["extensions"]["cost"]
    assert 0 < cost["requested"] <= cost["limit"]
    dear = "{ things(first: 1000) { nodes { datastreams(first: 1000) { nodes { id } } } } }"
    answer = await post(node, {"query": dear}, Accept=RESPONSE_JSON)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "TOO_COSTLY"
    assert error["extensions"]["cost"]["rows"] > error["extensions"]["cost"]["rowsLimit"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/schema.graphql", "text/plain"), ("/catalog.ttl", "text/turtle"), ("/log/counts", "text/csv")],
)
async def test_texts_name_their_encoding_once(node, path, expected):
    answer = await node.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{expected}; charset=utf-8")
