"""Filters of datasets."""

from __future__ import annotations

from typing import Any

from node.store.arguments import Builder
from node.store.filters.places import box_near, in_box, near
from node.store.filters.ranges import within
from node.store.filters.words import found_among


def dataset_condition(build: Builder, name: str, value: Any) -> str:
    """The condition of one field of `DatasetFilter`."""
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids('filter.ids', 'dataset')})"
        case "text" | "textPrefix":
            return _text(build, name)
        case "themes" | "keywords" | "languages":
            return f"{{t}}.{name} && {build.texts(f'filter.{name}')}"
        case "tiers":
            return f"{{t}}.tier::text = any({build.texts('filter.tiers')})"
        case "accrualPeriodicities":
            return f"{{t}}.accrual_periodicity = any({build.texts('filter.accrualPeriodicities')})"
        case "hvdCategories":
            return f"{{t}}.hvd_category = any({build.texts('filter.hvdCategories')})"
        case "isHighValue":
            return f"{{t}}.hvd_category is {'not ' if value else ''}null"
        case "publishers" | "licences" | "formats":
            return _belonging(build, name)
        case "hasDatastreams":
            return f"{'' if value else 'not '}{_has_datastream('true')}"
        case "observedProperties":
            keys = build.texts("filter.observedProperties")
            return _has_datastream(
                f"s.observed_property_id in (select id from observed_property where key = any({keys}))"
            )
        case "vehicleClasses":
            return _has_datastream(f"s.vehicle_class = any({build.texts('filter.vehicleClasses')})")
    return _where_and_when(build, name, value)


def _where_and_when(build: Builder, name: str, value: Any) -> str:
    match name:
        case "bbox":
            west, south, east, north = build.corners("filter.bbox")
            return (
                f"(({{t}}.west <= {east} and {{t}}.east >= {west}"
                f" and {{t}}.south <= {north} and {{t}}.north >= {south})"
                f" or {_has_thing(in_box(build, 'b.longitude', 'b.latitude'))})"
            )
        case "near":
            return f"({box_near(build)} or {_has_thing(near(build, 'b.longitude', 'b.latitude'))})"
        case "temporal":
            start, end = build.interval("filter.temporal")
            return (
                "coalesce({t}.temporal_start, {t}.temporal_end) is not null"
                f" and coalesce({{t}}.temporal_start, '-infinity') < {end}"
                f" and coalesce({{t}}.temporal_end, 'infinity') >= {start}"
            )
        case "issued" | "modified":
            return within(build, f"filter.{name}", f"{{t}}.{name}", value)
        case "modifiedSince":
            return f"{{t}}.modified >= {build.time('filter.modifiedSince')}"
    raise AssertionError(name)


def _text(build: Builder, name: str) -> str:
    """Hits in its own text, and in the names of what it holds."""
    return found_among(
        build,
        name,
        "select id from dataset where search @@ typed",
        "select dataset_id from datastream where search @@ typed",
        "select s.dataset_id from thing b join datastream s on s.thing_id = b.id where b.search @@ typed",
    )


def _belonging(build: Builder, name: str) -> str:
    values = build.texts(f"filter.{name}")
    if name == "publishers":
        return f"{{t}}.publisher_id in (select id from publisher where name = any({values}))"
    if name == "formats":
        return f"{{t}}.id in (select dataset_id from distribution where format = any({values}))"
    return (
        "{t}.id in (select dataset_id from distribution where licence_id = any(array("
        f"select id from licence where key = any({values}))))"
    )


def _has_datastream(condition: str) -> str:
    return f"exists (select from datastream s where s.dataset_id = {{t}}.id and {condition})"


def _has_thing(condition: str) -> str:
    return "{t}.id in (select s.dataset_id from thing b join datastream s on s.thing_id = b.id where " + condition + ")"
