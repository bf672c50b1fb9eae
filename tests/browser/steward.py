"""The steward's desk in a browser; collected by test_faces.py."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.demo import Demo, localized
from tests.browser.visits import barriers, fits, picture, sign_in, visiting

TREES = "/governance/datasets/baumkataster"
PAGES_OF_STEWARDS = (
    "/governance", "/governance?show=all", TREES, "/governance/assess/kfz-verkehrszaehlung",
    "/governance/agreements", "/governance/agreements/new", "/governance/agreements/of-gi-2026-01",
    "/governance/explain?dataset=offenbach:dataset:kfz-verkehrszaehlung",
)  # fmt: skip
WIDE = {"width": 1200, "height": 900}
OFFER = f"of-gi-{uuid4().hex[:8]}"


@pytest.mark.parametrize("language", ["de", "en"])
async def test_the_desk_of_stewards_has_no_barrier(browser: Browser, demo: Demo, language: str):
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Frau Pflege", "steward")
        for number, path in enumerate(PAGES_OF_STEWARDS):
            assert (await page.goto(localized(path, language))).status == 200
            await barriers(page)
            await fits(page)
            if language == "de":
                await picture(page, f"steward-{number}")


async def test_an_assessment_takes_two_people_and_no_script(browser: Browser, demo: Demo):
    async with visiting(browser, demo, viewport=WIDE, java_script_enabled=False) as page:
        await sign_in(page, demo, "Frau Pflege", "steward")
        await expect(page.get_by_role("heading", name="Arbeitsliste")).to_be_visible()
        await page.get_by_role("link", name="Alle Datensätze").click()
        await page.get_by_role("link", name="Baumkataster").click()
        await page.get_by_role("link", name="Neue Bewertung schreiben").click()
        await page.locator("#personalReference-2").check()
        await page.get_by_label("Anonymisierung").fill("")
        await page.get_by_label("Begründung").fill("")
        await page.get_by_role("textbox", name="Lizenz").fill("")
        await page.get_by_label("Mindestanzahl").first.fill("1")
        await page.get_by_role("button", name="Bewertung schreiben").click()
        await expect(page.get_by_role("alert")).to_contain_text("noch nicht vollständig")
        await expect(page.locator("#obligations-error")).to_contain_text("nicht lesbar")
        await page.get_by_label("Mindestanzahl").first.fill("")
        await page.get_by_role("button", name="Bewertung schreiben").click()
        for field in ("reason", "licence", "anonymisation", "obligations"):
            await expect(page.locator(f"#{field}-error")).to_be_visible()
            await expect(page.get_by_role("alert").locator(f'a[href="#{field}"]')).to_be_visible()
        await expect(page.get_by_label("Begründung")).to_have_attribute("aria-invalid", "true")
        await picture(page, "steward-flaws")
        await page.get_by_label("Begründung").fill("Straßenbäume ohne Namen")
        await page.get_by_role("textbox", name="Lizenz").fill("dl-zero-de/2.0")
        await page.get_by_label("Anonymisierung").fill("Namen der Paten entfernt")
        await page.get_by_label("Mindestanzahl").first.fill("5")
        await page.get_by_role("button", name="Bewertung schreiben").click()
        await expect(page.get_by_text("Die Bewertung ist geschrieben.")).to_be_visible()
        await expect(page.get_by_text("Eine zweite Person gibt sie frei.")).to_be_visible()
        version = (await page.get_by_role("heading", name="Wartet auf Freigabe").inner_text()).split()[-1]
        assert await page.get_by_role("button", name="freigeben").count() == 0
        cookie, csrf = await demo.session("Frau Pflege", "steward")
        refused = await demo.post(TREES, cookie, csrf=csrf, act="sign-off", version=version)
        assert refused.status == 422
        assert "eine zweite Person gibt sie frei" in refused.text
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Herr Schutz", "steward")
        await page.get_by_role("link", name="wartet auf Freigabe").click()
        await page.get_by_role("link", name="Baumkataster").click()
        await expect(page.get_by_text("bisher:").first).to_be_visible()
        await barriers(page)
        await picture(page, "steward-sign-off")
        await page.get_by_role("button", name=f"Fassung {version} freigeben").click()
        await expect(page.get_by_text("Die Bewertung ist freigegeben")).to_be_visible()
        await expect(page.get_by_text("freigegeben von Herr Schutz")).to_be_visible()


async def test_a_dataset_is_taken_back_by_one_person_with_a_reason(browser: Browser, demo: Demo):
    path = "/governance/datasets/bebauungsplaene"
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Frau Pflege", "steward")
        await page.goto(path)
        await page.get_by_text("Zurücknehmen", exact=True).click()
        await page.get_by_role("button", name="Jetzt zurücknehmen").click()
        await expect(page.locator("#reason-error")).to_contain_text("füllen Sie das aus")
        await page.get_by_label("Begründung").fill("Fehler im Bestand")
        await page.get_by_role("button", name="Jetzt zurücknehmen").click()
        await expect(page.get_by_text("zurückgenommen und wieder intern")).to_be_visible()
    assert (await demo.get("/datasets/offenbach/bebauungsplaene")).status == 404


async def test_two_cities_agree_at_their_desks_and_one_revokes(browser: Browser, demo: Demo):
    giessen = demo.at("giessen")
    async with visiting(browser, demo, viewport=WIDE) as ours, visiting(browser, giessen, viewport=WIDE) as theirs:
        await sign_in(ours, demo, "Frau Pflege", "steward")
        await ours.goto("/governance/agreements/new?dataset=passantenfrequenz")
        await ours.get_by_role("button", name="Unterschreiben und anbieten").click()
        await expect(ours.locator("#validUntil-error")).to_be_visible()
        await offer(ours, until="2027-01-01")
        for field in ("id", "purposes"):
            await expect(ours.locator(f"#{field}-error"), field).to_have_count(int(field == "purposes"))
        await ours.get_by_label("Forschung").check()
        await offer(ours, until="2026-01-01")
        await expect(ours.locator("#validUntil-error")).to_contain_text("nach dem Anfang")
        await offer(ours, until="2027-06-01")
        await expect(ours.get_by_text("Das Angebot ist unterschrieben")).to_be_visible()
        await expect(ours.get_by_text("Zwecke: Forschung.")).to_be_visible()
        await expect(ours.get_by_text("Purposes: Scientific research.")).to_be_visible()

        await sign_in(theirs, giessen, "Herr Gegenüber", "steward")
        await theirs.get_by_role("link", name="Vereinbarungen").click()
        await theirs.get_by_role("link", name=OFFER).click()
        await barriers(theirs)
        await theirs.get_by_role("button", name="Angebot annehmen").click()
        await expect(theirs.get_by_text("Die Vereinbarung ist angenommen.")).to_be_visible()

        await ours.goto("/governance/agreements")
        await expect(ours.get_by_role("row", name=OFFER)).to_contain_text("gilt")
        await ours.get_by_role("link", name=OFFER).click()
        await ours.get_by_text("Widerrufen", exact=True).click()
        await ours.get_by_role("button", name="Jetzt widerrufen").click()
        await expect(ours.locator("#sure-error")).to_be_visible()
        await ours.get_by_label("Ich widerrufe diese Vereinbarung.").check()
        await ours.get_by_role("button", name="Jetzt widerrufen").click()
        await expect(ours.get_by_text("Die Vereinbarung ist widerrufen.")).to_be_visible()
        await theirs.reload()
        await expect(theirs.get_by_role("list", name="Angaben")).to_contain_text("widerrufen")


async def offer(page: Page, until: str) -> None:
    await page.get_by_label("Kennung").fill(OFFER)
    await page.get_by_label("Stadt", exact=True).select_option("giessen")
    await page.get_by_label("Gültig ab").fill("2026-11-01")
    await page.get_by_label("Gültig bis vor").fill(until)
    await page.get_by_role("button", name="Unterschreiben und anbieten").click()


async def test_rules_are_explained_for_oneself_and_for_others(browser: Browser, demo: Demo):
    async with visiting(browser, demo, viewport=WIDE) as page:
        await sign_in(page, demo, "Frau Pflege", "steward")
        await page.goto("/governance/explain?dataset=offenbach:dataset:kfz-verkehrszaehlung")
        await expect(page.get_by_role("article")).to_contain_text("anonymous-open-only")
        await page.get_by_label("diese Anwendung:").check()
        await page.get_by_label("Stadt", exact=True).select_option("giessen")
        await page.get_by_label("Anwendung", exact=True).fill("verkehrsportal")
        await page.get_by_label("Zweck").select_option("traffic-planning")
        await page.get_by_role("button", name="Erklären").click()
        await expect(page.get_by_role("article").get_by_role("heading")).to_contain_text("erlaubt")
        await page.get_by_text("Alle Wege und Regeln").click()
        await expect(page.get_by_text("mit der Vereinbarung of-gi-2026-01")).to_be_visible()
        await barriers(page)
        await page.get_by_label("ich selbst").check()
        await page.get_by_role("button", name="Erklären").click()
        await expect(page.get_by_role("article").get_by_role("heading")).to_contain_text("erlaubt")


async def test_the_desk_is_for_stewards_and_forms_are_for_its_own_pages(demo: Demo):
    auditor, _ = await demo.session("Frau Prüfung", "auditor")
    assert (await demo.get("/governance", Cookie=auditor)).status == 403
    steward, csrf = await demo.session("Frau Pflege", "steward")
    other, foreign = await demo.session("Herr Schutz", "steward")
    assert (await demo.get("/audit", Cookie=steward)).status == 403
    act = {"act": "withdraw", "reason": "x"}
    assert (await demo.post(TREES, **act, csrf=csrf)).status == 401
    assert (await demo.post(TREES, steward, **act)).status == 403
    assert (await demo.post(TREES, steward, **act, csrf=foreign)).status == 403
    assert (await demo.post(TREES, auditor, **act, csrf=csrf)).status == 403
    assert (await demo.get("/datasets/offenbach/baumkataster")).status == 200
    twin = (await demo.get("/governance?show=all&format=json", Cookie=other)).json
    assert {row["dataset"] for row in twin["answers"]["found"]["data"]["worklist"]} > {"offenbach:dataset:baumkataster"}
