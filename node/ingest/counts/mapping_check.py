"""The checks of a mapping that types can't express."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from node.ingest import vocabularies
from node.ingest.counts.mapping import Mapping
from node.ingest.web_address import web_address
from policy.licences import find_licence

_SAMPLE = datetime(2024, 11, 23, 21)  # noqa: DTZ001 -- a local time, as the files have it


def check_mapping(mapping: Mapping) -> Iterator[str]:
    """One line per problem: field, value, remedy."""
    yield from _check_file(mapping)
    yield from _check_time(mapping)
    yield from _check_channels(mapping)
    yield from _check_stations(mapping)
    yield from _check_dataset(mapping)


def _check_file(mapping: Mapping) -> Iterator[str]:
    file = mapping.file
    try:
        "".encode(file.encoding)
    except LookupError:
        yield f"file.encoding = {file.encoding!r} is unknown. Use utf-8, cp1252 or iso-8859-1"
    if file.delimiter in '"\r\n':
        yield f"file.delimiter = {file.delimiter!r} can't separate columns. Use ',' or ';' or '\\t'"
    if file.pattern.startswith("/") or ".." in file.pattern.split("/"):
        yield f"file.pattern = {file.pattern!r} leaves the folder. Use a pattern such as '**/*.csv'"
    if mapping.value.decimal == file.delimiter:
        yield f"value.decimal = {mapping.value.decimal!r} is the delimiter too. Change one of them"


def _check_time(mapping: Mapping) -> Iterator[str]:
    rules = mapping.time
    try:
        ZoneInfo(rules.zone)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError, told apart below
        yield f"time.zone = {rules.zone!r} is no time zone. Use a name such as Europe/Berlin or UTC"
    except KeyError:
        yield f"time.zone = {rules.zone!r} is unknown. Use a name such as Europe/Berlin or UTC"
    if not timedelta() < rules.length <= timedelta(days=366):
        yield f"time.interval = {rules.interval!r} is no usable length. Use an ISO 8601 duration such as PT15M"
    try:
        understood = datetime.strptime(_SAMPLE.strftime(rules.format), rules.format).replace(tzinfo=None) == _SAMPLE  # noqa: DTZ007
    except ValueError:
        understood = "%z" in rules.format
    if not understood:
        yield f"time.format = {rules.format!r} does not hold year, month, day and hour. Use e.g. '%Y-%m-%d %H:%M'"


def _check_channels(mapping: Mapping) -> Iterator[str]:
    rules = mapping.channel
    patterns = {"channel.header": rules.header}
    patterns |= {f"channel.ignore[{number}]": pattern for number, pattern in enumerate(rules.ignore)}
    patterns |= {f"channel.rules[{number}].match": rule.match for number, rule in enumerate(rules.rules)}
    for field, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{field} = {pattern!r} is no regular expression ({error}). Mend it"
            return
    groups = re.compile(rules.header).groupindex
    if "id" not in groups:
        yield f"channel.header = {rules.header!r} has no group (?P<id>…). Name the channel's id in it"
    if mapping.station.source == "header" and "station" not in groups:
        yield f"channel.header = {rules.header!r} has no group (?P<station>…), which station.source = 'header' needs"
    if mapping.station.source == "total" and rules.totals == "none":
        yield "station.source = 'total' needs a total. Set channel.totals, or take station.source = 'folder'"
    if rules.status_suffix is None and mapping.status:
        yield "status is given, but no status columns are. Set channel.status_suffix, e.g. '-status'"


def _check_stations(mapping: Mapping) -> Iterator[str]:
    for key, station in mapping.station.known.items():
        if (station.longitude is None) != (station.latitude is None):
            yield f"station.known.{key} has only one coordinate. Give both longitude and latitude, or none"


def _check_dataset(mapping: Mapping) -> Iterator[str]:
    dataset = mapping.dataset
    for theme in dataset.themes:
        if vocabularies.theme(theme) is None:
            yield f"dataset.themes = {theme!r} is not a theme of the EU list. Use e.g. TRAN"
    if dataset.accrual_periodicity and vocabularies.frequency(dataset.accrual_periodicity) is None:
        yield f"dataset.accrual_periodicity = {dataset.accrual_periodicity!r} is unknown. Use e.g. DAILY"
    if dataset.licence and find_licence(dataset.licence) is None:
        yield f"dataset.licence = {dataset.licence!r} is unknown. Use e.g. http://dcat-ap.de/def/licenses/dl-by-de/2.0"
    for field in ("landing_page", "access_url"):
        address = getattr(dataset, field)
        if address and web_address(address) is None:
            yield f"dataset.{field} = {address!r} is no web address. Use https://…"
    if (dataset.licence or dataset.licence_attribution) and not dataset.access_url:
        yield "dataset.licence belongs to a distribution. Set dataset.access_url, where the data is to be had"
