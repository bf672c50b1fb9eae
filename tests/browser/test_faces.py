"""The faces on the four-city demo, in a real browser: one file, so that one demo and one browser do for all."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time

import pytest
from playwright.async_api import expect

from node.auth.keys import load_signing_key
from node.auth.token_client import obtain_token
from node.web.texts import examples
from tests.browser.auditor import *  # noqa: F403 - one demo and one browser do for all
from tests.browser.demo import DATASET, HOME, PAGES, localized
from tests.browser.steward import *  # noqa: F403
from tests.browser.visits import AXE, barriers, drawn, in_scheme, name_of, picture, ready, visiting

FIRST_VIEW = 100_000  # bytes, compressed, without fonts
LOG = "query ($trace: String!) { accessLog(filter: {traceIds: [$trace]}) { nodes { role field document rows } } }"


@pytest.mark.parametrize("language", ["de", "en"])
async def test_no_page_has_a_barrier_that_axe_finds(browser, demo, language):
    found = {}
    async with visiting(browser, demo, viewport={"width": 1200, "height": 900}) as page:
        for path in PAGES:
            await ready(page, localized(path, language))
            assert await page.get_attribute("html", "lang") == language
            await page.evaluate(AXE.read_text())
            for scheme in ("light", "dark"):
                await in_scheme(page, scheme)
                if path == "/explorer" and scheme == "dark":  # the editor takes its colours when it starts
                    await ready(page, localized(path, language))
                    await page.evaluate(AXE.read_text())
                rules = None if scheme == "light" or path == "/explorer" else ["color-contrast"]
                options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
                told = await page.evaluate("options => axe.run(document, options)", options)
                if language == "de":
                    await picture(page, f"{name_of(path)}-{scheme}")
                for one in told["violations"]:
                    found[path, scheme, one["id"]] = [node["target"] for node in one["nodes"]][:3]
            await page.emulate_media(color_scheme="light")
    assert found == {}


async def test_every_page_fits_a_narrow_screen(browser, demo):
    wide = {}
    async with visiting(browser, demo, viewport={"width": 320, "height": 640}, color_scheme="dark") as page:
        for path in PAGES:
            await ready(page, path)
            wide[path] = await page.evaluate("document.documentElement.scrollWidth")
            await picture(page, f"{name_of(path)}-narrow")
    assert set(wide.values()) == {320}, wide


async def test_a_citizen_finds_a_dataset_and_sees_its_week(browser, demo):
    async with visiting(browser, demo, viewport={"width": 1200, "height": 900}) as page:
        await page.goto("/")
        await expect(page.get_by_text("kein Angebot der Stadt")).to_be_visible()
        await picture(page, "home")
        await page.get_by_label("Daten suchen").fill("radverkehr")
        await page.get_by_label("Daten suchen").press("Enter")
        await expect(page.get_by_text("Alle 4 Städte haben geantwortet.")).to_be_visible()
        await page.get_by_role("complementary").get_by_role("link", name="Fulda").click()
        await expect(page.get_by_role("heading", name="1 Datensatz")).to_be_visible()
        await picture(page, "search")
        await page.get_by_role("link", name="Radverkehrszählung").click()
        await ready(page, page.url)
        assert await page.locator("figure[data-chart] canvas").count() == 1
        rows = await page.locator("figure[data-chart] .table tbody tr").all()
        assert len(rows) == 7 * 24 // 3 + 1  # a week that begins between two buckets
        shown = page.locator("figure[data-chart] td[data-value]")
        values = [await one.get_attribute("data-value") for one in await shown.all()]
        assert len([value for value in values if value]) > 100  # this week and the one a year before
        assert await page.locator("figure[data-map] .leaflet-interactive").count() == 4
        await picture(page, "dataset")
        await page.emulate_media(media="print")
        assert not await page.get_by_role("navigation", name="Hauptnavigation").is_visible()
        await page.emulate_media(media="screen")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"


async def test_what_a_chart_or_a_map_shows_is_in_a_table(browser, demo):
    async with visiting(browser, demo) as page:
        await ready(page, DATASET)
        tree = await page.locator("main").aria_snapshot()
        twin = (await demo.get(DATASET + "?format=json")).json["answers"]
        (group,) = twin["week"]["data"]["aggregate"]["groups"]
        shown = await page.locator("figure[data-chart] .table tbody tr").evaluate_all(
            "rows => rows.map((row) => [row.querySelector('time').dateTime,"
            " ...[...row.querySelectorAll('[data-value]')].map((cell) => cell.dataset.value)])"
        )
        told = [[one["start"], one["sum"], (one["previous"] or {}).get("sum")] for one in group["buckets"]]
        assert [[at, *map(_number, values)] for at, *values in shown] == told
        assert await drawn(page.locator("figure[data-chart] canvas")) > 1_000
        places = {one["thing"]["id"] for one in twin["found"]["data"]["dataset"]["datastreams"]["nodes"]}
        assert await page.locator("figure[data-map] tbody tr").count() == len(places)
        assert await page.locator("figure[data-map] .leaflet-interactive").count() == len(places)
        for figure in await page.locator("figure").all():
            assert re.search(r"- table", await figure.aria_snapshot()), await figure.aria_snapshot()
        assert "Verlauf der letzten Woche; die Werte stehen in der Tabelle darunter." in tree
        for place in ("Leipziger Straße", "Bardostraße", "Fuldaaue", "Heinrichstraße"):
            assert re.search(rf'- row "{place} \(Demo\) 50,\d+° 9,\d+°"', tree), place
        assert re.search(r'- row "Fr\., 30\.10\., 15:00 [\d.]+ [\d.]+"', tree), tree


async def test_names_are_text_on_a_map_and_maps_do_without_storage(browser, demo):
    async def hostile(route):
        told = await route.fetch()
        await route.fulfill(
            response=told, body=(await told.text()).replace("Fuldaaue", "&lt;i id=evil&gt;Fuldaaue&lt;/i&gt;")
        )

    async with visiting(browser, demo) as page:
        await page.add_init_script(
            "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException() }})"
        )
        await page.route(f"**{DATASET}", hostile)
        await ready(page, DATASET)
        await expect(page.locator(".leaflet-tooltip", has_text="<i id=evil>Fuldaaue</i>")).to_have_count(1)
        assert await page.locator("#evil").count() == 0
        await page.get_by_role("button", name="Dunkle Darstellung").click()
        assert await page.get_attribute("html", "data-kern-theme") == "dark"


async def test_the_explorers_editors_are_left_by_the_tab_key(browser, demo):
    async with visiting(browser, demo) as page:
        await ready(page, "/explorer")
        await page.locator("#explorer .graphiql-query-editor .view-line").first.click()
        inside = "document.activeElement.closest('.monaco-editor') !== null"
        assert await page.evaluate(inside)
        await page.keyboard.press("Tab")
        assert not await page.evaluate(f"{inside} && document.activeElement.closest('.graphiql-query-editor') !== null")


async def test_pages_do_without_scripts(browser, demo):
    async with visiting(browser, demo, java_script_enabled=False) as page:
        await page.goto("/datasets")
        await page.get_by_label("Suchbegriff").fill("pegel")
        await page.get_by_role("button", name="Suchen").click()
        await page.get_by_role("link", name="Pegelstände Fulda").click()
        await expect(page.get_by_role("heading", level=1, name="Pegelstände Fulda")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/datasets", DATASET, "/cities"])
async def test_a_first_view_is_small(browser, demo, path):
    async with visiting(browser, demo) as page:
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        kinds, sizes = {}, {}
        session.on("Network.responseReceived", lambda told: kinds.update({told["requestId"]: told["type"]}))
        session.on("Network.loadingFinished", lambda told: sizes.update({told["requestId"]: told["encodedDataLength"]}))
        await page.goto(path, wait_until="networkidle")
        weight = sum(size for request, size in sizes.items() if kinds.get(request) != "Font")
    assert 20_000 < weight < FIRST_VIEW


async def test_a_choice_of_colours_stays(browser, demo):
    async with visiting(browser, demo, color_scheme="light") as page:
        await page.goto("/imprint")
        await page.get_by_role("button", name="Dunkle Darstellung").click()
        await page.goto("/privacy")
        assert await page.get_attribute("html", "data-kern-theme") == "dark"
        await expect(page.get_by_role("button", name="Dunkle Darstellung")).to_have_attribute("aria-pressed", "true")


async def test_the_explorer_works_at_once(browser, demo):
    async with visiting(browser, demo, viewport={"width": 1280, "height": 900}) as page:
        await ready(page, "/explorer")
        for tool in ("Show Documentation Explorer", "Show History", "Show GraphiQL Explorer"):
            await expect(page.get_by_role("button", name=tool)).to_be_visible()
        await page.get_by_role("button", name=re.compile("Execute query")).click()
        report = page.locator("#explorer-report")
        await expect(report.get_by_role("row")).to_have_count(5)
        await expect(report).to_contain_text("Kosten")
        await expect(report).to_contain_text("vollständig")
        await page.get_by_role("button", name="Als curl kopieren").click()
        copied = page.locator("#copied")
        await expect(copied).to_contain_text("curl -s")
        done = await asyncio.create_subprocess_shell(await copied.inner_text(), stdout=asyncio.subprocess.PIPE)
        assert json.loads((await done.communicate())[0])["data"]["datastreams"]["federation"]["complete"]
        await page.get_by_role("button", name="Als Python kopieren").click()
        await expect(copied).to_contain_text("urllib.request")
        program = await asyncio.create_subprocess_exec(
            "python3", "-c", await copied.inner_text(), stdout=asyncio.subprocess.PIPE
        )
        assert json.loads((await program.communicate())[0])["data"]["datastreams"]["nodes"]
        await barriers(page)
        await picture(page, "explorer")


async def test_the_explorer_asks_with_a_token(browser, demo):
    key = load_signing_key(demo.made.key_file(HOME, "verkehrsportal"))
    access = await obtain_token(demo.url, "verkehrsportal", key, "traffic-planning", None)
    query = '{ dataset(id: "giessen:dataset:kfz-verkehrszaehlung") { title tier } }'
    async with visiting(browser, demo) as page:
        await page.goto("/explorer?query=" + query.replace(" ", "%20").replace('"', "%22"))
        await page.wait_for_selector("#explorer .view-line")
        await page.get_by_role("button", name="Token eingeben").click()
        held = {"token": access.token, "key": access.key.private_jwk, "nonce": access.nonce}
        await page.get_by_label("Ausgabe des Befehls").fill(json.dumps(held))
        await page.get_by_role("button", name="Verwenden").click()
        await expect(page.get_by_text("Sie fragen mit Ihrem Token.")).to_be_visible()
        await page.get_by_role("button", name=re.compile("Execute query")).click()
        await expect(page.locator(".graphiql-response")).to_contain_text("SHARED")


async def test_a_city_that_says_nothing_costs_its_own_rows_only(browser, demo):
    silent = demo.nodes["wetzlar"]
    os.killpg(silent._process.pid, signal.SIGSTOP)
    try:
        async with visiting(browser, demo) as page:
            await page.goto("/datasets?q=verkehr")
            await expect(page.get_by_text("Wetzlar hat nicht rechtzeitig geantwortet.")).to_be_visible()
            assert await page.locator(".hit").count() > 3
            await page.goto("/datasets/wetzlar/radverkehrszaehlung")
            await expect(page.get_by_role("heading", name="Wetzlar antwortet nicht")).to_be_visible()
            await page.goto("/cities")
            await expect(page.get_by_role("row", name=re.compile("Wetzlar"))).to_contain_text("rechtzeitig")
            await picture(page, "status-gap")
        late = demo.made.settings[HOME].limits.page_ms / 1000
        for path in ("/", "/datasets", "/datasets/wetzlar/radverkehrszaehlung", "/cities", "/cities/wetzlar"):
            started = time.monotonic()
            got = await demo.get(path)
            # four times the deadline, for slow machines: without one a page would wait for ever
            assert time.monotonic() - started < 4 * late, path
            assert re.search("nicht rechtzeitig|antwortet nicht", got.text), path
    finally:
        os.killpg(silent._process.pid, signal.SIGCONT)


async def test_every_page_has_a_twin_and_the_headers_of_its_kind(demo):
    for path in PAGES:
        html = await demo.get(path)
        assert html.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
        assert ("unsafe" in html.headers["Content-Security-Policy"]) == (path == "/explorer")
        assert "Bundesrepublik" not in html.text
        twin = await demo.get(path + ("&" if "?" in path else "?") + "format=json")
        assert twin.headers["Content-Type"].startswith("application/")
        assert twin.status == html.status
        assert twin.json
    assert (await demo.get("/cities", accept="application/json")).json["members"][0]["id"]


async def test_the_twin_is_the_answer_that_the_page_shows_and_its_query_gives_the_same(demo):
    twin = (await demo.get(DATASET + "?format=json")).json["answers"]["found"]
    assert twin["data"]["dataset"]["title"] == "Radverkehrszählung"
    answer = await demo.ask(twin["operation"], **twin["variables"])
    assert answer["data"] == twin["data"]


async def test_a_view_that_reads_is_recorded(demo):
    trace = (await demo.get(DATASET + "?format=json")).json["answers"]["found"]["traceId"]
    access = await obtain_token(
        demo.url, "pruefstelle", load_signing_key(demo.made.key_file(HOME, "pruefstelle")), None, None
    )
    answer = await demo.ask(LOG, access, trace=trace)
    [record] = answer["data"]["accessLog"]["nodes"]
    assert (record["role"], record["field"]) == ("CONSUMER", "dataset")
    assert record["document"].startswith("query Dataset(")


@pytest.mark.parametrize("name", sorted(examples()))
async def test_the_examples_of_the_guide_work(demo, name):
    answer = await demo.ask(examples()[name])
    assert "errors" not in answer
    assert (await demo.get("/docs")).text.count(f'id="{name}"') == 1
    for told in answer["data"].values():
        assert told


async def test_what_is_unknown_or_hidden_is_not_found(demo):
    hidden = await demo.get("/datasets/giessen/kfz-verkehrszaehlung")
    unknown = await demo.get("/datasets/giessen/nothing")
    assert hidden.status == unknown.status == 404
    assert _without_paths(hidden.text) == _without_paths(unknown.text)
    assert (await demo.get("/nothing", accept="*/*")).headers["Content-Type"] == "application/problem+json"


async def test_assets_are_kept_for_ever(demo):
    page = (await demo.get("/imprint")).text
    for name in set(re.findall(r"/static/[\w.-]+", page)):
        got = await demo.get(name, accept="*/*", Accept_Encoding="br")
        assert "immutable" in got.headers["Cache-Control"]
    assert (await demo.get("/static/manifest.json", accept="*/*")).status == 404
    assert (await demo.get("/static/..%2Fpages.py", accept="*/*")).status == 404


def _number(text: str) -> float | None:
    return float(text) if text else None


def _without_paths(html: str) -> str:
    return re.sub(r"/datasets/giessen/[\w-]+", "", html)
