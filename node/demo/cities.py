"""The four cities of the demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoCity:
    """A city's node in the demo; it listens on 127.0.0.1."""

    id: str
    name: str
    ags: str
    port: int


CITIES = (
    DemoCity("offenbach", "Offenbach am Main", "06413000", 8101),
    DemoCity("giessen", "Gießen", "06531005", 8102),
    DemoCity("wetzlar", "Wetzlar", "06532023", 8103),
    DemoCity("fulda", "Fulda", "06631009", 8104),
)
