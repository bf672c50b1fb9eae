"""Run compiled statements. Only the gate may import this: it is where data comes out of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from node.store.compiler import Compiler, PageLimits, Scope
from node.store.pool import Pool
from schema.cursor import Position
from schema.errors import BadInput, TooCostly, Unavailable
from schema.selection import Field


@dataclass(frozen=True, slots=True)
class Page:
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


@dataclass(frozen=True, slots=True)
class Single:
    """One object as JSON, or None. `denied`: datasets beyond the scope that it belongs to."""

    json: bytes | None
    datasets: frozenset[str]
    denied: frozenset[str]
    epoch: int


class Reader:
    """Reads this city's data within a scope."""

    def __init__(self, pool: Pool, city: str, limits: PageLimits) -> None:
        self._pool = pool
        self._city = city
        self.limits = limits

    async def page(self, root: Field, scope: Scope, after: Position | None) -> Page:
        """A page of a root connection.

        Raises:
            BadInput: an argument can't be used.
            TooCostly: the statement ran into its time-out.
            Unavailable: the database can't be reached.
        """
        first = self.limits.check(root.type_name.removesuffix("Connection"), root.arguments.get("first", 20))
        statement = Compiler(self._city, scope, self.limits).list_statement(root, after, first)
        *arrays, count, start, end, datasets, denied, epoch = await self._row(statement.sql, statement.parameters)
        size = sum(map(len, arrays))
        if size > self.limits.answer_bytes:
            raise TooCostly(
                f"{root.key}: the answer has {size} bytes; the limit is {self.limits.answer_bytes}",
                hint="lower `first`, or select fewer fields",
            )
        return Page(
            columns={child.key: array for child, array in zip(statement.rows, arrays, strict=True)},
            rows=min(count, first),
            has_next=count > first,
            start_cursor=start,
            end_cursor=end,
            datasets=frozenset(datasets or ()),
            denied=frozenset(denied or ()),
            epoch=epoch,
            as_of=datetime.now(UTC),
        )

    def check(self, root: Field) -> None:
        """Check the arguments of a root connection as `page` would. Raises BadInput."""
        first = self.limits.check(root.type_name.removesuffix("Connection"), root.arguments.get("first", 20))
        Compiler(self._city, Scope((), ()), self.limits).list_statement(root, None, first)

    async def single(self, root: Field, scope: Scope, key: str) -> Single:
        """One object by its key; raises as `page`."""
        statement = Compiler(self._city, scope, self.limits).single_statement(root, key)
        json, datasets, denied, epoch = await self._row(statement.sql, statement.parameters)
        return Single(json, frozenset(datasets or ()), frozenset(denied or ()), epoch)

    async def _row(self, sql: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(sql, parameters)
                row = await cursor.fetchone()
        except psycopg.errors.QueryCanceled as error:
            raise TooCostly(
                "the query took longer than the database may", hint="narrow the filter or the interval, or ask for less"
            ) from error
        except psycopg.DataError as error:
            raise BadInput("an argument lies outside what the database can hold", hint="use nearer values") from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database can't be reached") from error
        assert row is not None
        return row
