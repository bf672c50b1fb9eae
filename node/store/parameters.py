"""Parameters of compiled statements: what is put into the text is a placeholder; the value is bound for each request.

A statement is compiled once for all requests of the same form. So it knows where a value lies, not the value: a `Bind`
reads it from the `Inputs` of a request. Values from outside become parameters, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from node.store.row_grant import ACCESS_LOG_GRANTED, NOTHING_GRANTED, RowGrant, bits
from policy.obligations import UNLIMITED
from schema.cursor import Position
from schema.errors import BadInput
from schema.selection import Field

ID_ARRAY = "int[]"  # lets PostgreSQL go to few datasets by an index
BITS = "varbit"  # costs the same for any number of datasets
FEW = 32


@dataclass(frozen=True)
class Scope:
    """What the caller may see: ids of datasets for the catalog, and for observations; `rows` is the second lock.

    `keys` has the keys of these datasets; `most_rows` is what a list of observations is cut to. A scope serves many
    requests, so what is derived from it is kept.
    """

    readable: tuple[int, ...]
    observable: tuple[int, ...]
    rows: RowGrant = NOTHING_GRANTED
    keys: Mapping[int, str] = field(default_factory=dict, compare=False)
    most_rows: int = UNLIMITED

    @property
    def is_obliged(self) -> bool:
        """Whether some of it comes under obligations (`node.store.obliged`)."""
        return bool(self.rows.obligations)

    @cached_property
    def sets(self) -> str:
        """The type that its sets of datasets are bound as."""
        return ID_ARRAY if len(self.readable) <= FEW else BITS

    @cached_property
    def readable_set(self) -> bytes:
        """Bound as `sets` says."""
        return _ENCODERS[self.sets](self.readable)

    @cached_property
    def observable_set(self) -> bytes:
        """Bound as `sets` says."""
        return _ENCODERS[self.sets](self.observable)

    def names(self, ids: bytes | None) -> frozenset[str]:
        """The keys of datasets, of whose ids PostgreSQL has made an array."""
        if ids is None:
            return NO_NAMES
        known = self._named.get(ids)
        if known is None:
            known = frozenset(self.keys[int(id_)] for id_ in ids[1:-1].split(b",") if id_)
            if len(self._named) < REMEMBERED and len(ids) <= SHORT:
                self._named[ids] = known
        return known

    @cached_property
    def _named(self) -> dict[bytes, frozenset[str]]:
        return {}


NO_NAMES: frozenset[str] = frozenset()
REMEMBERED = 64
SHORT = 1_024  # bytes


NOTHING = Scope((), ())
ACCESS_LOG = Scope((), (), ACCESS_LOG_GRANTED)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Observations by datastream and time, as arrays of PostgreSQL of the same length; the first and the last time."""

    ids: bytes
    times: bytes
    since: bytes
    last: bytes


class Inputs(msgspec.Struct, frozen=True):
    """What a statement is bound to: one root field of one request. `key` is that of a single object.

    `position` and `arrived`: of what is read in the order of its arrival.
    """

    root: Field
    scope: Scope
    after: Position | None = None
    key: str = ""
    position: int = 0
    arrived: Arrived | None = None


GENERIC = "force_generic_plan"
BY_VALUES = "force_custom_plan"

Bind = Callable[[Inputs], Any]
Path = tuple[int, ...]


def locate(root: Field, path: Path) -> Field:
    """The field that a path of child indexes leads to."""
    for index in path:
        root = root.children[index]
    return root


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered placeholders, and how its parameters are read from a request.

    `types`: OIDs of the parameters' types. `rows`: the children of a connection that come as columns, in order.
    `plan`: whether PostgreSQL plans once for all values, or may plan anew for these values.
    """

    sql: str
    binds: tuple[Bind, ...]
    types: tuple[int, ...]
    rows: tuple[Field, ...] = ()
    plan: str = GENERIC

    def bind(self, inputs: Inputs) -> list[bytes | None]:
        """The parameters in PostgreSQL's text form.

        Raises:
            BadInput: a value can't be used.
        """
        return [bind(inputs) for bind in self.binds]


class Names:
    """What stands for what in templates of SQL. Parameters are made when they are first named: PostgreSQL reads all."""

    def __init__(self, **makers: Callable[[], str]) -> None:
        self._makers = makers
        self._made: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def filled(self, **names: str) -> Mapping[str, str]:
        """These, and in addition aliases."""
        return _Filled(self, names)


class _Filled(dict[str, str]):
    def __init__(self, others: Names, names: Mapping[str, str]) -> None:
        super().__init__(names)
        self._others = others

    def __missing__(self, name: str) -> str:
        return self._others[name]


@dataclass(slots=True)
class Parameters:
    """Collects the parameters of a statement that is being compiled."""

    binds: list[Bind] = field(default_factory=list)
    types: list[int] = field(default_factory=list)

    def add(self, bind: Bind, cast: str) -> str:
        """The placeholder for a value that is read from each request."""
        encode = _ENCODERS[cast]

        def text(inputs: Inputs) -> bytes | None:
            value = bind(inputs)
            return None if value is None else encode(value)

        return self.add_text(text, cast)

    def add_text(self, bind: Bind, cast: str) -> str:
        """The placeholder for a value that is in PostgreSQL's text form already."""
        self.binds.append(bind)
        self.types.append(OIDS[cast])
        return f"${len(self.binds)}::{cast}"

    def statement(self, sql: str, rows: tuple[Field, ...] = (), plan: str = GENERIC) -> Statement:
        """The statement in which these parameters are used."""
        return Statement(sql, tuple(self.binds), tuple(self.types), rows, plan)

    def constant(self, value: Any, cast: str) -> str:
        """The placeholder for a value that all requests share."""
        encoded = _ENCODERS[cast](value)
        return self.add_text(lambda _inputs: encoded, cast)


def _text(value: str) -> bytes:
    if "\x00" in value:
        raise BadInput("an argument contains NUL", hint="send text without NUL")
    return value.encode("utf-8", "replace")


def _array(values: Sequence[int]) -> bytes:
    return b"{" + ",".join(map(str, values)).encode() + b"}"


def _text_array(values: Sequence[str]) -> bytes:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return _text("{" + ",".join(f'"{value}"' for value in quoted) + "}")


def _time(value: str | datetime) -> bytes:
    return (value if isinstance(value, str) else value.isoformat()).encode()


_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {
    "text": _text,
    "text[]": _text_array,
    "int[]": _array,
    "varbit": bits,
    "int": lambda value: str(int(value)).encode(),
    "bigint": lambda value: str(int(value)).encode(),
    "float8": lambda value: repr(float(value)).encode(),
    "bool": lambda value: b"t" if value else b"f",
    "timestamptz": _time,
    "json": lambda value: value if isinstance(value, bytes) else _text(value),
}

OIDS: Mapping[str, int] = {
    "text": 25,
    "text[]": 1009,
    "int[]": 1007,
    "varbit": 1562,
    "int": 23,
    "bigint": 20,
    "float8": 701,
    "bool": 16,
    "timestamptz": 1184,
    "timestamptz[]": 1185,
    "json": 114,
}
