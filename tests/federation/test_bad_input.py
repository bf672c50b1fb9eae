"""Bad requests get a clear error; nothing crashes, nothing leaks."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from urllib.parse import quote, urlencode

import aiohttp
import orjson
import pytest
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from yarl import URL

from federation.grants import ASSERTION_TYPE, client_assertion
from federation.jose import sign_parts
from node.auth.keys import load_signing_key
from tests.federation.cities import APP
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import SUBMISSION
from tests.kinds import KINDS

EXPLAIN = b"""{"query": "query($v: JSON) { explain(document: \\"{ cities { id } }\\", variables: $v) { policyVersion } }",
    "variables": {"v": {"x": %b}}}"""
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
        (EXPLAIN % (b"9" * 30), 200, "BAD_INPUT"),
        (EXPLAIN % (b"[" * 300 + b"]" * 300), 200, "BAD_INPUT"),
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


@pytest.mark.parametrize("owner", ["giessen", "offenbach"])
@pytest.mark.parametrize("nested", ["first: -1", "first: 100000", 'after: "x"'])
@pytest.mark.parametrize(
    "document",
    [
        '{ datastream(id: "%s:datastream:rad-ein") { observations(%s) { nodes { result } } } }',
        """{ newObservations(datastreams: ["%s:datastream:rad-ein"]) {
            nodes { datastream { observations(%s) { nodes { result } } } } } }""",
    ],
)
async def test_mistakes_are_the_callers_whichever_city_is_asked(federation, document, nested, owner):
    answer = await federation["offenbach"].ask(document % (owner, nested))
    assert answer.code in {"BAD_INPUT", "TOO_COSTLY"}, answer.body
    assert federation["giessen"].records(answer.trace) == []


@pytest.mark.parametrize("at", ["2026-01-01T02:00:00Z", "2026-01-01 02:00:00.10+00", "2026-02-31 00:00:00+00", "x"])
@pytest.mark.parametrize("is_away", [False, True])
async def test_made_up_cursors_are_the_callers_mistake(federation, at, is_away):
    """They have the form of one, but no node gives rows such a place."""
    document = """query ($after: String) { observations(filter: {}, first: 1, after: $after,
        during: {start: "2026-01-01T01:00:00Z", end: "2026-01-01T03:00:00Z"}) { pageInfo { endCursor } } }"""
    given = (await federation["fulda"].ask(document)).data["observations"]["pageInfo"]["endCursor"]
    version, binding, *mark = orjson.loads(urlsafe_b64decode(given.encode()))
    made_up = [at, "fulda", "rad-ein"]
    parts = [version, binding, *mark, [[["giessen"], *made_up]]] if is_away else [version, binding, *made_up]
    answer = await federation["fulda"].ask(document, None, {"after": urlsafe_b64encode(orjson.dumps(parts)).decode()})
    assert answer.code == "BAD_INPUT", answer.body
    assert federation["giessen"].records(answer.trace) == []


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


class Stranger:
    """Somebody with a key that is registered, who sends good messages with mistakes in them, and counts the answers."""

    def __init__(self, town, access) -> None:
        self.town, self.access, self.chance = town, access, random.Random(20_261_126)
        self.answers: Counter[tuple[str, int]] = Counter()

    async def send(self, session, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        url = self.town.settings.issuer + path
        sent = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in headers.items()}
        sent = {name: re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", "?", value) for name, value in sent.items()}
        async with session.request(method, URL(url, encoded=True), data=body, headers=sent) as response:
            told = (await response.read()).decode("utf-8", "replace")
            self.answers[path.partition("?")[0], response.status] += 1
            assert response.status < 500, (method, path, body[:300], sent, response.status, told[:300])
            assert not any(leak in told for leak in ("Traceback", 'File "', "site-packages")), (path, body[:300])

    def wrong(self, good: bytes | str) -> bytes:
        return mutated(good.encode() if isinstance(good, str) else good, self.chance)

    def wrong_text(self, good: str) -> str:
        return self.wrong(good).decode("latin-1")[:6_000]

    def assertion(self) -> str:
        """A good one, or one that says something else over a good signature."""
        key = load_signing_key(self.town.keys / f"{APP}.pem")
        good = client_assertion(APP, self.town.settings.issuer, key, int(time.time()))
        if self.chance.random() < 0.5:
            return good
        head, payload = (urlsafe_b64decode(part.encode()) for part in good.split(".")[:2])
        return sign_parts(urlsafe_b64encode(self.wrong(head) or b"{}"), self.wrong(payload) or b"{}", key)


async def test_whatever_strangers_send_there_is_an_answer_and_no_500(federation):
    town = federation["fulda"]
    stranger = Stranger(town, await town.token())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    kinds = [kind.make() for kind in KINDS]
    async with aiohttp.ClientSession() as session:
        for _ in range(25):
            grant = urlencode(
                {
                    "grant_type": "client_credentials",
                    "client_assertion_type": ASSERTION_TYPE,
                    "client_assertion": stranger.assertion(),
                    "purpose": "research",
                    "token": stranger.access.token,
                }
            )
            proof = stranger.access.headers("POST", town.settings.token_endpoint)["DPoP"]
            for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
                body = stranger.wrong(grant) if stranger.chance.random() < 0.5 else grant.encode()
                sent = proof if stranger.chance.random() < 0.5 else stranger.wrong_text(proof)
                await stranger.send(session, "POST", path, body, DPoP=sent, **form)
            asked = orjson.dumps({"query": "{ datasets(first: 1) { nodes { id } } }"})
            good = stranger.access.headers("POST", town.settings.graphql_url, asked)
            for name in good:
                wrong = good | {name: stranger.wrong_text(good[name]), "Content-Type": "application/json"}
                await stranger.send(session, "POST", "/graphql", asked, **wrong)
            for name in ("Accept", "Accept-Encoding", "traceparent", "Content-Type", "If-None-Match"):
                value = stranger.wrong_text("multipart/mixed, application/json;q=0.9")
                await stranger.send(session, "POST", "/graphql", asked, **{name: value})
            await stranger.send(
                session, "POST", "/graphql", stranger.wrong(asked), **{"Content-Type": "application/json"}
            )
            document = stranger.wrong(stranger.chance.choice(kinds))
            await stranger.send(
                session, "POST", "/federation/agreements", document, **{"Content-Type": "application/jwt"}
            )
            await stranger.send(session, "POST", "/log/add-checkpoint", stranger.wrong(SUBMISSION))
            query = quote(stranger.wrong("after=0&start=2026-01-01T00:00:00Z"), safe="=&")
            for path in (
                "/graphql?query=%7Bnode%7Bversion%7D%7D&",
                "/log/exchanges?",
                "/oauth/authorize?client_id=x&",
                "/federation/summary?",
            ):
                await stranger.send(session, "GET", path + query)
            number = stranger.chance.choice(("-1", "0", "7", "9" * 18, "9" * 19, "9" * 40, "x", "1e3", "٣"))
            for path in (f"/log/inclusion?index=0&size={number}", f"/log/consistency?old=1&new={number}"):
                await stranger.send(session, "GET", quote(path, safe="/?=&"))
            tile = quote(stranger.wrong("0/x001/234.p/8"), safe="/.")
            await stranger.send(session, "GET", f"/log/tile/{tile}")
    statuses = Counter(status for (_, status), count in stranger.answers.items() for _ in range(count))
    assert statuses[200] > 10, "some messages stayed good"
    assert statuses[400] + statuses[401] > 100, statuses


async def test_the_node_still_answers_after_all_that(federation):
    assert (await federation["fulda"].ask("{ node { version } }")).data["node"]["version"]
