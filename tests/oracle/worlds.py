"""Generate worlds: all tiers, missing parts, and the texts, numbers and times that software stumbles over."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from policy.model import Agreement, Caller
from tests.oracle.world import (
    CITY,
    SUSPENDED,
    Contact,
    Dataset,
    Datastream,
    Distribution,
    Licence,
    Observation,
    ObservedProperty,
    Publisher,
    Sensor,
    Thing,
    World,
)

TIERS = ("OPEN", "SHARED", "INTERNAL", "PROTECTED")
QUALITIES = ("RAW", "CHECKED", "ESTIMATED", "SUSPECT", "MISSING")
THEMES = ("TRAN", "ENVI", "HEAL")
LANGUAGES = ("DEU", "ENG")
FORMATS = ("CSV", "JSON")
FREQUENCIES = ("DAILY", "ANNUAL")
UNITS = ("1", "ug/m3")
VEHICLES = ("BICYCLE", "CAR", "PEDESTRIAN")
TEXTS = (
    "Radverkehr", "Ärger über Öl", "Straße", "straße", "STRASSE", "Zählung", "a", "A", "ä", "z", "", " ",
    'sagt "ja"', "back\\slash", "Zeile\nzwei\r\tdrei", "O'Neil; --", "%s %(p0)s {t} $1 :x", "null", "[1]", "\U0001f6b2 Rad",
    "\u202eumgekehrt", "A\u0308 zerlegt", "\x01\x7f\u2028", "</script>", "a_b%c",
    "lang " * 90,
)  # fmt: skip
KEYS = ("a", "b", "c", "d", "e", "A", "B1", "a-b", "a_b", "ä", "x:y", 'q"\\', "7", "zz")
TIMES = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2026-01-01T00:00:00+00:00", "2025-12-31T23:59:59.999999+00:00", "2026-03-29T00:45:00+00:00",
        "2026-03-29T01:00:00+00:00", "2026-10-25T00:00:00+00:00", "2026-10-25T01:00:00+00:00",
        "2026-10-25T01:15:00+00:00", "2026-06-01T12:00:00.000001+00:00", "2026-06-01T12:00:00.5+00:00",
        "2026-06-01T12:00:00+00:00", "2024-02-29T23:00:00+00:00", "1969-12-31T23:59:59.25+00:00",
        "1893-03-31T23:06:32+00:00", "0999-01-01T00:00:00+00:00", "9998-12-31T23:00:00+00:00",
    )
)  # fmt: skip
LONGITUDES = (-180.0, -0.0, 8.5, 8.6751, 8.7, 9.0, 180.0)
LATITUDES = (-90.0, 0.0, 50.5, 50.58333333333333, 50.6, 51.0, 90.0)
RESULTS = (
    None, 0.0, -0.0, 1.0, 17.0, -3.5, 0.1 + 0.2, 1e22, 1e-7, 123456789.123, 5e-324, 1.7976931348623157e308, 9007199254740993.0,
)  # fmt: skip
OBLIGATIONS = ("minimum-count=5", "time=PT1H")
APPLICATIONS = ("portal", "labor")
PURPOSES = ("traffic-planning", "research")
MEMBERS = ("fulda", "offenbach", SUSPENDED)
NOW = datetime.now(UTC)
PERIODS = ((-10, 10), (-10, -5), (5, 10))  # days around now: in force, over, to come
RULES = (None, ("readCatalog", "OPEN"), ("readObservations", "OPEN"), ("readObservations", "SHARED"))


class _Maker:
    """Makes worlds up from a seed: much quicker than drawing each value. A small seed makes a small world."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._largest = min(6, 2 + seed // 20)

    def world(self) -> World:
        publishers = self._keyed(2, lambda key: Publisher(key, self._text(), self._maybe(TEXTS), self._maybe(TEXTS)))
        contacts = self._keyed(1, lambda key: Contact(key, *(self._maybe(TEXTS) for _ in range(4))))
        licences = self._keyed(2, lambda key: Licence(key, self._text(), self._text()))
        things = self._keyed(4, self._thing, smallest=1)
        sensors = self._keyed(1, lambda key: Sensor(key, *(self._text() for _ in range(4))), smallest=1)
        properties = self._keyed(2, lambda key: ObservedProperty(key, *(self._text() for _ in range(3))), smallest=1)
        datasets = self._keyed(6, lambda key: self._dataset(key, publishers, contacts, licences))
        streams = self._keyed(
            8 if datasets else 0, lambda key: self._datastream(key, datasets, things, sensors, properties)
        )
        agreements = [self._agreement(datasets) for _ in range(self._chance.randint(0, 4))]
        return World(
            publishers, contacts, licences, datasets, things, sensors, properties, streams,
            tuple({agreement.id: agreement for agreement in agreements}.values()),
            has_suspended=self._flip(), forbidden=self._pick((None, None, *RULES)),
        )  # fmt: skip

    def _thing(self, key: str) -> Thing:
        location = None if self._flip(25) else (self._pick(LONGITUDES), self._pick(LATITUDES))
        return Thing(key, self._text(), self._text(), location, self._maybe(TEXTS))

    def _dataset(self, key: str, publishers: tuple, contacts: tuple, licences: tuple) -> Dataset:
        return Dataset(
            key,
            tier=self._pick(("OPEN", "OPEN", *TIERS)),
            title=self._text(),
            description=self._text(),
            identifier=self._maybe(TEXTS),
            publisher=self._maybe(publishers),
            contact=self._maybe(contacts),
            landing_page=self._maybe(TEXTS),
            themes=self._some(THEMES),
            keywords=self._some(TEXTS[:6]),
            languages=self._some(LANGUAGES),
            issued=self._maybe(TIMES),
            modified=self._maybe(TIMES),
            accrual_periodicity=self._maybe(FREQUENCIES),
            temporal_start=self._maybe(TIMES),
            temporal_end=self._maybe(TIMES),
            spatial=self._some(TEXTS),
            bbox=self._box(),
            legal_basis=self._maybe(TEXTS),
            hvd_category=self._maybe(TEXTS),
            distributions=tuple(self._distribution(licences) for _ in range(self._chance.randint(0, 2))),
            purposes=self._maybe((PURPOSES, ("ai-training", "ai-assistance"), ())),
            licence=self._maybe(TEXTS),
            obligations=self._some(OBLIGATIONS),
            open_obligations=self._some(OBLIGATIONS),
        )

    def _box(self) -> tuple[float, float, float, float] | None:
        (west, east), (south, north) = sorted(self._two(LONGITUDES)), sorted(self._two(LATITUDES))
        return None if self._flip() else (west, south, east, north)

    def _distribution(self, licences: tuple) -> Distribution:
        return Distribution(
            self._text(),
            title=self._maybe(TEXTS),
            description=self._maybe(TEXTS),
            download_url=self._maybe(TEXTS),
            format=self._maybe(FORMATS),
            media_type=self._maybe(TEXTS),
            byte_size=self._maybe((0, 5_000_000_000)),
            licence=self._maybe(licences),
            licence_attribution=self._maybe(TEXTS),
            availability=self._maybe(TEXTS),
            issued=self._maybe(TIMES),
            modified=self._maybe(TIMES),
        )

    def _datastream(self, key: str, datasets: tuple, things: tuple, sensors: tuple, properties: tuple) -> Datastream:
        return Datastream(
            key,
            self._pick(datasets),
            self._pick(things),
            self._pick(sensors),
            self._pick(properties),
            name=self._text(),
            description=self._text(),
            observation_type=self._text(),
            unit=self._pick(UNITS),
            vehicle_class=self._maybe(VEHICLES),
            direction=self._maybe(TEXTS),
            interval_seconds=self._maybe((900, 3600)),
            phenomenon_start=self._maybe(TIMES),
            phenomenon_end=self._maybe(TIMES),
            observations=tuple(map(self._observation, self._chance.sample(TIMES, self._chance.randint(0, 7)))),
        )

    def _observation(self, time: datetime) -> Observation:
        end = self._maybe((time + timedelta(minutes=15), time + timedelta(hours=1)))
        return Observation(time, end, self._maybe(RESULTS), self._pick(QUALITIES))

    def _agreement(self, datasets: tuple) -> Agreement:
        member, (starts, ends) = self._pick(MEMBERS), self._pick((PERIODS[0], *PERIODS))
        covered = {dataset.key for dataset in datasets if self._flip(70)} | {"nichts"}
        return Agreement(
            f"{member}-{self._chance.randint(0, 99)}",
            member,
            frozenset(covered),
            frozenset(self._two(PURPOSES)),
            NOW + timedelta(days=starts),
            NOW + timedelta(days=ends),
            frozenset(self._some(APPLICATIONS)) if self._flip() else frozenset(),
            NOW - timedelta(days=1) if self._flip(10) else None,
        )

    def _keyed(self, largest: int, make: Callable[[str], Any], *, smallest: int = 0) -> tuple:
        number = min(self._largest, self._chance.randint(min(smallest or largest // 3, largest), largest))
        return tuple(map(make, self._chance.sample(KEYS, max(smallest, number))))

    def _text(self) -> str:
        return self._pick(TEXTS)

    def _pick(self, values: Sequence[Any]) -> Any:
        return self._chance.choice(values)

    def _maybe(self, values: Sequence[Any]) -> Any:
        return None if not values or self._flip(30) else self._pick(values)

    def _some(self, values: Sequence[Any]) -> tuple:
        return tuple(self._pick(values) for _ in range(self._chance.randint(0, 2)))

    def _two(self, values: Sequence[Any]) -> tuple:
        return self._pick(values), self._pick(values)

    def _flip(self, percent: int = 50) -> bool:
        return self._chance.randrange(100) < percent


def world_of(seed: int) -> World:
    """The small city that `seed` always makes."""
    return _Maker(seed).world()


def worlds() -> st.SearchStrategy[World]:
    """Small cities."""
    return st.integers(0, 100_000).map(world_of)


_READ = frozenset({"data:read"})


def _caller(city: str | None, application: str, purpose: str, peer: str | None) -> Caller:
    return Caller(city, application, purpose, _READ, peer)


_own = st.builds(_caller, st.just(CITY), st.sampled_from(APPLICATIONS), st.sampled_from(PURPOSES), st.none())
_guest = st.sampled_from(MEMBERS).flatmap(
    lambda member: st.builds(
        _caller, st.just(member), st.sampled_from(APPLICATIONS), st.sampled_from(PURPOSES), st.just(member)
    )
)
CALLERS = st.one_of(
    *[_own] * 5,
    *[_guest] * 3,
    *[st.just(Caller())] * 2,
    st.sampled_from(
        (
            Caller(CITY, "portal", "research", frozenset()),  # without the scope to read
            Caller("fulda", peer="fulda"),  # nobody in particular, through Fulda's node
            _caller("fulda", "portal", "research", None),  # not through its home node
            _caller("fulda", "portal", "research", "offenbach"),  # through another city's node
            _caller(CITY, "portal", "research", "fulda"),  # own application on a way round
        )
    ),
)
