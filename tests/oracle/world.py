"""A city's data as plain Python objects. The plain implementation answers from these, PostgreSQL from the same."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import datetime

from policy.model import Agreement

CITY = "giessen"
SUSPENDED = "wetzlar"  # a member, in the worlds that have one, whose membership is suspended
STRANGER = "marburg"  # never a member


class Record:
    """Shows only what differs from the defaults, so that a failing example can be read."""

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.default is MISSING or getattr(self, field.name) != field.default
        )
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Publisher(Record):
    key: str
    name: str = "Amt"
    kind: str | None = None
    homepage: str | None = None


@dataclass(frozen=True, repr=False)
class Contact(Record):
    key: str
    name: str | None = None
    email: str | None = None
    telephone: str | None = None
    url: str | None = None


@dataclass(frozen=True, repr=False)
class Licence(Record):
    key: str
    uri: str = "http://dcat-ap.de/def/licenses/x"
    title: str = "Lizenz"


@dataclass(frozen=True, repr=False)
class Distribution(Record):
    access_url: str = "https://x.example/a"
    title: str | None = None
    description: str | None = None
    download_url: str | None = None
    format: str | None = None
    media_type: str | None = None
    byte_size: int | None = None
    licence: Licence | None = None
    licence_attribution: str | None = None
    availability: str | None = None
    issued: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True, repr=False)
class Dataset(Record):
    key: str
    tier: str = "OPEN"
    title: str = "Titel"
    description: str = ""
    identifier: str | None = None
    publisher: Publisher | None = None
    contact: Contact | None = None
    landing_page: str | None = None
    themes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    issued: datetime | None = None
    modified: datetime | None = None
    accrual_periodicity: str | None = None
    temporal_start: datetime | None = None
    temporal_end: datetime | None = None
    spatial: tuple[str, ...] = ()
    bbox: tuple[float, float, float, float] | None = None  # west, south, east, north
    legal_basis: str | None = None
    hvd_category: str | None = None
    distributions: tuple[Distribution, ...] = ()
    purposes: tuple[str, ...] | None = None
    licence: str | None = None
    obligations: tuple[str, ...] = ()
    open_obligations: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Thing(Record):
    key: str
    name: str = "Stelle"
    description: str = ""
    location: tuple[float, float] | None = None  # longitude, latitude
    place: str | None = None


@dataclass(frozen=True, repr=False)
class Sensor(Record):
    key: str
    name: str = "Schleife"
    description: str = ""
    encoding_type: str = "text/plain"
    metadata: str = ""


@dataclass(frozen=True, repr=False)
class ObservedProperty(Record):
    key: str
    name: str = "Anzahl"
    definition: str = "https://x.example/count"
    description: str = ""


@dataclass(frozen=True, repr=False)
class Observation(Record):
    time: datetime
    end: datetime | None = None
    result: float | None = None
    quality: str = "RAW"


@dataclass(frozen=True, repr=False)
class Datastream(Record):
    key: str
    dataset: Dataset
    thing: Thing
    sensor: Sensor
    observed_property: ObservedProperty
    name: str = "Reihe"
    description: str = ""
    observation_type: str = "count"
    unit: str = "1"
    vehicle_class: str | None = None
    direction: str | None = None
    interval_seconds: int | None = None
    phenomenon_start: datetime | None = None
    phenomenon_end: datetime | None = None
    observations: tuple[Observation, ...] = ()  # no two at the same time


@dataclass(frozen=True, repr=False)
class World(Record):
    """Everything that one node holds. `forbidden` are the city's own rules: (action, tier) that it denies everybody."""

    publishers: tuple[Publisher, ...] = ()
    contacts: tuple[Contact, ...] = ()
    licences: tuple[Licence, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    things: tuple[Thing, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    observed_properties: tuple[ObservedProperty, ...] = ()
    datastreams: tuple[Datastream, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    has_suspended: bool = False
    forbidden: tuple[str, str] | None = None
