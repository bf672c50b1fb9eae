"""The showcase: what the demo claims, checked step by step against the running cities."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from joserfc.jwk import ECKey

from federation.jose import read_unverified, sign
from federation.proofs import ProofKey
from node.auth.access_tokens import TYP
from node.auth.keys import create_signing_key, load_signing_key
from node.auth.token_client import Access, obtain_token
from node.demo.client import Answer, ask
from node.demo.processes import NodeProcess
from node.demo.setup import DemoFederation

HOME = "offenbach"
PARTNER = "giessen"
STRANGER = "fulda"
ABSENT = "wetzlar"
APPLICATION = "verkehrsportal"
AUDITOR = "pruefstelle"
PURPOSE = "traffic-planning"
OTHER_PURPOSE = "research"
SHARED_KEY = "kfz-verkehrszaehlung"
COSIGNED_S = 60.0

OPEN_QUERY = (
    "{ datasets(first: 100) { nodes { id city tier } federation { complete cities { city state rows reason } } } }"
)
SHARED_QUERY = (
    """query ($id: ID!) { dataset(id: $id) { title tier datastreams(first: 1) { nodes { latest { result } } } } }"""
)
LOG_QUERY = """query ($trace: String!) { accessLog(filter: {traceIds: [$trace]}) {
    nodes { role counterpart decision state datasets rules purpose } } }"""


class StepFailed(Exception):
    """What was claimed does not hold."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step's title, whether it holds, and what was seen."""

    title: str
    ok: bool
    detail: str


