"""The worlds of several cities, and the one world that holds all of them: keys tell whose a row is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.oracle.world import Dataset, Datastream, World
from tests.oracle.worlds import _Maker

CITIES = ("giessen", "hanau", "kassel")
GUEST = "offenbach"  # has no data, and agreements with the others
NODES = (*CITIES, GUEST)
UNION = "alle"
SMALLEST, LARGEST = 1e-9, 1e9  # beyond, PostgreSQL refuses means and squares here or there
_ID = re.compile(rf"({'|'.join(CITIES)}):([a-z]+):(.*)", re.DOTALL)


def made_up(seed: int) -> dict[str, World]:
    """A world for each city."""
    return {city: _tame(_Maker(seed * len(CITIES) + number).world()) for number, city in enumerate(CITIES)}


def union_of(worlds: Mapping[str, World]) -> World:
    """One city that has it all. What has a key in common is one: words of the trade, not rows of anybody."""
    own = [_marked(city, world) for city, world in worlds.items()]
    return World(
        **{
            name: tuple({one.key: one for world in own for one in getattr(world, name)}.values())
            for name in ("publishers", "contacts", "licences", "datasets", "things", "sensors", "observed_properties")
        },
        datastreams=tuple(stream for world in own for stream in world.datastreams),
        agreements=tuple(agreement for world in own for agreement in world.agreements),
    )


def in_union(value: Any) -> Any:
    """An answer of the cities with the ids of the union."""
    if isinstance(value, dict):
        return {name: in_union(one) for name, one in value.items()}
    if isinstance(value, list):
        return [in_union(one) for one in value]
    found = _ID.fullmatch(value) if isinstance(value, str) else None
    return f"{UNION}:{found[2]}:{marked(found[1], found[3])}" if found else value


def marked(city: str, key: str) -> str:
    """The key that a row of a city has in the union."""
    return f"{city}~{key}"


def _tame(world: World) -> World:
    streams = tuple(
        replace(
            stream,
            observations=tuple(
                one if not one.result or SMALLEST <= abs(one.result) <= LARGEST else replace(one, result=17.0)
                for one in stream.observations
            ),
        )
        for stream in world.datastreams
    )
    return replace(world, datastreams=streams, has_suspended=False, forbidden=None)


def _marked(city: str, world: World) -> World:
    def named(record: Any) -> Any:
        return record and replace(record, key=marked(city, record.key))

    def dataset(one: Dataset) -> Dataset:
        return replace(named(one), publisher=named(one.publisher), contact=named(one.contact))

    def stream(one: Datastream) -> Datastream:
        return replace(named(one), dataset=dataset(one.dataset), thing=named(one.thing), sensor=named(one.sensor))

    return replace(
        world,
        publishers=tuple(map(named, world.publishers)),
        contacts=tuple(map(named, world.contacts)),
        datasets=tuple(map(dataset, world.datasets)),
        things=tuple(map(named, world.things)),
        sensors=tuple(map(named, world.sensors)),
        datastreams=tuple(map(stream, world.datastreams)),
        agreements=tuple(
            replace(one, id=marked(city, one.id), datasets=frozenset(marked(city, key) for key in one.datasets))
            for one in world.agreements
        ),
    )
