"""Pages and files of a node as browsers, harvesters and other programs meet them."""

from __future__ import annotations

import re
import xml.dom.minidom
from urllib.parse import parse_qs, urlsplit

import psycopg
from pyoxigraph import RdfFormat, parse

from node.auth.sign_in.desk import Desks, Role
from node.auth.sign_in.store import SignInStore
from node.store.pool import make_pool

PERSON = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
PATHS = ("/", "/en/datasets", "/datasets/giessen/rad", "/catalog.ttl", "/schema.graphql", "/health/live", "/oauth/jwks")


async def test_what_has_get_has_head_and_says_so(node):
    for path in PATHS:
        got, head = await node.get(path, headers=PERSON), await node.head(path, headers=PERSON)
        assert (head.status_code, head.content) == (200, b"")
        changing = {"content-length"} if "html" in got.headers["content-type"] else set()  # pages tell durations
        assert all(head.headers[name] == value for name, value in got.headers.items() if name not in changing)
    assert (await node.head("/nothing")).status_code == 404
    for method, path, methods in (("POST", "/schema.graphql", {"GET", "HEAD"}), ("GET", "/oauth/token", {"POST"})):
        refused = await node.request(method, path)
        assert refused.status_code == 405
        assert refused.headers["content-type"] == "application/problem+json"
        assert set(refused.headers["allow"].split(", ")) == {*methods, "OPTIONS"}


async def test_a_search_that_can_not_be_asked_is_told_on_its_page(node):
    for query in ("after=nonsense", "q=%00", "theme=%00"):
        page = await node.get(f"/datasets?{query}", headers=PERSON)
        assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "Das hat nicht geklappt" in page.text
        assert (await node.get(f"/datasets?{query}&format=json")).json()["answers"]["found"]["errors"]


async def test_a_person_is_told_of_what_is_not_there_by_a_page(node):
    page = await node.get("/en/sign-out", headers=PERSON)
    assert (page.status_code, page.headers["content-type"]) == (405, "text/html; charset=utf-8")
    assert page.headers["allow"] == "POST, OPTIONS"


def links(page: str, pattern: str) -> set[str]:
    return {link.replace("&amp;", "&") for link in re.findall(pattern, page)}


async def test_links_of_a_page_lead_to_what_it_shows(node):
    first = await node.get("/en/datasets?order=TITLE_ASC&theme=TRAN&theme=ENVI", headers=PERSON)
    other, twin = r'<a href="([^"]*)" lang="de" hreflang', r'<a href="([^"]*)" rel="nofollow">This page as JSON'
    (german,) = map(urlsplit, links(first.text, other))
    assert german.path == "/datasets"
    assert parse_qs(german.query) == {"order": ["TITLE_ASC"], "theme": ["TRAN", "ENVI"]}
    later = await node.get("/en/datasets?after=x&theme=TRAN", headers=PERSON)
    (told,) = map(urlsplit, links(later.text, twin))
    assert parse_qs(told.query) == {"after": ["x"], "theme": ["TRAN"], "format": ["json"]}
    assert all(link.startswith("/en/explorer") for link in links(first.text, r'href="([^"]*/explorer[^"]*)"'))


async def test_no_path_makes_a_link_of_ours_lead_elsewhere(node):
    for path in ("//evil.example/x", "/en//evil.example/x", "/en/%5C%5Cevil.example", "/en/a%3Fb%23c%22%3E"):
        page = await node.get(str(node.base_url).rstrip("/") + path, headers=PERSON)
        assert page.status_code == 404
        ours = links(page.text, r'href="([^"]*)"')
        assert not {link for link in ours if re.match(r"[/\\]{2}|\w+:", link) and link != "data:,"}
        assert "evil.example" not in path or any("evil.example" in link for link in ours), "it is told as a path"


async def test_what_catalogs_hold_is_shown_and_exported(node, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update dataset set temporal_end = '9999-12-31 23:59:59Z', title = '<b>Rad</b>',"
            " description = '', landing_page = 'https://city.example/?filter[]=rad' where key = 'rad'"
        )
        connection.execute("update dataset set keywords = array[e'Rad\\x0bweg'] where key = 'rad'")
        connection.execute("update distribution set access_url = 'https://city.example/a|b' where position = 0")
        connection.execute("update thing set longitude = null, latitude = null where key = 's1'")
    page = await node.get("/datasets/giessen/rad", headers=PERSON)
    assert page.status_code == 200
    assert "31. Dezember 9999" in page.text
    assert "&lt;b&gt;Rad" in page.text
    assert "<b>Rad" not in page.text
    assert "Rad ein" in page.text, "a datastream without a place"
    for form, kind in (("ttl", RdfFormat.TURTLE), ("rdf", RdfFormat.RDF_XML), ("jsonld", RdfFormat.JSON_LD)):
        answer = await node.get(f"/catalog.{form}")
        assert answer.status_code == 200
        triples = list(parse(answer.content, format=kind))
        told = {str(one.object) for one in triples}
        assert '"Radweg"@de' in told
        descriptions = {one.subject for one in triples if one.predicate.value.endswith("/terms/description")}
        assert "<https://giessen.example/datasets/giessen/rad>" in map(str, descriptions), "DCAT-AP wants one"
        assert {"<https://city.example/?filter%5B%5D=rad>", "<https://city.example/a%7Cb>"} <= told
        if form == "rdf":
            xml.dom.minidom.parseString(answer.content)


async def test_a_tag_that_a_gateway_has_weakened_still_counts(node):
    for path in ("/schema.graphql", "/catalog.ttl"):
        tag = (await node.get(path)).headers["etag"]
        again = await node.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status_code, again.content) == (304, b"")


async def test_what_is_text_names_its_charset_once(node, database_url):
    async with make_pool(database_url, size=1, statement_ms=5_000) as pool:
        link = await Desks(SignInStore(pool)).link("Prüferin", [Role.AUDITOR])
    entered = await node.post("/sign-in", data={"link": link}, follow_redirects=False)
    session = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await node.get("/audit", headers=session)).text)
    exported = await node.post("/audit/export", data={"csrf": csrf[1], "format": "csv"}, headers=session)
    refused = await node.post("/log/witness/add-checkpoint", content=b"nonsense")
    for answer, kind in ((exported, "csv"), (refused, "plain"), (await node.get("/log/counts"), "csv")):
        assert answer.headers["content-type"] == f"text/{kind}; charset=utf-8"