class Showcase:
    """The steps, in order, on a running demo."""

    def __init__(self, demo: DemoFederation, nodes: Mapping[str, NodeProcess]) -> None:
        self._demo = demo
        self._nodes = nodes
        self._trace = ""

    async def run(self, tell: Callable[[Outcome], None]) -> bool:
        """Run all steps; `tell` is called after each one. True if all hold."""
        steps: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("open query across four cities", self.open_query),
            ("shared query with agreement and purpose is allowed", self.shared_query),
            ("the same without agreement is answered as not found", self.without_agreement),
            ("a wrong purpose is denied", self.wrong_purpose),
            ("an expired token is rejected with 401", self.expired_token),
            ("a forged token is rejected with 401", self.forged_token),
            ("a stolen token is rejected with 401", self.stolen_token),
            ("one city stopped: three answer, the report names the fourth", self.city_stopped),
            ("records are found on both sides of a query", self.records),
            ("a proof of the record, cosigned by other cities, holds without a node", self.proof),
        ]
        held = True
        for title, step in steps:
            try:
                outcome = Outcome(title, ok=True, detail=await step())
            except Exception as error:
                outcome = Outcome(title, ok=False, detail=f"{type(error).__name__}: {error}")
            held &= outcome.ok
            tell(outcome)
        return held

    async def open_query(self) -> str:
        """Anonymous, at each entry node."""
        told = ""
        for city in self._nodes:
            page = (await self._ask(OPEN_QUERY, city=city)).data["datasets"]
            rows = {row["city"]: row["rows"] for row in page["federation"]["cities"]}
            _check(page["federation"]["complete"], f"asked at {city}: {page['federation']}")
            _check(set(rows) == set(self._nodes) and all(rows.values()), f"asked at {city}: rows {rows}")
            _check({node["tier"] for node in page["nodes"]} == {"OPEN"}, "an anonymous caller saw more than OPEN")
            told = f"{len(page['nodes'])} datasets, " + ", ".join(f"{name} {rows[name]}" for name in sorted(rows))
        return told

    async def shared_query(self) -> str:
        """With the application's token."""
        answer = await self._shared(PARTNER, PURPOSE)
        dataset: dict[str, Any] = answer.data.get("dataset") or {}
        _check(dataset.get("tier") == "SHARED", str(answer.body))
        _check(bool(dataset["datastreams"]["nodes"]), "the dataset has no datastreams")
        self._trace = answer.trace_id
        return f"{PARTNER}: {dataset['title']}"

    async def without_agreement(self) -> str:
        """The owner has not agreed with this city."""
        answer = await self._shared(STRANGER, PURPOSE)
        _check(answer.codes == ["NOT_FOUND"], str(answer.body))
        denied = await self._records(STRANGER, answer.trace_id)
        _check([record["decision"] for record in denied] == ["DENY"], f"no denial in the log of {STRANGER}: {denied}")
        return f"{STRANGER} answered NOT_FOUND and recorded the denial"

    async def wrong_purpose(self) -> str:
        """The agreement is for another purpose."""
        answer = await self._shared(PARTNER, OTHER_PURPOSE)
        _check(answer.codes == ["NOT_FOUND"], str(answer.body))
        denied = await self._records(PARTNER, answer.trace_id)
        _check([record["decision"] for record in denied] == ["DENY"], f"no denial in the log of {PARTNER}: {denied}")
        return f"{PARTNER} does not share for {OTHER_PURPOSE}"

    async def expired_token(self) -> str:
        """A real token whose time is over."""
        access, claims, key = await self._own()
        now = int(time.time())
        return await self._rejected(
            replace(access, token=sign(claims | {"iat": now - 900, "exp": now - 600}, key, TYP))
        )

    async def forged_token(self) -> str:
        """Right claims, wrong key."""
        access, claims, key = await self._own()
        path = self._demo.directory / "forger" / "key.pem"
        forger = load_signing_key(path) if path.exists() else create_signing_key(path)
        named = ECKey.import_key(forger.raw_value, {"kid": str(key.kid)})
        return await self._rejected(replace(access, token=sign(claims, named, TYP)))

    async def stolen_token(self) -> str:
        """A real token in the hands of somebody without its key."""
        access, _, _ = await self._own()
        return await self._rejected(replace(access, key=ProofKey.new()))

    async def city_stopped(self) -> str:
        """A city goes away and comes back."""
        self._nodes[ABSENT].stop()
        try:
            page = (await self._ask(OPEN_QUERY)).data["datasets"]
        finally:
            self._nodes[ABSENT].start()
            self._nodes[ABSENT].wait_ready()
        states = {row["city"]: row["state"] for row in page["federation"]["cities"]}
        expected = {city: "UNREACHABLE" if city == ABSENT else "OK" for city in self._nodes}
        _check(states == expected and page["federation"]["complete"] is False, str(page["federation"]))
        _check({node["city"] for node in page["nodes"]} == set(self._nodes) - {ABSENT}, "rows of the absent city")
        return f"{ABSENT} {states[ABSENT]}, the others OK"

    async def records(self) -> str:
        """The same trace at the home node and at the owner."""
        _check(bool(self._trace), "there is no answered query to look for")
        home, owner = await self._records(HOME, self._trace), await self._records(PARTNER, self._trace)
        _check([(r["role"], r["counterpart"]) for r in home] == [("CONSUMER", PARTNER)], f"{HOME}: {home}")
        _check([(r["role"], r["counterpart"], r["decision"]) for r in owner] == [("OWNER", HOME, "PERMIT")], str(owner))
        return f"trace {self._trace}: {HOME} asked, {PARTNER} permitted by {owner[0]['rules'][0]}"

    async def proof(self) -> str:
        """The owner makes a proof bundle of the same trace; it is checked by a command that knows no node."""
        file = self._demo.directory / "proof.jsonl"
        home, ends = str(self._demo.settings[PARTNER].home), time.monotonic() + COSIGNED_S
        bundle = ("--home", home, "audit", "bundle", str(file), f"trace:{self._trace}")
        while "1 records" not in (made := await _command(*bundle)):
            _check(time.monotonic() < ends, f"no quorum cosigned within {COSIGNED_S:.0f} s: {made}")
            await asyncio.sleep(1)
        told = await _command("audit", "verify", str(file))
        _check("valid: 1 records" in told and "cosigned by" in told, told)
        file.write_bytes(file.read_bytes().replace(b'"rows":1', b'"rows":7', 1))
        _check("NOT VALID" in await _command("audit", "verify", str(file)), "a changed record passed for a true one")
        return told.splitlines()[2]

    async def _ask(self, query: str, *, city: str = HOME, access: Access | None = None, **variables: Any) -> Answer:
        return await ask(self._nodes[city].url, query, access=access, variables=variables)

    async def _shared(self, owner: str, purpose: str) -> Answer:
        access = await self._access(HOME, APPLICATION, purpose)
        return await self._ask(SHARED_QUERY, access=access, id=f"{owner}:dataset:{SHARED_KEY}")

    async def _records(self, city: str, trace: str) -> list[dict[str, Any]]:
        access = await self._access(city, AUDITOR, None)
        answer = await self._ask(LOG_QUERY, city=city, access=access, trace=trace)
        nodes: list[dict[str, Any]] = answer.data["accessLog"]["nodes"]
        return nodes

    async def _access(self, city: str, application: str, purpose: str | None) -> Access:
        key = load_signing_key(self._demo.key_file(city, application))
        return await obtain_token(self._nodes[city].url, application, key, purpose, None)

    async def _own(self) -> tuple[Access, dict[str, Any], ECKey]:
        key = load_signing_key(self._demo.settings[HOME].signing_key_file)
        access = await self._access(HOME, APPLICATION, PURPOSE)
        return access, read_unverified(access.token).claims, key

    async def _rejected(self, access: Access) -> str:
        answer = await self._ask(OPEN_QUERY, access=access)
        _check(answer.status == 401 and not answer.data, f"status {answer.status}: {answer.body}")
        return str(answer.body["errors"][0]["message"])


async def _command(*words: str) -> str:
    """What a `verbund` command tells, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node.cli", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    return told.decode()


def _check(holds: bool, told: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        raise StepFailed(told)
