"""Run compiled statements. Only the gate may import this: it is where data comes out of the database."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

import msgspec
import orjson
import psycopg
from psycopg.pq.abc import PGresult

from node.store.arrivals import Arrivals, arrivals_in, compile_arrivals, compile_arrived
from node.store.compiler import compile_denied, compile_list, compile_single
from node.store.draft import Draft
from node.store.limits import PageLimits
from node.store.page import ROWS
from node.store.parameters import NO_NAMES, NOTHING, Arrived, Inputs, Scope, Statement
from node.store.results import RESULTS
from node.store.row_grant import SET_GRANT_AND_PLAN, SET_OBLIGED
from node.store.session import Call
from node.store.sessions import Sessions
from node.store.statistics.frame import buckets_of
from schema.cursor import Position
from schema.errors import BadInput, TooCostly, Unavailable
from schema.selection import Field
from schema.spans import span

REMEMBERED = 1_024
ANY_TIME = b"", b""
BEYOND_LIMITS = "54"  # class of errors: texts of a gigabyte, expressions that are nested too deeply
BATCHES = "ObservationBatch"
NO_ARRIVALS = Arrived(b"{}", b"{}", b"", b"")
OBLIGED = "/* obliged */ "  # a text of its own: what is prepared reads the views that it was prepared with
_Members: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Page(msgspec.Struct, frozen=True):
    """Rows of a list. `columns` holds a JSON array for each `edges` and `nodes` child, by response key."""

    columns: Mapping[str, bytes]
    rows: int
    has_next: bool
    start_cursor: str | None
    end_cursor: str | None
    datasets: frozenset[str]
    denied: frozenset[str]
    epoch: int
    as_of: datetime


class Part(msgspec.Struct, frozen=True):
    """This city's part of a result: what the root field selects as JSON, by response key; rows are those read."""

    members: Mapping[str, bytes]
    rows: int
    datasets: frozenset[str]
    denied: frozenset[str]
    epoch: int
    as_of: datetime

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.members.values()))


class Single(msgspec.Struct, frozen=True):
    """One object as JSON, or None. `denied`: datasets beyond the scope that it belongs to."""

    json: bytes | None
    datasets: frozenset[str]
    denied: frozenset[str]
    epoch: int


