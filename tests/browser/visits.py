"""A visitor with a browser: what may be loaded, what is said, what axe finds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Locator, Page

from tests.browser.demo import Demo
from tests.conftest import REPOSITORY

AXE = REPOSITORY / ".assets" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = REPOSITORY / "artifacts" / "browser"


@asynccontextmanager
async def visiting(browser: Browser, demo: Demo, **options) -> AsyncIterator[Page]:
    """A page of a new visitor that may load nothing from elsewhere and has nothing to complain about."""
    context = await browser.new_context(base_url=demo.url, **options)
    context.set_default_timeout(30_000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not _own(asked.url, demo) else None)
    try:
        yield page
        # a page that is not there, or a form with flaws, is told as an error of the browser's own
        assert [said for said in complaints if not re.search("status of (40[0134]|422|503)", said)] == []
    finally:
        await context.close()


def _own(url: str, demo: Demo) -> bool:
    return url.startswith((demo.url + "/", "data:", "blob:"))


def name_of(path: str) -> str:
    """What a page's pictures are called."""
    return re.sub(r"\W+", "-", path).strip("-") or "home"


async def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


async def ready(page: Page, path: str) -> None:
    await page.goto(path, wait_until="load")
    if path.endswith("/explorer"):
        await page.wait_for_selector("#explorer .view-line")
        await page.wait_for_selector("#explorer .graphiql-sidebar")
    for drawn in await page.query_selector_all("figure[data-chart] .canvas, figure[data-map] .canvas"):
        await drawn.evaluate("node => node.parentElement.scrollIntoView()")
        await drawn.wait_for_element_state("visible")


async def drawn(canvas: Locator) -> int:
    """How many points of a canvas have been drawn on."""
    script = """node => new Uint32Array(
      node.getContext('2d').getImageData(0, 0, node.width, node.height).data.buffer).filter(Boolean).length"""
    return int(await canvas.evaluate(script))


async def in_scheme(page: Page, scheme: str) -> None:
    """The page in the colours of a scheme, once it has settled: axe measures what is painted in that moment."""
    await page.emulate_media(color_scheme=scheme)
    await page.evaluate("""Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))""")


async def barriers(page: Page, *schemes: str) -> None:
    """No violation that axe finds, on the page as it is, in either colour scheme."""
    await page.evaluate(AXE.read_text())
    for scheme in schemes or ("light", "dark"):
        await in_scheme(page, scheme)
        told = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found = [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in told["violations"]]
        assert found == [], (page.url, scheme)
    await page.emulate_media(color_scheme="light")


async def fits(page: Page) -> None:
    """The page is no wider than 320 pixels, if the window is not; a chart follows its box."""
    before = page.viewport_size
    await page.set_viewport_size({"width": 320, "height": 640})
    assert await page.evaluate("document.documentElement.scrollWidth") == 320, page.url
    within = "[...document.querySelectorAll('.canvas.chart')].every((box) => box.scrollWidth <= box.clientWidth)"
    await page.wait_for_function(within)
    await page.set_viewport_size(before)


async def sign_in(page: Page, demo: Demo, person: str, *roles: str) -> None:
    """By a one-time link."""
    await page.goto(await demo.desk_link(person, *roles))
    await page.locator("main").get_by_role("button").click()
