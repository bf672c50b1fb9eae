"""A Chromium, and the four-city demo on free ports, for the tests of the pages."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from playwright.async_api import Browser, async_playwright

from node.demo.cities import CITIES
from node.demo.run import running
from node.demo.setup import prepare
from node.store.embedded import embedded_postgres
from node.web.static_files import StaticFiles
from tests.browser.demo import Demo
from tests.federation.cities import free_port

pytest.register_assert_rewrite("tests.browser.auditor", "tests.browser.steward", "tests.browser.visits")
DAYS = 8
# the same week a year before, so that there is something to compare with
YEAR_BEFORE = """
create table if not exists observation_y2025 partition of observation
  for values from ('2025-01-01 00:00+00') to ('2026-01-01 00:00+00');
insert into observation
select datastream_id, phenomenon_time - interval '364 days', phenomenon_end - interval '364 days', result, quality
  from observation where phenomenon_time >= '2026-10-24 00:00+00';
"""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    found = os.environ.get("VERBUND_TEST_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("there is no Chromium: `make browser` installs Debian's, VERBUND_TEST_CHROMIUM names another one")
    return found


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """The running demo, with a few days of observations."""
    if not StaticFiles().built:
        pytest.fail("the pages' assets are not built: run `make assets`")
    with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
        cities = [replace(city, port=free_port()) for city in CITIES]
        made = prepare(Path(directory), cities, days=DAYS, anchor_port=free_port())
        with (
            embedded_postgres(made.settings["fulda"].postgres_directory) as url,
            psycopg.connect(url) as connection,
        ):
            connection.execute(YEAR_BEFORE)
        with running(made) as nodes:
            yield Demo(made, nodes)


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One browser for all tests; each test has contexts of its own."""
    async with async_playwright() as playwright:
        # Chromium's own sandbox can't be had as root, which is what CI is; the pages are ours
        started = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        await started.close()
