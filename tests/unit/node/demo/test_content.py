"""The demo's data: plausible, deterministic, openly synthetic."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta

import pytest

from node.demo.cities import CITIES
from node.demo.content import DATASET_OF, catalog
from node.demo.counters import BICYCLE, CAR, END, INWARD, OUTWARD, START, copy_rows, timetable
from node.demo.governance import AGREEMENTS, APPLICATIONS
from node.demo.stations import STATIONS
from node.ingest.licences import find_licence
from policy.model import Tier
from policy.vocabulary import is_purpose


def counts(vehicle: str, direction: str, days: int | None = None) -> list[tuple[bytes, int | None, bytes]]:
    rows = []
    for line in copy_rows(7, "reihe", vehicle, direction, 100, days):
        _, start, _, result, quality = line.rstrip(b"\n").split(b"\t")
        rows.append((start, None if result == b"\\N" else int(result), quality))
    return rows


def test_the_year_is_whole_and_daylight_saving_keeps_its_slots():
    slots = timetable()
    assert len(slots) == (END - START) // timedelta(minutes=15) == 365 * 96
    assert len({slot.bounds for slot in slots}) == len(slots)


def test_the_rows_are_the_same_on_every_machine():
    digest = hashlib.sha256(b"".join(copy_rows(1, "reihe", CAR, INWARD, 200, 7))).hexdigest()
    assert digest.startswith("815aafd060fc"), "the formula has changed: raise VERSION in the demo's content"


def test_limited_days_are_the_last_ones_of_the_year():
    assert counts(CAR, INWARD, 3) == counts(CAR, INWARD)[-3 * 96 :]


def test_commuters_come_in_the_morning_and_go_in_the_evening():
    by_hour = {direction: Counter() for direction in (INWARD, OUTWARD)}
    for direction, hours in by_hour.items():
        for (_, count, _), slot in zip(counts(CAR, direction), timetable(), strict=True):
            if slot.weekday < 5 and count is not None:
                hours[slot.quarter // 4] += count
    assert by_hour[INWARD][7] > 1.5 * by_hour[OUTWARD][7]
    assert by_hour[OUTWARD][17] > 1.3 * by_hour[INWARD][17]
    assert by_hour[INWARD][3] < by_hour[INWARD][7] / 5


def test_cyclists_prefer_the_summer():
    months = Counter()
    for start, count, _ in counts(BICYCLE, INWARD):
        months[start[5:7]] += count or 0
    assert months[b"07"] > 1.5 * months[b"01"]


def test_the_flaws_of_real_counters_are_there():
    qualities = Counter(quality for _, _, quality in counts(BICYCLE, OUTWARD))
    assert qualities[b"MISSING"] == 150
    assert qualities[b"SUSPECT"] > 0
    assert all((count is None) == (quality == b"MISSING") for _, count, quality in counts(BICYCLE, OUTWARD))


@pytest.mark.parametrize("city", [city.id for city in CITIES])
def test_catalogs_are_complete(city):
    described = catalog(city)
    keys = [entry["key"] for entry in described["dataset"]]
    assert len(keys) == len(set(keys)) >= 10
    assert set(DATASET_OF.values()) <= set(keys)
    assert "(Demo)" in described["publisher"]
    tiers = {entry["key"]: Tier(entry["tier"]) for entry in described["dataset"]}
    assert set(tiers.values()) == set(Tier)
    assert tiers["radverkehrszaehlung"] is Tier.OPEN
    assert tiers["kfz-verkehrszaehlung"] is Tier.SHARED
    for entry in described["dataset"]:
        assert entry["reason"], entry["key"]
        assert find_licence(f"http://dcat-ap.de/def/licenses/{entry['licence']}"), entry["licence"]
    west, south, east, north = described["bbox"]
    for station in STATIONS[city]:
        assert west < station.longitude < east, station.key
        assert south < station.latitude < north, station.key


def test_agreements_speak_of_what_exists():
    ids = [agreement.id for agreements in AGREEMENTS.values() for agreement in agreements]
    assert len(ids) == len(set(ids))
    for owner, agreements in AGREEMENTS.items():
        shared = {entry["key"] for entry in catalog(owner)["dataset"] if entry["tier"] == "SHARED"}
        for agreement in agreements:
            assert agreement.member in AGREEMENTS
            assert agreement.member != owner
            assert agreement.datasets <= shared
            assert all(map(is_purpose, agreement.purposes))


def test_every_city_has_an_application_and_an_auditor():
    for city in CITIES:
        scopes = [application.scopes for application in APPLICATIONS[city.id]]
        assert ("data:read",) in scopes
        assert any("audit:read" in one for one in scopes)
        assert all(is_purpose(purpose) for application in APPLICATIONS[city.id] for purpose in application.purposes)
