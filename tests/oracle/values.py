"""Values for arguments: mostly what the world has, sometimes what it has not, rarely a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLScalarType

from tests.oracle.limits import OBSERVATIONS
from tests.oracle.resolvers import UNUSED_INPUT
from tests.oracle.world import CITY, STRANGER, SUSPENDED, World
from tests.oracle.worlds import (
    FORMATS,
    FREQUENCIES,
    LANGUAGES,
    LATITUDES,
    LONGITUDES,
    RESULTS,
    THEMES,
    TIMES,
    UNITS,
    VEHICLES,
)

MALFORMED_IDS = (
    "",
    "x",
    f"{CITY}:dataset",
    f"{CITY}:table:x",
    f"{CITY}:sensor:a",
    "Gießen:dataset:a",
    "\x00",
    "a" * 250,
)
MALFORMED_CURSORS = ("", "x", "WzEsImEiXQ", "WzEsIngiLCJhIiwiYiIsImMiXQ")
NOTHING: Mapping[str, Any] = {}
TIME_SHIFTS = (timedelta(), timedelta(microseconds=1), timedelta(hours=-1), timedelta(days=300))
AFTERWARDS = (timedelta(microseconds=1), timedelta(hours=1), timedelta(days=300))


class Values:
    """Chooses values for one world. In one of ten cases some may be wrong."""

    def __init__(self, choices: Iterator[int], world: World) -> None:
        self._choices = choices
        self._world = world
        self._mistakes = self.chance(10)

    def of(self, place: tuple[str, str], type_: Any, given: Mapping[str, Any] = NOTHING) -> Any:
        """A JSON value for an argument or input field, given where it stands: (type, field or argument).

        `given` are the arguments beside it: some orders need a filter.
        """
        if isinstance(type_, GraphQLNonNull):
            return self._present(place, type_.of_type, given)
        return None if self.chance(10) else self._present(place, type_, given)

    def chance(self, percent: int) -> bool:
        """True in about so many cases of a hundred. Shrinks to False."""
        return self._below(100) >= 100 - percent

    def pick(self, values: Sequence[Any]) -> Any:
        """One of them. Shrinks to the first."""
        return values[self._below(len(values))]

    def _below(self, end: int) -> int:
        return next(self._choices, 0) % end

    def _present(self, place: tuple[str, str], type_: Any, given: Mapping[str, Any]) -> Any:
        if isinstance(type_, GraphQLList):
            return [self._one(place, type_.of_type) for _ in range(0 if self.chance(5) else self.pick((1, 2, 3)))]
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        return self._one(place, type_, given)

    def _object(self, type_: GraphQLInputObjectType) -> Any:
        if type_.name == "TimeInterval":
            return self._interval()
        if type_.name == "BoundingBoxInput":
            return self._box()
        if type_.name == "NearInput":
            return self._circle()
        if type_.name in ("TimeRange", "ResultRange"):
            return self._range(type_)
        names = [name for name in type_.fields if (type_.name, name) not in UNUSED_INPUT]
        chosen = {self.pick(names) for _ in range(self.pick((1, 1, 2, 0, 3)))}  # more would leave no rows
        chosen |= {name for name in names if isinstance(type_.fields[name].type, GraphQLNonNull)}
        return {name: self.of((type_.name, name), type_.fields[name].type) for name in names if name in chosen}

    def _one(self, place: tuple[str, str], type_: Any, given: Mapping[str, Any] = NOTHING) -> Any:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLEnumType):
            return self._enum(type_, given)
        kind = _IDS.get(place) or _IDS_OF_ANY.get(place[1])
        if kind == "city":
            return self.pick((STRANGER, "")) if self._wrong() else self._city()
        if kind is not None:
            return self._id(kind)
        if place[1] in _TEXTS_OF:
            texts = tuple(_TEXTS_OF[place[1]](self._world))
            return self.pick(texts) if texts and not self.chance(10) else "nichts"
        assert isinstance(type_, GraphQLScalarType), f"the oracle has no values for {place}"
        return self._scalar(type_.name, place[1])

    def _enum(self, type_: GraphQLEnumType, given: Mapping[str, Any]) -> str:
        if "DISTANCE" in type_.values and (given.get("filter") or {}).get("near") and self.chance(50):
            return "DISTANCE"
        return self.pick([value for value in type_.values if value not in _ORDERS_WITH_NEEDS or self._wrong()])

    def _scalar(self, type_name: str, name: str) -> Any:
        match type_name:
            case "Int":
                return self._first() if name == "first" else self.pick((0, 1, 2, 5))
            case "DateTime":
                return self._time()
            case "Float":
                return self.pick(_NUMBERS[name])
            case "Boolean":
                return self.pick((False, True))
            case "String" if name == "after":
                return self.pick(MALFORMED_CURSORS) if self._wrong() else None
        raise AssertionError(f"the oracle has no values for {name}: {type_name}")

    def _id(self, kind: str) -> str:
        if self._wrong():
            return self.pick(MALFORMED_IDS)
        keys = keys_of(kind, self._world)
        city = CITY if not self.chance(10) else self.pick((SUSPENDED, STRANGER))
        return f"{city}:{kind}:{self.pick(keys) if keys and not self.chance(10) else 'nichts'}"

    def _city(self) -> str:
        return self.pick((CITY, CITY, CITY, SUSPENDED)) if self._world.has_suspended else CITY

    def _first(self) -> int:
        return (
            self.pick((-1, OBSERVATIONS + 1, 2**31 - 1))
            if self._wrong()
            else 0
            if self.chance(4)
            else self.pick((3, 1, 2, 7, 30))
        )

    def _time(self) -> str:
        time = self.pick(TIMES) + self.pick(TIME_SHIFTS)
        return self.pick((time.isoformat(), time.isoformat().replace("+00:00", "Z")))

    def _interval(self) -> dict[str, str]:
        if self._wrong():
            return {"start": TIMES[0].isoformat(), "end": self.pick((TIMES[0], TIMES[1])).isoformat()}
        if not self.chance(60):
            return {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T00:00:00+00:00"}
        start, end = sorted((self.pick(TIMES), self.pick(TIMES)))
        return {"start": start.isoformat(), "end": (end + self.pick(AFTERWARDS)).isoformat()}

    def _box(self) -> dict[str, float]:
        west, east = sorted((self.pick((-180.0, *LONGITUDES)), self.pick((180.0, *LONGITUDES))))
        south, north = sorted((self.pick((-90.0, *LATITUDES)), self.pick((90.0, *LATITUDES))))
        if self._wrong():
            east, north = self.pick(((west - 1, north), (east, 91.0), (1e308, north)))
        return {"west": west, "south": south, "east": east, "north": north}

    def _circle(self) -> dict[str, float]:
        metres = self.pick((0, -1, 1_000_001) if self._wrong() else _NUMBERS["radiusMetres"])
        places = [thing.location for thing in self._world.things if thing.location is not None]
        longitude, latitude = self.pick(LONGITUDES), self.pick(LATITUDES)
        if not self.chance(30) and places:
            longitude, latitude = self.pick(places)
        return {"longitude": longitude, "latitude": latitude, "radiusMetres": metres}

    def _range(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        names = tuple(type_.fields)
        values = TIMES if "start" in names else _NUMBERS["min"]
        ends = sorted((self.pick(values), self.pick(values)), reverse=self._wrong())
        told = [end.isoformat() if "start" in names else end for end in ends]
        return {name: end for name, end in zip(names, told, strict=True) if not self.chance(30)}

    def _wrong(self) -> bool:
        return self._mistakes and self.chance(35)


def keys_of(kind: str, world: World) -> list[str]:
    """Local parts of the ids of a kind of row."""
    return [one.key for one in _KEYS[kind](world)]


_ORDERS_WITH_NEEDS = ("RELEVANCE", "DISTANCE")
_NUMBERS: dict[str, Sequence[float]] = {
    **dict.fromkeys(("west", "east", "longitude"), LONGITUDES),
    **dict.fromkeys(("south", "north", "latitude"), LATITUDES),
    **dict.fromkeys(("min", "max"), tuple(value for value in RESULTS if value is not None)),
    "radiusMetres": (20_000.25, 7_000.5, 999_999.0, 1e-3),
}
_KEYS: dict[str, Callable[[World], Iterable[Any]]] = {
    "dataset": lambda world: world.datasets,
    "thing": lambda world: world.things,
    "datastream": lambda world: world.datastreams,
}
_TEXTS_OF: dict[str, Callable[[World], Iterable[str]]] = {
    "themes": lambda _: THEMES,
    "keywords": lambda world: [word for dataset in world.datasets for word in dataset.keywords],
    "publishers": lambda world: [publisher.name for publisher in world.publishers],
    "licences": lambda world: [licence.key for licence in world.licences],
    "formats": lambda _: FORMATS,
    "languages": lambda _: LANGUAGES,
    "accrualPeriodicities": lambda _: FREQUENCIES,
    "hvdCategories": lambda world: [dataset.hvd_category for dataset in world.datasets if dataset.hvd_category],
    "observedProperties": lambda world: [one.key for one in world.observed_properties],
    "vehicleClasses": lambda _: VEHICLES,
    "units": lambda _: UNITS,
    "directions": lambda world: [stream.direction for stream in world.datastreams if stream.direction],
}
# what ids stand for; lists of texts are told by their name alone
_IDS = {
    ("Query.dataset", "id"): "dataset",
    ("Query.thing", "id"): "thing",
    ("Query.datastream", "id"): "datastream",
    ("DatasetFilter", "ids"): "dataset",
    ("ThingFilter", "ids"): "thing",
    ("DatastreamFilter", "ids"): "datastream",
}
_IDS_OF_ANY = {"datasets": "dataset", "things": "thing", "datastreams": "datastream", "cities": "city"}
