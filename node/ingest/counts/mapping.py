"""The mapping: a TOML file that tells how a city's counter CSVs are to be read. Described in `docs/ingest.md`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

COUNT_OBSERVATION = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation"

Quality = Literal["RAW", "CHECKED", "ESTIMATED", "SUSPECT", "MISSING"]
Key = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
KeyPrefix = Annotated[str, Meta(pattern=r"^([a-z0-9]+-)*$", max_length=40)]
Name = Annotated[str, Meta(min_length=1, max_length=500)]
Text = Annotated[str, Meta(max_length=20_000)]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]
Duration = Annotated[
    str, Meta(pattern=r"^P(?=[0-9T])([0-9]{1,3}D)?(T(?=[0-9])([0-9]{1,4}H)?([0-9]{1,5}M)?([0-9]{1,6}S)?)?$")
]
Class = Annotated[str, Meta(pattern=r"^[A-Z][A-Z_]{0,39}$")]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]


class FileRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[file]`: which files, and how their text is coded."""

    pattern: Pattern = "**/*.csv"
    encoding: Name = "utf-8"
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","


class TimeRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[time]`: the time column. `interval` is an ISO 8601 duration; the time is the interval's start."""

    column: Name
    format: Name = "%Y-%m-%d %H:%M"
    zone: Name = "Europe/Berlin"
    interval: Annotated[
        str, Meta(pattern=r"^P(?=[0-9T])([0-9]{1,3}D)?(T(?=[0-9])([0-9]{1,4}H)?([0-9]{1,5}M)?([0-9]{1,6}S)?)?$")
    ]
    ambiguous: Literal["first", "second", "quarantine"] = "first"

    @property
    def length(self) -> timedelta:
        """The interval's length."""
        days, hours, minutes, seconds = (
            int(found.group(1)) if (found := re.search(rf"([0-9]+){unit}", self.interval)) else 0 for unit in "DHMS"
        )
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class ChannelRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[channel.rules]]`: what a channel's name tells; the first rule that matches and says something counts."""

    match: Pattern
    direction: Name | None = None
    vehicle_class: Class | None = None


class KnownChannel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channel.known.ID]`: what is known of one channel; goes before the rules and the header."""

    name: Name | None = None
    direction: Name | None = None
    vehicle_class: Class | None = None


class ChannelRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channel]`: the value columns. `header` has the groups `id` and, where there are, `name` and `station`."""

    header: Pattern
    totals: Literal["first", "folder", "none"] | list[Name] = "none"
    status_suffix: Name | None = None
    ignore: list[Pattern] = []
    key_prefix: KeyPrefix = ""
    vehicle_class: Class | None = None
    rules: list[ChannelRule] = []
    known: dict[str, KnownChannel] = {}


class KnownStation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[station.known.ID]`: what the files do not tell of a station."""

    name: Name | None = None
    description: Text = ""
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    place: Name | None = None


class StationRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[station]`: where a file says to which station its channels belong."""

    source: Literal["total", "folder", "file", "header"]
    key_prefix: KeyPrefix = ""
    known: dict[str, KnownStation] = {}


class ValueRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[value]`: how numbers are written and how large a credible one is."""

    decimal: Literal[".", ","] = "."
    maximum: Annotated[float, Meta(gt=0)] = 1_000_000


class DatasetRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[dataset]`: the catalog entry that the observations belong to. Made if missing, as INTERNAL."""

    key: Key
    title: Name
    description: Text = ""
    publisher: Name | None = None
    themes: list[Name] = []
    keywords: list[Name] = []
    accrual_periodicity: Name | None = None
    landing_page: Name | None = None
    access_url: Name | None = None
    licence: Name | None = None
    licence_attribution: Name | None = None


class PropertyRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[observed_property]`: what is counted. `definition` is an IRI, `unit` a UCUM code."""

    key: Key
    name: Name
    definition: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$", max_length=500)]
    description: Text = ""
    unit: Annotated[str, Meta(pattern=r"^[!-~]+$", max_length=50)] = "1"
    observation_type: Annotated[str, Meta(pattern=r"^https?://\S+$", max_length=500)] = COUNT_OBSERVATION


class SensorRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[sensor]`: what counts."""

    key: Key
    name: Name
    description: Text = ""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole mapping. `status` maps the codes of status columns to a quality; other codes are quarantined."""

    time: TimeRules
    channel: ChannelRules
    station: StationRules
    dataset: DatasetRules
    observed_property: PropertyRules
    sensor: SensorRules
    file: FileRules = FileRules()
    value: ValueRules = ValueRules()
    status: dict[str, Quality] = {}
