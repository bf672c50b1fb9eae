"""The demo's data: plausible, deterministic, openly synthetic."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta

import pytest

from node.demo.cities import CITIES
from node.demo.content import DATASET_OF, catalog_file
from node.demo.counters import BICYCLE, CAR, END, INWARD, OUTWARD, START, copy_rows, timetable
from node.demo.governance import AGREEMENTS, APPLICATIONS, TIERS
from node.demo.stations import STATIONS
from node.ingest.dcat.datasets import Reading, read_datasets
from node.ingest.dcat.graph import read_graph
from policy.model import Tier
from policy.vocabulary import is_purpose

CITY_IDS = [city.id for city in CITIES]
ACCESS_RIGHTS = {
    Tier.OPEN: "PUBLIC",
    Tier.SHARED: "RESTRICTED",
    Tier.INTERNAL: "NON_PUBLIC",
    Tier.PROTECTED: "NON_PUBLIC",
}


def counts(vehicle: str, direction: str, days: int | None = None) -> list[tuple[bytes, int | None, bytes]]:
    rows = []
    for line in copy_rows(7, "reihe", vehicle, direction, 100, days):
        _, start, _, result, quality = line.rstrip(b"\n").split(b"\t")
        rows.append((start, None if result == b"\\N" else int(result), quality))
    return rows


def test_the_year_and_its_first_week_are_whole_and_daylight_saving_keeps_its_slots():
    slots = timetable()
    assert len(slots) == (END - START) // timedelta(minutes=15) == 372 * 96
    assert len({slot.bounds for slot in slots}) == len(slots)


def test_the_rows_are_the_same_on_every_machine():
    digest = hashlib.sha256(b"".join(copy_rows(1, "reihe", CAR, INWARD, 200, 7))).hexdigest()
    assert digest.startswith("443795d397bd"), "the formula has changed: raise VERSION in the demo's content"


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


def readings(city: str) -> list[Reading]:
    with catalog_file(city) as path:
        return list(read_datasets(read_graph(path)))


@pytest.mark.parametrize("city", CITY_IDS)
def test_the_importer_finds_nothing_wrong_with_a_catalog(city):
    assert [flaw for reading in readings(city) for flaw in reading.flaws] == []


@pytest.mark.parametrize("city", CITY_IDS)
def test_catalogs_say_what_dcat_ap_de_asks_for(city):
    records = [reading.record for reading in readings(city)]
    assert 10 <= len(records) <= 14
    assert set(DATASET_OF.values()) <= {record.key for record in records}
    ags = next(entry.ags for entry in CITIES if entry.id == city)
    for record in records:
        assert record.key == record.identifier
        assert "Synthetische Demodaten" in record.description, record.key
        assert "(Demo)" in record.publisher.name
        assert record.publisher.kind.endswith("/LocalAuthority")
        assert record.contact.email.endswith(f"@{city}.example")
        assert record.themes, record.key
        assert record.keywords, record.key
        assert record.accrual_periodicity, record.key
        assert record.issued <= record.modified, record.key
        assert record.spatial == (f"http://dcat-ap.de/def/politicalGeocoding/municipalityKey/{ags}",)
        assert record.distributions, record.key
        for distribution in record.distributions:
            assert distribution.access_url.startswith(f"https://daten.{city}.example/")
            assert distribution.licence, distribution.access_url
            assert distribution.format, distribution.access_url
            assert distribution.availability, distribution.access_url
            by_name = distribution.licence.path in {"dl-by-de/2.0", "cc-by/4.0"}
            assert bool(distribution.licence_attribution) == by_name, distribution.access_url


@pytest.mark.parametrize("city", CITY_IDS)
def test_every_dataset_has_a_tier_that_fits_what_its_catalog_says(city):
    rights = {reading.record.key: reading.record.access_rights for reading in readings(city)}
    tiers = TIERS[city]
    assert set(tiers) == set(rights)
    assert {tier for tier, _ in tiers.values()} == set(Tier)
    assert all(reason.strip() for _, reason in tiers.values())
    assert {key: ACCESS_RIGHTS[tier] for key, (tier, _) in tiers.items()} == rights
    assert tiers["radverkehrszaehlung"][0] is Tier.OPEN
    assert tiers["kfz-verkehrszaehlung"][0] is Tier.SHARED


@pytest.mark.parametrize("city", CITY_IDS)
def test_the_stations_lie_in_their_city(city):
    box = readings(city)[0].record.bbox
    for station in STATIONS[city]:
        assert box.west < station.longitude < box.east, station.key
        assert box.south < station.latitude < box.north, station.key


def test_agreements_speak_of_what_exists():
    ids = [agreement.id for agreements in AGREEMENTS.values() for agreement in agreements]
    assert len(ids) == len(set(ids))
    for owner, agreements in AGREEMENTS.items():
        shared = {key for key, (tier, _) in TIERS[owner].items() if tier is Tier.SHARED}
        for agreement in agreements:
            assert agreement.member in AGREEMENTS
            assert agreement.member != owner
            assert set(agreement.datasets) <= shared
            assert all(map(is_purpose, agreement.purposes))


def test_every_city_has_an_application_and_an_auditor():
    for city in CITIES:
        scopes = [application.scopes for application in APPLICATIONS[city.id]]
        assert ("data:read",) in scopes
        assert any("audit:read" in one for one in scopes)
        assert all(is_purpose(purpose) for application in APPLICATIONS[city.id] for purpose in application.purposes)
