"""The demo's content in a real database."""

from __future__ import annotations

import psycopg
import pytest

from node.demo.content import load_city
from node.demo.stations import STATIONS


def test_a_city_is_loaded_once(database_url):
    assert load_city(database_url, "giessen", days=2) is True
    assert load_city(database_url, "giessen", days=2) is False
    with psycopg.connect(database_url) as connection:
        streams = len(STATIONS["giessen"]) * 4
        assert connection.execute("select count(*) from observation").fetchone() == (streams * 2 * 96,)
        assert connection.execute("select count(*) from latest_observation").fetchone() == (streams,)
        tiers = dict(connection.execute("select tier::text, count(*) from dataset group by 1").fetchall())
        assert tiers == {"OPEN": 7, "SHARED": 2, "INTERNAL": 1, "PROTECTED": 1}
        assert connection.execute("select count(*) from quarantine").fetchone() == (0,)
        described = connection.execute("select description from dataset").fetchall()
        assert all("Synthetische Demodaten" in text for (text,) in described)


def test_more_days_complete_what_is_there(database_url):
    load_city(database_url, "wetzlar", days=1)
    assert load_city(database_url, "wetzlar", days=3) is True
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from observation").fetchone() == (3 * 4 * 3 * 96,)


def test_an_interrupted_load_begins_anew(database_url, monkeypatch):
    def fail(*_):
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr("node.demo.content._load_station", fail)
        with pytest.raises(InterruptedError):
            load_city(database_url, "fulda", days=1)
    with psycopg.connect(database_url) as connection:
        tiers = connection.execute("select distinct tier::text from dataset").fetchall()
        assert tiers == [("INTERNAL",)], "without its tier no dataset may be open to others"
    assert load_city(database_url, "fulda", days=1) is True
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from observation").fetchone() == (4 * 4 * 96,)
