"""The box around a circle never leaves out a place within it."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.store.filters.circle import EARTH_METRES, checked_circle
from schema.errors import BadInput


def place(longitude: float, latitude: float, bearing: float, metres: float) -> tuple[float, float]:
    """Where one gets from a place (direct problem on the sphere, by vectors)."""
    lam, phi, way = math.radians(longitude), math.radians(latitude), metres / EARTH_METRES
    here = (math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi))
    east = (-math.sin(lam), math.cos(lam), 0.0)
    north = (-math.sin(phi) * math.cos(lam), -math.sin(phi) * math.sin(lam), math.cos(phi))
    step = [math.sin(bearing) * e + math.cos(bearing) * n for e, n in zip(east, north, strict=True)]
    x, y, z = (math.cos(way) * h + math.sin(way) * s for h, s in zip(here, step, strict=True))
    return math.degrees(math.atan2(y, x)), math.degrees(math.asin(max(-1.0, min(1.0, z))))


@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(1e-3, 1e6),
    st.floats(0, 2 * math.pi),
    st.floats(0, 1),
)
@example(180, 0, 5000, 1.57, 1)
@example(-180, 0, 5000, 4.7, 1)
@example(8.7, 90, 5000, 1, 1)
@example(8.7, 89.99, 1e6, 1.5, 1)
@example(179.99, 60, 1e6, 1.2, 1)
def test_whatever_is_in_the_circle_is_in_the_box(longitude, latitude, metres, bearing, share):
    circle = checked_circle({"longitude": longitude, "latitude": latitude, "radiusMetres": metres}, "filter.near")
    east, north = place(longitude, latitude, bearing, metres * share)
    slack = 1e-8
    assert circle.south - slack <= north <= circle.north + slack
    if abs(north) < 90 - 1e-6:  # at a pole every longitude is the same place
        within = circle.west - slack <= east <= circle.east + slack
        across = circle.west > circle.east and (east >= circle.west - slack or east <= circle.east + slack)
        turned = abs(abs(east) - 180) < 1e-6 and (
            circle.west == -180 or circle.east == 180 or circle.west > circle.east
        )
        assert within or across or turned


def test_the_box_is_not_much_too_large():
    circle = checked_circle({"longitude": 8.7, "latitude": 50.0, "radiusMetres": 1000}, "filter.near")
    assert circle.north - circle.south == pytest.approx(2 * 0.0089932, rel=1e-3)
    assert circle.east - circle.west == pytest.approx(2 * 0.0089932 / math.cos(math.radians(50)), rel=1e-3)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"longitude": 180.1, "latitude": 0, "radiusMetres": 1}, "180.1"),
        ({"longitude": 0, "latitude": -90.5, "radiusMetres": 1}, "-90.5"),
        ({"longitude": 0, "latitude": 0, "radiusMetres": 0}, "radiusMetres"),
        ({"longitude": 0, "latitude": 0, "radiusMetres": 1_000_001}, "1000001"),
        ({"longitude": 0, "latitude": 0, "radiusMetres": float("nan")}, "nan"),
    ],
)
def test_what_is_no_circle(value, told):
    with pytest.raises(BadInput, match=told) as caught:
        checked_circle(value, "filter.near")
    assert caught.value.hint
