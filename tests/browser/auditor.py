"""The auditor's desk in a browser; collected by test_faces.py."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from node.audit.verify import verify_bundle
from tests.browser.demo import Demo
from tests.browser.visits import barriers, drawn, fits, picture, ready, sign_in, visiting

WIDE = {"width": 1200, "height": 900}
SHARED = '{ dataset(id: "offenbach:dataset:kfz-verkehrszaehlung") { id } }'
ACROSS = '{ datasets(cities: ["fulda"], first: 1) { nodes { id } } }'


async def any_trace(page: Page) -> str:
    """The trace of the first record that the page shows."""
    return str(await page.locator('a[href*="/audit/traces/"]').first.get_attribute("href")).rpartition("/")[2]


async def until(page: Page, found) -> None:
    """Look again until it is there: the sequencer takes a moment."""
    for _ in range(50):
        if await found.count():
            break
        await page.wait_for_timeout(200)
        await page.reload()
    await expect(found.first).to_be_visible()


async def test_an_auditor_signs_in_once_and_checks_a_record_with_both_sides(browser: Browser, demo: Demo):
    await demo.ask(ACROSS)
    link = await demo.desk_link("Frau Beispiel")
    async with visiting(browser, demo, viewport=WIDE) as page:
        await page.goto("/audit?q=decision:deny")
        await expect(page.get_by_role("heading", name="Bitte anmelden")).to_be_visible()
        await barriers(page)
        await page.goto(link)
        await barriers(page)
        await page.get_by_role("button", name="Jetzt anmelden").click()
        await expect(page.get_by_role("heading", name="Zugriffe", exact=True)).to_be_visible()
        [cookie] = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        await page.get_by_role("link", name="role:consumer").click()
        assert page.url.endswith("/audit?q=role%3Aconsumer")
        row = page.get_by_role("region", name="Einträge").get_by_role("row", name=re.compile("fulda"))
        await row.get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name="Diese Stadt hat Fulda gefragt")).to_be_visible()
        await expect(page.get_by_role("heading", name="Gegenseite: Fulda")).to_be_visible()
        await expect(page.get_by_text("Quittung, von der anderen Stadt unterschrieben")).to_be_visible()
        held = page.get_by_text("Der Eintrag steht unverändert im Protokoll.")
        await page.get_by_role("button", name="Nachweis jetzt prüfen").click()
        await until(page, held)
        await expect(page.get_by_text(re.compile(r"1 Eintrag, der mit unserem\s+übereinstimmt"))).to_be_visible()
        digests = await page.get_by_text(re.compile("^[0-9a-f]{64}$")).all_inner_texts()
        assert any(digests.count(one) == 2 for one in digests), "the same answer's hash on both sides"
        await barriers(page)
        await fits(page)
        await picture(page, "audit-trace")
        await page.goto("/audit?q=colour:red")
        await expect(page.get_by_text("Der Filter ist nicht lesbar")).to_be_visible()
        await expect(page.get_by_role("table")).to_have_count(0)
        await page.get_by_role("button", name="Abmelden").click()
        await page.goto("/audit")
        await expect(page.get_by_role("heading", name="Bitte anmelden")).to_be_visible()
        await page.goto(link)
        await page.get_by_role("button", name="Jetzt anmelden").click()
        await expect(page.get_by_role("heading", name="Anmeldung nicht möglich")).to_be_visible()
        await barriers(page)


@pytest.mark.parametrize("language", ["de", "en"])
async def test_denials_and_times_are_seen_at_a_glance(browser: Browser, demo: Demo, language: str):
    prefix = "" if language == "de" else "/en"
    await demo.ask(SHARED)
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Frau Beispiel")
        await page.goto(f"{prefix}/audit")
        denials = page.locator(".denials a")
        await until(page, denials.filter(has_text="anonymous-open-only"))
        await ready(page, page.url)
        assert await drawn(page.locator("figure[data-chart] canvas")) > 50
        await barriers(page)
        await fits(page)
        await picture(page, f"audit-{language}")
        figure = page.locator("figure[data-chart]")
        assert "- img" in await figure.aria_snapshot()
        tree = await figure.locator(".table").aria_snapshot()
        twin = (await page.evaluate("fetch(location.pathname + '?format=json').then((told) => told.json())"))[
            "timeline"
        ]
        rows = await figure.locator(".table tbody tr").all_inner_texts()
        assert len(rows) == len(twin) == 31
        assert len(re.findall(r"- row[ :]", tree)) == 1 + 31
        today = [int(re.sub(r"\D", "", cell)) for cell in rows[0].split("\t")[1:]]
        assert today[0] > 0
        assert today[1] > 0
        await denials.filter(has_text="anonymous-open-only").first.click()
        told = page.locator("main .table").last.locator("tbody tr")
        assert await told.count() > 0
        word = {"de": "abgelehnt", "en": "denied"}[language]
        assert all(word in text for text in await told.all_inner_texts())
        await page.goto(f"{prefix}/audit")
        await page.locator("figure[data-chart] .table tbody a").first.click()
        await expect(page.locator("figure[data-chart]")).to_have_attribute("data-step", "hour")
        for path in ("/audit/reconcile?city=fulda", f"/audit/traces/{await any_trace(page)}?check=1"):
            await page.goto(prefix + path)
            await barriers(page)
        await page.goto(f"{prefix}/audit?q=subject:nobody")
        assert await page.locator("figure[data-chart]").count() == 0


async def test_what_is_taken_out_holds_and_is_recorded(demo: Demo, tmp_path):
    await demo.ask(ACROSS)
    cookie, csrf = await demo.session("Frau Beispiel")
    asked = {"csrf": csrf, "q": "role:consumer"}
    told = await demo.post("/audit/export", cookie, **asked, format="jsonl")
    assert told.headers["Content-Disposition"].startswith('attachment; filename="offenbach-access-')
    records = [json.loads(line) for line in told.text.splitlines()]
    assert {record["role"] for record in records} == {"CONSUMER"}
    rows = list(csv.DictReader(io.StringIO((await demo.post("/audit/export", cookie, **asked, format="csv")).text)))
    assert [row["leaf"] for row in rows][: len(records)] == [record["leaf"] for record in records]
    parquet = (await demo.post("/audit/export", cookie, **asked, format="parquet")).body
    assert parquet[:4] == parquet[-4:] == b"PAR1"
    for _ in range(50):  # a quorum of witnesses takes a moment
        bundle = await demo.post("/audit/export", cookie, **asked, format="bundle")
        if bundle.status == 200 and json.loads(gzip.decompress(bundle.body).splitlines()[0])["records"]:
            break
    file = tmp_path / "bundle.jsonl.gz"
    file.write_bytes(bundle.body)
    assert verify_bundle(file, log_key=None, witness_keys=()).records > 0
    for action, count in (("export", 3), ("prove", 1)):
        query = f"/audit?q=action:operator:log:{action}&format=json"
        nodes = (await demo.get(query, Cookie=cookie)).json["answers"]["found"]["data"]["accessLog"]["nodes"]
        assert len(nodes) >= count
        assert {(one["callerCity"], one["application"]) for one in nodes} == {("offenbach", "desk")}
    assert (await demo.post("/audit/export", cookie, csrf=csrf, q="colour:red", format="csv")).status == 409
    assert (await demo.post("/audit/export", cookie, csrf=csrf, format="exe")).status == 409
    assert (await demo.post("/audit/export", cookie, q="", format="csv")).status == 403


async def test_both_logs_are_laid_side_by_side(browser: Browser, demo: Demo):
    await demo.ask(ACROSS)
    async with visiting(browser, demo, viewport=WIDE, java_script_enabled=False) as page:
        await sign_in(page, demo, "Frau Beispiel")
        await page.get_by_role("link", name="Abgleich mit anderen Städten").click()
        await page.get_by_label("Stadt", exact=True).select_option("fulda")
        await page.get_by_role("button", name="Abgleichen").click()
        await expect(page.get_by_text("Keine Abweichungen.")).to_be_visible()
        await page.goto("/audit/reconcile?city=fulda&from=2026-11-26T10:00&until=2026-11-26T09:00")
        await expect(page.get_by_text("Das Ende muss nach dem Anfang liegen")).to_be_visible()
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Frau Beispiel")
        await page.goto("/audit/reconcile?city=giessen")
        await barriers(page)
        await fits(page)
        await picture(page, "audit-reconcile")


async def test_nobody_gets_to_a_desk_by_guessing(demo: Demo):
    link = await demo.desk_link("x")
    token = link.partition("?link=")[2]
    assert (await demo.post("/sign-in", link=token[:-1] + "_")).status == 403  # which ends the link
    assert (await demo.post("/sign-in", link=token)).status == 403
    assert (await demo.get("/audit")).status == 401
    assert (await demo.get("/audit?format=json")).json == {"page": "/audit", "code": "UNAUTHENTICATED", "answers": {}}
    assert (await demo.post("/sign-out", csrf="x")).status == 403
