"""A client of server-sent events, and a measuring network that has something to tell."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson

from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.store.engine import make_engine
from tests.federation.cities import Town

NETWORK = "fuehler"
WAIT_S = 30
OBSERVATIONS = """subscription ($datastreams: [ID!]!, $after: String) { o: observations(datastreams: $datastreams, after: $after) {
  nodes { result phenomenonTime datastream { id } } cursor missed federation { complete cities { city state rows reason } } } }"""
RECORD = """mutation ($series: [ObservationSeriesInput!]!) { recordObservations(series: $series) { accepted } }"""


class Ended(Exception):
    """The stream is over: complete, or broken off."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Stream:
    """The batches of one subscription."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.cursor: str | None = None
        self.errors: list[dict] = []

    async def result(self) -> dict:
        """The next execution result. Raises Ended."""
        async with asyncio.timeout(WAIT_S):
            name = None
            while True:
                try:
                    line = await self.response.content.readline()
                except aiohttp.ClientError:
                    line = b""
                if not line:
                    raise Ended("broken")
                text = line.decode().rstrip("\n")
                if text.startswith("event:"):
                    name = text[6:].strip()
                elif name == "complete":
                    raise Ended("complete")
                elif text.startswith("data:"):
                    return orjson.loads(text[5:])

    async def batch(self) -> dict:
        """The next batch; `errors` has what came instead if there is none."""
        result = await self.result()
        if "errors" in result:
            self.errors += result["errors"]
            raise Ended(result["errors"][0]["extensions"]["code"])
        batch = result["data"]["o"]
        self.cursor = batch["cursor"]
        batch["trace"] = result["extensions"]["traceId"]
        return batch

    async def results(self, count: int) -> list[float]:
        """The next so many results, of however many batches."""
        found: list[float] = []
        while len(found) < count:
            found += [node["result"] for node in (await self.batch())["nodes"]]
        return found

    async def state(self, city: str, state: str) -> dict:
        """The batch that tells that a city stands so."""
        while True:
            batch = await self.batch()
            if {"city": city, "state": state} in [
                {k: c[k] for k in ("city", "state")} for c in batch["federation"]["cities"]
            ]:
                return batch

    async def filled(self) -> dict:
        """The next batch that has observations."""
        while not (batch := await self.batch())["nodes"]:
            pass
        return batch

    async def end(self) -> str:
        """How it ends."""
        try:
            while True:
                await self.batch()
        except Ended as ended:
            return ended.how


def _small(address: tuple) -> socket.socket:
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    return made


@asynccontextmanager
async def follow(
    town: Town,
    datastreams: list[str],
    token=None,
    after: str | None = None,
    document=OBSERVATIONS,
    url: str = "",
    *,
    is_slow: bool = False,
) -> AsyncIterator[Stream]:
    """Subscribe by server-sent events; a slow client leaves all but a little in the network."""
    body = orjson.dumps({"query": document, "variables": {"datastreams": datastreams, "after": after}})
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if token is not None:
        headers |= token.headers("POST", town.settings.graphql_url, body)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with (
        aiohttp.ClientSession(
            timeout=timeout,
            read_bufsize=2**21 if is_slow else 2**20,
            connector=aiohttp.TCPConnector(socket_factory=_small) if is_slow else None,
        ) as session,
        session.post(url or town.settings.graphql_url, data=body, headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        yield Stream(response)


class Network:
    """A measuring network of a town: each observation has a result and a time of its own."""

    def __init__(self, town: Town) -> None:
        self.town = town
        key = create_signing_key(town.keys / f"{NETWORK}.pem")
        engine = make_engine(town.database_url)
        add_application(
            engine, Application(NETWORK, "Fühler", public_jwks(key), ("observations:write",), ("operations",))
        )
        engine.dispose()
        self.sent = 0
        self.first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self._token = None
        self._until = 0.0

    async def tell(self, count: int = 1, key: str = "rad-ein") -> list[float]:
        """Record so many new observations; their results."""
        first = self.first
        numbers = range(self.sent, self.sent + count)
        self.sent += count
        series = {
            "datastream": f"{self.town.id}:datastream:{key}",
            "times": [(first + timedelta(milliseconds=n)).isoformat() for n in numbers],
            "results": [float(n) for n in numbers],
        }
        await self._record(series)
        return series["results"]

    async def correct(self, at: datetime, result: float, key: str = "rad-ein") -> None:
        """Record another result for a time."""
        await self._record(
            {"datastream": f"{self.town.id}:datastream:{key}", "times": [at.isoformat()], "results": [result]}
        )

    async def _record(self, series: dict) -> None:
        if self._token is None or time.monotonic() > self._until:
            self._token = await self.town.token(NETWORK, "operations")
            self._until = time.monotonic() + 200
        answer = await self.town.ask(RECORD, self._token, {"series": [series]})
        assert answer.data["recordObservations"]["accepted"] == len(series["times"])
