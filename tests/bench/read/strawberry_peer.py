"""Naive Strawberry: dataclass resolvers, a statement per field, Strawberry's own Litestar controller. What one writes first.

`python -m tests.bench.read.strawberry_peer PORT` serves it; libpq's variables say where the database is.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

import strawberry
import uvicorn
from litestar import Litestar
from psycopg_pool import AsyncConnectionPool
from strawberry.litestar import make_graphql_controller

from tests.bench.read.job import REPOSITORY
from tests.bench.read.libpq import libpq_environment
from tests.bench.read.service import Service, free_port, service

POOL = 10
COLUMNS = "id, name, unit, vehicle_class"
OBSERVATIONS = (
    "select phenomenon_time, result, quality from observation where datastream_id = %s"
    " order by phenomenon_time desc limit %s"
)

pool = AsyncConnectionPool(
    "", min_size=POOL, max_size=POOL, open=False, kwargs={"autocommit": True, "options": "-c TimeZone=UTC"}
)


async def rows(statement: str, *parameters: object) -> list[tuple]:
    async with pool.connection() as connection:
        return await (await connection.execute(statement, parameters)).fetchall()


@strawberry.type
class Observation:
    phenomenon_time: datetime
    result: float | None
    quality: str


@strawberry.type
class Datastream:
    id: int
    name: str
    unit: str
    vehicle_class: str | None

    @strawberry.field
    async def observations(self, first: int) -> list[Observation]:
        found = await rows(OBSERVATIONS, self.id, first)
        return [Observation(phenomenon_time=time, result=result, quality=quality) for time, result, quality in found]


def datastream_of(row: tuple) -> Datastream:
    id_, name, unit, vehicle_class = row
    return Datastream(id=id_, name=name, unit=unit, vehicle_class=vehicle_class)


@strawberry.type
class Query:
    @strawberry.field
    async def datastream(self, id: int) -> Datastream | None:  # noqa: A002 - the argument's name in the API
        found = await rows(f"select {COLUMNS} from datastream where id = %s", id)
        return datastream_of(found[0]) if found else None

    @strawberry.field
    async def datastreams(self, first: int) -> list[Datastream]:
        found = await rows(f"select {COLUMNS} from datastream order by id limit %s", first)
        return [datastream_of(row) for row in found]


@asynccontextmanager
async def lifespan(_app: Litestar) -> AsyncIterator[None]:
    async with pool:
        yield


def create_app() -> Litestar:
    controller = make_graphql_controller(strawberry.Schema(Query), path="/graphql", graphql_ide=None)
    return Litestar([controller], lifespan=[lifespan], openapi_config=None, logging_config=None)


@contextmanager
def naive_strawberry(database_url: str, log: Path) -> Iterator[Service]:
    """The server, ready."""
    port = free_port()
    with service(
        "strawberry",
        [sys.executable, "-m", "tests.bench.read.strawberry_peer", str(port)],
        port=port,
        ready="/",
        log=log,
        cwd=REPOSITORY,
        environment=libpq_environment(database_url),
    ) as running:
        yield running


if __name__ == "__main__":
    uvicorn.run(
        "tests.bench.read.strawberry_peer:create_app",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
    )
