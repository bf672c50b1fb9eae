"""A circle on the ground and the box around it, in WGS 84 degrees. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from node.store.arguments import Values
from schema.errors import BadInput

EARTH_METRES = 6_371_008.8  # mean radius, as in the function metres_between of the migration
MAX_METRES = 1_000_000
_SLACK = 1e-9  # degrees, for rounding: the box may be too large, never too small


@dataclass(frozen=True, slots=True)
class Circle:
    """Middle, radius, and the box around: if `west` is more than `east` it crosses the date line."""

    longitude: float
    latitude: float
    metres: float
    west: float
    south: float
    east: float
    north: float


def checked_circle(value: Values, argument: str) -> Circle:
    """The circle of a `NearInput`.

    Raises:
        BadInput: it has no middle on the ground, or too small or too large a radius.
    """
    longitude, latitude, metres = value["longitude"], value["latitude"], value["radiusMetres"]
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise BadInput(
            f"{argument}: {longitude}, {latitude} is not a place in WGS 84 degrees",
            hint="longitude within -180 to 180, latitude within -90 to 90",
        )
    if not 0 < metres <= MAX_METRES:
        raise BadInput(
            f"{argument}.radiusMetres: {metres} is not more than 0 and at most {MAX_METRES}",
            hint="choose another radius, or use bbox",
        )
    reach = math.degrees(metres / EARTH_METRES) + _SLACK
    south, north = latitude - reach, latitude + reach
    if south <= -90 or north >= 90:  # around a pole: every longitude
        return Circle(longitude, latitude, metres, -180.0, max(south, -90.0), 180.0, min(north, 90.0))
    aside = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(latitude))))) + _SLACK
    west, east = longitude - aside, longitude + aside
    if west < -180:
        west += 360
    if east > 180:
        east -= 360
    if aside >= 180:
        west, east = -180.0, 180.0
    return Circle(longitude, latitude, metres, west, south, east, north)
