"""Assets are found by name, served by hash, and their absence is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from node.settings import Settings
from node.web.pages import Pages
from node.web.static_files import MISSING, StaticFiles
from node.web.texts import text_view

SETTINGS = Settings(city="fulda", name="Fulda", issuer="http://127.0.0.1:8104", home=Path())


@pytest.fixture
def built(tmp_path: Path) -> StaticFiles:
    (tmp_path / "site-ABC.css").write_bytes(b"plain")
    (tmp_path / "site-ABC.css.br").write_bytes(b"brotli")
    (tmp_path / "site-ABC.css.gz").write_bytes(b"gzip")
    (tmp_path / "manifest.json").write_text(json.dumps({"site.css": "site-ABC.css"}))
    return StaticFiles(tmp_path)


@pytest.mark.parametrize(
    ("accepted", "body", "coding"),
    [
        ("gzip, br, zstd", b"brotli", "br"),
        ("gzip", b"gzip", "gzip"),
        ("identity", b"plain", None),
        ("gzip;q=0", b"plain", None),
    ],
)
def test_a_file_comes_as_it_was_compressed_at_build_time(built, accepted, body, coding):
    with (
        TestClient(Litestar([built.route()])) as client,
        client.stream("GET", built.url("site.css"), headers={"Accept-Encoding": accepted}) as response,
    ):
        assert b"".join(response.iter_raw()) == body
        assert response.headers.get("Content-Encoding") == coding
        assert "immutable" in response.headers["Cache-Control"]


def test_only_what_was_built_is_served(built):
    with TestClient(Litestar([built.route()])) as client:
        for name in ("manifest.json", "site-ABC.css.br", "..%2Fpages.py"):
            assert client.get(f"/static/{name}").status_code == 404


def test_without_assets_pages_say_what_to_run_and_twins_work(tmp_path):
    pages = Pages(SETTINGS, StaticFiles(tmp_path))
    with TestClient(Litestar([pages.route("/imprint", text_view("imprint.html"))])) as client:
        page = client.get("/imprint", headers={"Accept": "text/html"})
        assert (page.status_code, page.text) == (503, f"{MISSING}\n")
        assert client.get("/imprint?format=json").json() == {"page": "/imprint", "text": "imprint", "answers": {}}
