"""Counting stations of the demo: real street names, invented counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Station:
    """A station with its place (WGS 84 degrees) and its size: bicycles and cars in the busiest quarter of an hour."""

    key: str
    name: str
    longitude: float
    latitude: float
    bicycles: int
    cars: int


STATIONS: Mapping[str, tuple[Station, ...]] = {
    "offenbach": (
        Station("berliner-strasse", "Berliner Straße", 8.7636, 50.1069, 18, 210),
        Station("mainufer", "Mainuferweg", 8.7685, 50.1121, 46, 12),
        Station("waldstrasse", "Waldstraße", 8.7650, 50.0964, 14, 165),
        Station("kaiserleipromenade", "Kaiserleipromenade", 8.7422, 50.1080, 27, 240),
    ),
    "giessen": (
        Station("westanlage", "Westanlage", 8.6690, 50.5841, 35, 230),
        Station("licher-strasse", "Licher Straße", 8.6935, 50.5822, 42, 140),
        Station("lahnuferweg", "Lahnuferweg", 8.6655, 50.5817, 38, 8),
        Station("frankfurter-strasse", "Frankfurter Straße", 8.6678, 50.5741, 29, 175),
    ),
    "wetzlar": (
        Station("hochstrasse", "Hochstraße B 49", 8.4990, 50.5668, 3, 420),
        Station("alte-lahnbruecke", "Alte Lahnbrücke", 8.4986, 50.5537, 31, 20),
        Station("ernst-leitz-strasse", "Ernst-Leitz-Straße", 8.4970, 50.5472, 12, 130),
    ),
    "fulda": (
        Station("leipziger-strasse", "Leipziger Straße", 9.6880, 50.5590, 15, 220),
        Station("bardostrasse", "Bardostraße", 9.6645, 50.5450, 17, 185),
        Station("fuldaaue", "Fuldaaue", 9.6620, 50.5395, 40, 6),
        Station("heinrichstrasse", "Heinrichstraße", 9.6812, 50.5520, 22, 110),
    ),
}
