"""Makes what the observations hang on: the dataset, observed property, sensor, things and datastreams."""

from __future__ import annotations

import re
from collections.abc import Iterable

import psycopg

from node.ingest import vocabularies
from node.ingest.catalog_records import DatasetRecord, DistributionRecord, PublisherRecord
from node.ingest.catalog_writer import write_dataset
from node.ingest.counts.header import Channel, Station
from node.ingest.counts.mapping import DatasetRules, KnownChannel, KnownStation, Mapping
from node.ingest.errors import MappingError
from node.ingest.folding import local_id
from node.ingest.sensors import upsert_datastream, upsert_observed_property, upsert_sensor, upsert_thing
from policy.licences import find_licence


def register(connection: psycopg.Connection, mapping: Mapping, channels: Iterable[Channel]) -> dict[str, int]:
    """Bring everything but the observations up to date, in one transaction; returns channel id → datastream id.

    Of a channel whose name changed from file to file the last name counts.

    Raises:
        MappingError: a channel is a datastream of another dataset.
    """
    latest = {channel.id: channel for channel in channels}
    with connection.transaction():
        dataset = _dataset(connection, mapping.dataset)
        _refuse_others(connection, mapping, dataset, latest)
        rules = mapping.observed_property
        observed_property = upsert_observed_property(
            connection, rules.key, name=rules.name, definition=rules.definition, description=rules.description
        )
        sensor = upsert_sensor(
            connection, mapping.sensor.key, name=mapping.sensor.name, description=mapping.sensor.description
        )
        stations = {channel.station.id: channel.station for channel in latest.values()}
        things = {key: _thing(connection, mapping, station) for key, station in stations.items()}
        return {
            channel.id: upsert_datastream(
                connection,
                local_id(mapping.channel.key_prefix + channel.id),
                dataset_id=dataset,
                thing_id=things[channel.station.id],
                sensor_id=sensor,
                observed_property_id=observed_property,
                name=_known(mapping, channel).name or channel.name,
                observation_type=rules.observation_type,
                unit=rules.unit,
                vehicle_class=vehicle_class(mapping, channel),
                direction=direction(mapping, channel),
                interval_seconds=int(mapping.time.length.total_seconds()),
            )
            for channel in latest.values()
        }


def _refuse_others(connection: psycopg.Connection, mapping: Mapping, dataset: int, channels: Iterable[str]) -> None:
    """A datastream that changed its dataset would come under another tier, with all that was observed before."""
    prefix = mapping.channel.key_prefix
    found = connection.execute(
        "select s.key, d.key from datastream s join dataset d on d.id = s.dataset_id"
        " where s.key = any(%s) and d.id <> %s order by s.key limit 1",
        ([local_id(prefix + channel) for channel in channels], dataset),
    ).fetchone()
    if found is not None:
        raise MappingError(
            f"channel.key_prefix = {prefix!r}: the datastream {found[0]} belongs to the dataset {found[1]!r} and not to"
            f" {mapping.dataset.key!r}. Give these channels a prefix of their own, or name that dataset in dataset.key"
        )


def direction(mapping: Mapping, channel: Channel) -> str | None:
    """The channel's direction: as known, else by the first rule that tells one."""
    told = (rule.direction for rule in mapping.channel.rules if re.search(rule.match, channel.name))
    return _known(mapping, channel).direction or next(filter(None, told), None)


def vehicle_class(mapping: Mapping, channel: Channel) -> str | None:
    """What the channel counts: as known, else by the first rule that tells it, else the mapping's default."""
    told = (rule.vehicle_class for rule in mapping.channel.rules if re.search(rule.match, channel.name))
    return _known(mapping, channel).vehicle_class or next(filter(None, told), mapping.channel.vehicle_class)


def _known(mapping: Mapping, channel: Channel) -> KnownChannel:
    return mapping.channel.known.get(channel.id, KnownChannel())


def _thing(connection: psycopg.Connection, mapping: Mapping, station: Station) -> int:
    known = mapping.station.known.get(station.id, KnownStation())
    located = known.longitude is not None and known.latitude is not None
    return upsert_thing(
        connection,
        local_id(mapping.station.key_prefix + station.id),
        name=known.name or station.name,
        description=known.description,
        location=(known.longitude, known.latitude) if located else None,  # type: ignore[arg-type]
        place=known.place,
    )


def _dataset(connection: psycopg.Connection, rules: DatasetRules) -> int:
    found = connection.execute(
        "select id, coalesce(source_iri, identifier) from dataset where key = %s", (rules.key,)
    ).fetchone()
    if found is not None and found[1] is not None:
        identity: int = found[0]
        return identity  # described by an imported catalog, which knows it better
    licence = find_licence(rules.licence) if rules.licence else None
    distributions: tuple[DistributionRecord, ...] = ()
    if rules.access_url:
        distributions = (
            DistributionRecord(
                access_url=rules.access_url,
                title=rules.title,
                format="CSV",
                media_type="text/csv",
                licence=licence,
                licence_attribution=rules.licence_attribution,
            ),
        )
    record = DatasetRecord(
        key=rules.key,
        title=rules.title,
        description=rules.description,
        publisher=PublisherRecord(local_id(rules.publisher), rules.publisher) if rules.publisher else None,
        landing_page=rules.landing_page,
        themes=tuple(sorted({code for theme in rules.themes if (code := vocabularies.theme(theme))})),
        keywords=tuple(sorted(set(rules.keywords))),
        languages=("DEU",),
        accrual_periodicity=vocabularies.frequency(rules.accrual_periodicity) if rules.accrual_periodicity else None,
        distributions=distributions,
    )
    return write_dataset(connection, record)[0]
