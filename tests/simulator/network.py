"""The network between simulated nodes: every exchange takes a while, and may fail in each of the ways that we know."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
import orjson

from federation.envelope import Envelope
from federation.errors import PeerDenied, PeerIncompatible, PeerTimeout, PeerUnreachable
from federation.membership import Member
from policy.model import Caller
from schema.document import Document
from schema.execution import Executor
from schema.ports import Context, Request
from tests.simulator.owners import OwnersGate

PEER_S = 2.0


class Fault(Enum):
    """What becomes of an exchange."""

    NONE = "OK"
    SLOW = "TIMEOUT"
    LOST = "UNREACHABLE"
    REFUSED = "DENIED"
    GARBLED = "INCOMPATIBLE"
    ERRORS = "INCOMPATIBLE "
    BACKWARDS = "INCOMPATIBLE  "
    TWICE = "INCOMPATIBLE   "
    STOLEN = "INCOMPATIBLE    "

    @property
    def state(self) -> str:
        """How the city must be reported. (Members with equal values would be one.)"""
        return self.value.strip()


@dataclass(frozen=True)
class Fate:
    """Of one exchange: its fault, and how long the owner takes, in simulated seconds."""

    fault: Fault = Fault.NONE
    seconds: float = 0.05


class Network:
    """Takes the place of `PeerClient`. `fate` says what becomes of the next exchange with a city."""

    def __init__(self, gates: Mapping[str, OwnersGate], executor: Executor, fate: Callable[[str], Fate]) -> None:
        self._gates = gates
        self._executor = executor
        self._fate = fate
        self.asked: Counter[str] = Counter()
        self.expected: dict[str, str] = {}
        self.bytes = 0

    def deadline(self, request: Request) -> float:
        """As `PeerClient.deadline`."""
        return min(request.deadline, asyncio.get_running_loop().time() + PEER_S)

    async def ask(self, member: Member, document: Document, request: Request, ends: float) -> Envelope:
        """As `PeerClient.ask`."""
        self.asked[member.id] += 1
        fate = self._fate(member.id)
        left = ends - asyncio.get_running_loop().time()
        if fate.fault is Fault.SLOW or fate.seconds >= left:
            self.expected[member.id] = "TIMEOUT"
            await asyncio.sleep(left)
            raise PeerTimeout("it did not answer within its deadline")
        await asyncio.sleep(fate.seconds)
        answer = await self._answer(member.id, document, request)
        self.bytes += len(answer)
        return self._spoilt(member.id, fate.fault, answer)

    async def _answer(self, city: str, document: Document, request: Request) -> bytes:
        caller = Caller("home", None, None, peer="home")
        asked = Request(caller, document.text, request.deadline, request.trace_id, request.traceparent)
        context = Context(asked, self._gates[city], None)  # type: ignore[arg-type]  # no directory is asked for
        result = await self._executor.execute(document.text, document.variables, None, context)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    def _spoilt(self, city: str, fault: Fault, answer: bytes) -> Envelope:
        self.expected[city] = fault.state
        if fault is Fault.LOST:
            raise PeerUnreachable("the connection broke before its answer was complete")
        if fault is Fault.REFUSED:
            raise PeerDenied("it refused the request")
        if fault is Fault.GARBLED:
            raise PeerIncompatible("its answer is not GraphQL over JSON")
        if fault is Fault.ERRORS:
            return msgspec.json.decode(b'{"data": null, "errors": [{"message": "no"}]}', type=Envelope)
        data = orjson.loads(answer)
        (root,) = data.values()
        spoil = _SPOILT.get(fault)
        if spoil is None or len(root["s"]) < 1 + (fault is Fault.BACKWARDS):  # too few rows to spoil
            self.expected[city] = Fault.NONE.state
        else:
            root |= {key: spoil(root[key], city) for key in root.keys() & _COLUMNS}
        return msgspec.json.decode(orjson.dumps({"data": data}), type=Envelope)


_COLUMNS = {"s", "k", "n0"}
_SPOILT: Mapping[Fault, Callable[[list[Any], str], list[Any]]] = {
    Fault.BACKWARDS: lambda column, _city: column[::-1],
    Fault.TWICE: lambda column, _city: [*column, column[0]],
    Fault.STOLEN: lambda column, city: orjson.loads(orjson.dumps(column).replace(f'"{city}:'.encode(), b'"elsewhere:')),
}