class Reader:
    """Reads this city's data within a scope."""

    def __init__(self, sessions: Sessions, city: str, limits: PageLimits) -> None:
        self._sessions = sessions
        self._city = city
        self.limits = limits
        self._statements: OrderedDict[Hashable, Statement] = OrderedDict()

    async def page(self, root: Field, scope: Scope, after: Position | None) -> Page:
        """A page of a root connection.

        Raises:
            BadInput: an argument can't be used.
            TooCostly: the statement ran into its time-out, or the answer is too large.
            Unavailable: the database can't be reached.
        """
        statement = self._list_statement(root, scope.sets, after=after is not None)
        result = await self._run(statement, Inputs(root, scope, after))
        arrays = [_bytes(result, column) for column in range(len(statement.rows))]
        is_told = bool(arrays) and statement.rows[0].name in ROWS and arrays[0].isdigit()
        self._check_size(root, int(arrays[0]) if is_told else sum(map(len, arrays)))
        count, has_next, start, end, datasets, denied, epoch = (
            result.get_value(0, column) for column in range(len(arrays), len(arrays) + 7)
        )
        return Page(
            columns={child.key: array for child, array in zip(statement.rows, arrays, strict=True)},
            rows=int(count or 0),
            has_next=has_next == b"t",
            start_cursor=start.decode() if start else None,
            end_cursor=end.decode() if end else None,
            datasets=scope.names(datasets),
            denied=_keys(denied),
            epoch=int(epoch or 0),
            as_of=datetime.now(UTC),
        )

    def check(self, root: Field) -> None:
        """Check the arguments of a root field as reading it would. Raises BadInput."""
        sets = NOTHING.sets
        if root.type_name in RESULTS:
            statement = self._result_statement(root, sets)
        elif root.type_name.endswith("Connection"):
            statement = self._list_statement(root, sets, after=False)
        elif root.type_name == BATCHES:
            statement = self._known("arrived", root, sets, compile_arrived)
        else:
            statement = self._known("single", root, sets, compile_single)
        statement.bind(Inputs(root, NOTHING, arrived=NO_ARRIVALS))

    async def parts(self, root: Field, scope: Scope) -> Part:
        """This city's part of a result; raises as `page`."""
        result = await self._run(self._result_statement(root, scope.sets), Inputs(root, scope))
        json = _bytes(result, 0)
        self._check_size(root, len(json))
        rows, datasets, denied, epoch, *refused = (result.get_value(0, column) for column in range(1, result.nfields))
        if refused and refused[0] is not None:
            raise TooCostly(
                f"{root.key}: {refused[0].decode()}", hint="narrow the filter, group by less, or choose longer buckets"
            )
        return Part(
            members=_members(root, json),
            rows=int(rows or 0),
            datasets=scope.names(datasets),
            denied=_keys(denied),
            epoch=int(epoch or 0),
            as_of=datetime.now(UTC),
        )

    async def single(self, root: Field, scope: Scope, key: str) -> Single:
        """One object by its key; raises as `page`."""
        inputs = Inputs(root, scope, key=key)
        statement = self._known("single", root, scope.sets, compile_single)
        result = await self._run(statement, inputs)
        json, datasets, epoch = (result.get_value(0, column) for column in range(3))
        if json is not None:
            self._check_size(root, len(json))
            return Single(json, scope.names(datasets), NO_NAMES, int(epoch or 0))
        statement = self._known("denied", root, scope.sets, compile_denied)
        result = await self._run(statement, inputs)
        return Single(None, NO_NAMES, _keys(result.get_value(0, 0)), int(result.get_value(0, 1) or 0))

    async def arrivals(self, root: Field, scope: Scope, after: int | None) -> Arrivals:
        """Which observations have arrived after a position; None is the start. Raises as `page`."""
        kind = f"arrivals {after is None} {scope.is_obliged}"
        statement = self._known(
            kind,
            root,
            scope.sets,
            lambda draft: compile_arrivals(draft, is_start=after is None, is_obliged=scope.is_obliged),
        )
        result = await self._run(statement, Inputs(root, scope, position=after or 0))
        return arrivals_in(result, _keys(result.get_value(0, result.nfields - 2)))

    async def arrived(self, root: Field, scope: Scope, found: Arrived) -> Page:
        """Observations that have arrived; raises as `page`."""
        statement = self._known("arrived", root, scope.sets, compile_arrived)
        result = await self._run(statement, Inputs(root, scope, arrived=found))
        arrays = [_bytes(result, column) for column in range(len(statement.rows))]
        self._check_size(root, sum(map(len, arrays)))
        count, datasets, epoch = (result.get_value(0, column) for column in range(len(arrays), len(arrays) + 3))
        return Page(
            columns={child.key: array for child, array in zip(statement.rows, arrays, strict=True)},
            rows=int(count or 0),
            has_next=False,
            start_cursor=None,
            end_cursor=None,
            datasets=scope.names(datasets),
            denied=NO_NAMES,
            epoch=int(epoch or 0),
            as_of=datetime.now(UTC),
        )

    def _list_statement(self, root: Field, sets: str, *, after: bool) -> Statement:
        kind = "list after" if after else "list"
        return self._known(kind, root, sets, partial(compile_list, after=after))

    def _result_statement(self, root: Field, sets: str) -> Statement:
        return self._known("result", root, sets, RESULTS[root.type_name])

    def _known(self, kind: str, root: Field, sets: str, compile_: Callable[[Draft], Statement]) -> Statement:
        """The statement for all requests of this form; a field without a form is compiled anew."""
        key = kind, sets, root.shape
        statement = self._statements.get(key) if root.shape is not None else None
        if statement is None:
            with span("compile"):
                statement = compile_(Draft(root, self._city, self.limits, sets))
            if root.shape is not None:
                self._statements[key] = statement
                if len(self._statements) > REMEMBERED:
                    self._statements.popitem(last=False)
        return statement

    def _check_size(self, root: Field, size: int) -> None:
        if size > self.limits.answer_bytes:
            raise TooCostly(
                f"{root.key}: the answer has {size} bytes; the limit is {self.limits.answer_bytes}",
                hint="lower `first`, or select fewer fields",
            )

    async def _run(self, statement: Statement, inputs: Inputs) -> PGresult:
        """Run a statement that returns one row, under the row security of the scope."""
        scope = inputs.scope
        settings = Call(SET_GRANT_AND_PLAN, (*scope.rows.parameters, statement.plan.encode()))
        sql = statement.sql
        if scope.is_obliged:
            settings = Call(SET_OBLIGED, (*settings.parameters, scope.rows.obligations, *asked_time(inputs)))
            sql = f"{OBLIGED}{sql}"
        try:
            with span("database"):
                _, result = await self._sessions.read(settings, Call(sql, statement.bind(inputs), statement.types))
        except psycopg.errors.QueryCanceled as error:
            raise TooCostly(
                f"the query took longer than {self._sessions.statement_ms} ms, the limit of a statement",
                hint="narrow the filter or the interval, or ask for less",
            ) from error
        except psycopg.DataError as error:
            raise BadInput("an argument lies outside what the database can hold", hint="use nearer values") from error
        except psycopg.OperationalError as error:
            if (error.sqlstate or "").startswith(BEYOND_LIMITS):  # the database is well; nobody shall think it is down
                raise TooCostly(
                    f"{inputs.root.key}: the answer is larger than the database can make",
                    hint="lower `first`, or select fewer fields",
                ) from error
            raise Unavailable("the database can't be reached") from error
        return result


def asked_time(inputs: Inputs) -> tuple[bytes, bytes]:
    """From when until when observations are asked for anywhere in the tree, as times of PostgreSQL; empty for any."""
    root, arrived = inputs.root, inputs.arrived
    listed = [field.arguments.get("during") for field in _fields(root) if field.type_name == "ObservationConnection"]
    if arrived is not None:
        return ANY_TIME if listed else (arrived.since, arrived.last)
    durings = [during for during in listed if during is not None]
    if len(durings) < len(listed):
        return ANY_TIME
    times = [datetime.fromisoformat(during[end]) for during in durings for end in ("start", "end")]
    if root.name in ("series", "aggregate"):
        buckets = buckets_of({"every": None, "timeZone": "UTC", **root.arguments})
        times += [buckets.start, buckets.end, *([buckets.earlier.start] if buckets.earlier is not None else [])]
    return (min(times).isoformat().encode(), max(times).isoformat().encode()) if times else ANY_TIME


def _fields(root: Field) -> Iterator[Field]:
    yield root
    for child in root.children:
        yield from _fields(child)


def _members(root: Field, json: bytes) -> dict[str, bytes]:
    """A part is an object by response key, or the array of the one list that is selected."""
    if json.startswith(b"["):
        (listed,) = (child for child in root.children if child.children and child.name != "federation")
        return {listed.key: json}
    return {key: bytes(value) for key, value in _Members.decode(json).items()}


def _bytes(result: PGresult, column: int) -> bytes:
    value = result.get_value(0, column)
    assert value is not None
    return value


def _keys(array: bytes | None) -> frozenset[str]:
    return frozenset(orjson.loads(array)) if array is not None else frozenset()
