"""The auditor's desk in a browser; collected by test_faces.py."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.visits import barriers, picture, visiting


async def test_an_auditor_signs_in_once_and_checks_a_record(browser, demo):
    await demo.ask("{ datasets(first: 1) { nodes { id } } }")
    link = await demo.desk_link("Frau Beispiel")
    async with visiting(browser, demo, viewport={"width": 1200, "height": 900}) as page:
        await page.goto("/audit?q=decision:deny")
        await expect(page.get_by_role("heading", name="Bitte anmelden")).to_be_visible()
        await page.goto(link)
        await page.get_by_role("button", name="Jetzt anmelden").click()
        await expect(page.get_by_role("heading", name="Zugriffe")).to_be_visible()
        [cookie] = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        await page.get_by_role("link", name="role:owner").click()
        assert page.url.endswith("/audit?q=role%3Aowner")
        await barriers(page)
        await picture(page, "audit")
        await page.get_by_role("region", name="Verlauf").get_by_role("link").first.click()
        held = page.get_by_text("Der Eintrag steht unverändert im Protokoll.")
        for _ in range(50):  # the sequencer takes a moment
            await page.get_by_role("button", name="Nachweis jetzt prüfen").click()
            if await held.count():
                break
        await expect(held.first).to_be_visible()
        await barriers(page)
        await picture(page, "audit-trace")
        await page.goto("/audit?q=colour:red")
        await expect(page.get_by_text("Der Filter ist nicht lesbar")).to_be_visible()
        await page.get_by_role("button", name="Abmelden").click()
        await page.goto("/audit")
        await expect(page.get_by_role("heading", name="Bitte anmelden")).to_be_visible()
        await page.goto(link)
        await page.get_by_role("button", name="Jetzt anmelden").click()
        await expect(page.get_by_role("heading", name="Anmeldung nicht möglich")).to_be_visible()


async def test_nobody_gets_to_a_desk_by_guessing(demo):
    link = await demo.desk_link("x")
    token = link.partition("?link=")[2]
    assert (await demo.post("/sign-in", link=token[:-1] + "_")).status == 403  # which ends the link
    assert (await demo.post("/sign-in", link=token)).status == 403
    assert (await demo.get("/audit")).status == 401
    assert (await demo.get("/audit?format=json")).json == {"page": "/audit", "code": "UNAUTHENTICATED", "answers": {}}
    assert (await demo.post("/sign-out", csrf="x")).status == 403
