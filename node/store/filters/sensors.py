"""Filters of things, datastreams and observations."""

from __future__ import annotations

from typing import Any

from node.store.arguments import Builder
from node.store.filters.places import in_box, near
from node.store.filters.ranges import active, within
from node.store.filters.words import found_among, typed_query


def thing_condition(build: Builder, name: str, _value: Any) -> str:
    """The condition of one field of `ThingFilter`."""
    match name:
        case "ids":
            return f"{{t}}.key = any({build.ids('filter.ids', 'thing')})"
        case "datasets":
            keys = build.ids("filter.datasets", "dataset")
            return _has_datastream(f"s.dataset_id in (select id from dataset where key = any({keys}))")
        case "text" | "textPrefix":
            return f"{{t}}.search @@ {typed_query(build, name)}"
        case "bbox":
            return in_box(build, "{t}.longitude", "{t}.latitude")
        case "near":
            return near(build, "{t}.longitude", "{t}.latitude")
        case "observedProperties":
            return _has_datastream(_observes(build, "s"))
        case "vehicleClasses":
            return _has_datastream(f"s.vehicle_class = any({build.texts('filter.vehicleClasses')})")
    raise AssertionError(name)


def datastream_condition(build: Builder, name: str, value: Any) -> str:
    """The condition of one field of `DatastreamFilter`."""
    match name:
        case "ids" | "datastreams":
            return f"{{t}}.key = any({build.ids(f'filter.{name}', 'datastream')})"
        case "datasets":
            keys = build.ids("filter.datasets", "dataset")
            return f"{{t}}.dataset_id in (select id from dataset where key = any({keys}))"
        case "things":
            keys = build.ids("filter.things", "thing")
            return f"{{t}}.thing_id in (select id from thing where key = any({keys}))"
        case "text" | "textPrefix":
            return found_among(
                build,
                name,
                "select id from datastream where search @@ typed",
                "select s.id from thing b join datastream s on s.thing_id = b.id where b.search @@ typed",
            )
        case "observedProperties":
            return _observes(build, "{t}")
        case "vehicleClasses":
            return f"{{t}}.vehicle_class = any({build.texts('filter.vehicleClasses')})"
        case "units":
            return f"{{t}}.unit = any({build.texts('filter.units')})"
        case "directions":
            return f"{{t}}.direction = any({build.texts('filter.directions')})"
        case "bbox" | "near":
            area = in_box if name == "bbox" else near
            return f"{{t}}.thing_id in (select b.id from thing b where {area(build, 'b.longitude', 'b.latitude')})"
        case "phenomenonTime":
            return active(build, "filter.phenomenonTime", value)
        case "activeSince":
            return f"{{t}}.phenomenon_end >= {build.time('filter.activeSince')}"
    raise AssertionError(name)


def observation_condition(build: Builder, name: str, value: Any) -> str:
    """The condition of one field of `ObservationFilter`; those on the datastream are on its alias, `{p}`."""
    match name:
        case "qualities":
            return f"{{t}}.quality::text = any({build.texts('filter.qualities')})"
        case "result":
            return within(build, "filter.result", "{t}.result", value)
    return datastream_condition(build, name, value).replace("{t}.", "{p}.")


def _has_datastream(condition: str) -> str:
    """Of the datastreams that the caller may see."""
    return (
        "exists (select from datastream s"
        f" where s.thing_id = {{t}}.id and granted({{readable}}, s.dataset_id) and {condition})"
    )


def _observes(build: Builder, alias: str) -> str:
    keys = build.texts("filter.observedProperties")
    return f"{alias}.observed_property_id in (select id from observed_property where key = any({keys}))"
