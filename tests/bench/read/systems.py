"""The systems under test, all asked the same way: `graphql` ones over HTTP, and the bare statement."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import orjson
import psycopg

from node.auth.token_client import Access
from tests.bench.read.job import HttpJob, Load, LoadFailed, Proofs, SqlJob, run_client
from tests.bench.read.queries import CITY, Query, datastream_key

ENOUGH = 0.8  # an answer that is shorter than this share of the checked one is a failure
TIMEOUT_S = 60
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class System(Protocol):
    """What the campaign knows of a system. `pid` is its server's; None if it has none, and its client's memory counts.

    `owners`: processes of servers that it asks in turn.
    """

    name: str
    pid: int | None
    owners: Sequence[int]
    asked: int

    def ask(self, query: Query, number: int) -> Any:
        """The data for one datastream, for comparison."""

    def load(self, query: Query, connections: int, seconds: float) -> Load:
        """Measure; `ask` comes first, since it tells how long answers are."""


class GraphQLSystem:
    """A GraphQL server. `token` gives an access token; the datastream's id is made by `id_of`."""

    def __init__(
        self,
        name: str,
        port: int,
        pid: int,
        *,
        id_of: Callable[[int], int | str | list[str]] = lambda number: number,
        token: Callable[[], Access] | None = None,
        owners: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.pid: int | None = pid
        self.owners = owners
        self.asked = 0
        self._port = port
        self._id_of = id_of
        self._token = token
        self._least: dict[str, int] = {}

    def ask(self, query: Query, number: int) -> Any:
        """See `System`."""
        body = self.post({"query": query.documents[self.name], "variables": self._variables(query, number)})
        self._least[query.name] = int(len(body) * ENOUGH)
        return orjson.loads(body)["data"]

    def post(self, question: dict[str, Any]) -> bytes:
        """The body of the answer; raises LoadFailed if there are errors in it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", "/graphql", orjson.dumps(question), self._headers())
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        self.asked += 1
        if response.status != 200 or "errors" in orjson.loads(body):
            raise LoadFailed(f"{self.name} answered {response.status}: {body[:500].decode(errors='replace')}")
        return body

    def load(self, query: Query, connections: int, seconds: float) -> Load:
        """See `System`."""
        requests = [self._request(query, number) for number in _turns(query)]
        least = [self._least[query.name]] * len(requests)
        job = HttpJob(self._port, requests, least, connections, seconds, self._proofs())
        load = run_client("tests.bench.read.http_client", job)
        self.asked += load.answers
        return load

    def _request(self, query: Query, number: int) -> bytes:
        body = orjson.dumps({"query": query.documents[self.name], "variables": self._variables(query, number)})
        own = {} if self._token is None else {"Authorization": f"DPoP {self._token().token}"}
        head = [f"{name}: {value}" for name, value in {**HEADERS, **own}.items()]
        lines = ["POST /graphql HTTP/1.1", f"Host: 127.0.0.1:{self._port}", *head, f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _headers(self) -> dict[str, str]:
        return HEADERS if self._token is None else HEADERS | self._token().headers("POST", self._url)

    def _proofs(self) -> Proofs | None:
        if self._token is None:
            return None
        access = self._token()
        return Proofs(access.key.private_jwk, access.token, access.nonce, self._url)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}/graphql"

    def _variables(self, query: Query, number: int) -> dict[str, Any]:
        own = {"id": self._id_of(number)} if query.names_datastream else {}
        return own | dict(query.variables)


class SqlSystem:
    """The bare statement."""

    name = "sql"

    def __init__(self, url: str) -> None:
        self.pid: int | None = None
        self.owners: Sequence[int] = ()
        self.asked = 0
        self._url = url
        self._least: dict[str, int] = {}

    def ask(self, query: Query, number: int) -> Any:
        """See `System`."""
        with psycopg.connect(self._url, options="-c TimeZone=UTC") as connection:
            row = connection.execute(query.statement.encode(), {"id": number, **query.variables}).fetchone()
        assert row is not None
        self.asked += 1
        self._least[query.name] = int(len(row[0]) * ENOUGH)
        return orjson.loads(row[0])

    def load(self, query: Query, connections: int, seconds: float) -> Load:
        """See `System`."""
        parameters = [{"id": number, **query.variables} for number in _turns(query)]
        least = [self._least[query.name]] * len(parameters)
        job = SqlJob(self._url, query.statement, parameters, least, connections, seconds)
        load = run_client("tests.bench.read.sql_client", job)
        self.asked += load.answers
        return load


def global_id(number: int) -> str:
    """The id by which Verbund knows the datastream."""
    return f"{CITY}:datastream:{datastream_key(number)}"


def _turns(query: Query) -> Sequence[int]:
    return query.numbers if query.names_datastream else [1]
