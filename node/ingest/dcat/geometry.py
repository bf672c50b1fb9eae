"""Bounding boxes from WKT and GeoJSON, in WGS 84 with longitude first."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from node.ingest.catalog_records import BoundingBox

_MAX_DEPTH = 12
_WKT = re.compile(r"(?:<([^>]*)>\s*)?([A-Z]+)\s*(?:Z\s*)?\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_WGS84 = re.compile(r"https?://www\.opengis\.net/def/crs/OGC/1\.3/CRS84", re.IGNORECASE)
_SHAPES = frozenset(["POINT", "MULTIPOINT", "LINESTRING", "MULTILINESTRING", "POLYGON", "MULTIPOLYGON", "ENVELOPE"])


def read_bbox(text: str) -> BoundingBox | None:
    """The box around a WKT or GeoJSON geometry; None if the text is neither, or lies outside of WGS 84.

    WKT in another reference system than CRS84 is not clear: its axis order depends on who wrote it.
    """
    text = text.strip()
    points = _geojson_points(text) if text.startswith("{") else _wkt_points(text)
    return _around(points) if points else None


def _around(points: list[tuple[float, float]]) -> BoundingBox | None:
    longitudes = [longitude for longitude, _ in points]
    latitudes = [latitude for _, latitude in points]
    box = BoundingBox(min(longitudes), min(latitudes), max(longitudes), max(latitudes))
    finite = all(map(math.isfinite, (box.west, box.south, box.east, box.north)))
    inside = box.west >= -180 and box.east <= 180 and box.south >= -90 and box.north <= 90
    return box if finite and inside else None


def _wkt_points(text: str) -> list[tuple[float, float]]:
    found = _WKT.fullmatch(text)
    if found is None or found[2].upper() not in _SHAPES or (found[1] and not _WGS84.fullmatch(found[1])):
        return []
    numbers = [
        [float(number) for number in _NUMBER.findall(part)] for part in re.split(r"[(),]+", found[3]) if part.strip()
    ]
    if found[2].upper() == "ENVELOPE":
        return _envelope([number for part in numbers for number in part])
    return [(part[0], part[1]) for part in numbers] if all(len(part) in {2, 3} for part in numbers) else []


def _envelope(numbers: list[float]) -> list[tuple[float, float]]:
    """The corners of CQL's ENVELOPE, whose order is west, east, north, south."""
    if len(numbers) != 4:
        return []
    west, east, north, south = numbers
    return [(west, south), (east, north)]


def _geojson_points(text: str) -> list[tuple[float, float]]:
    try:
        return list(_points_of(json.loads(text), 0))
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return []


def _points_of(value: Any, depth: int) -> Iterator[tuple[float, float]]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        kind = value.get("type")
        if kind == "FeatureCollection":
            yield from (point for part in value["features"] for point in _points_of(part, depth + 1))
        elif kind == "Feature":
            yield from _points_of(value["geometry"], depth + 1)
        elif kind == "GeometryCollection":
            yield from (point for part in value["geometries"] for point in _points_of(part, depth + 1))
        else:
            yield from _points_of(value.get("coordinates"), depth + 1)
    elif isinstance(value, list) and value and not isinstance(value[0], list | dict):
        yield float(value[0]), float(value[1])
    elif isinstance(value, list):
        for part in value:
            yield from _points_of(part, depth + 1)
    else:
        raise TypeError("no coordinates")
