"""The road of results: everybody's part, one record each before anything leaves, and no more bytes than an answer may."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import orjson
import pytest

from federation.fanout import Outcome
from federation.membership import Member, Membership
from federation.report import CityReport, State
from node.gate.own_data import OwnPart
from node.gate.parts import PartsRoad
from node.gate.records import Recorder
from node.gate.targets import targets_of
from node.store.reader import Part
from policy.model import ANONYMOUS
from schema.errors import BadInput, TooCostly, Unavailable
from schema.ports import Request
from tests.unit.schema.test_selection import tree

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = Request(ANONYMOUS, "{ node { id } }", 0, "trace", "parent")
DOCUMENT = "{ datasetFacets { t: total __typename f: federation { complete cities { city state rows } } } }"
GRANT = SimpleNamespace(
    datasets=frozenset({1}),
    policy_version="v",
    rules_for=lambda keys: ("federation/open",),
    obligations_for=lambda keys: (),
)
RULING = SimpleNamespace(grant=GRANT, refusals=lambda keys: ())


class Own:
    """This city's data: 3 datasets, unless it fails."""

    answer_bytes = 1_000

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = []

    def check(self, field) -> None:
        if isinstance(self.error, BadInput):
            raise self.error

    async def part(self, caller, field) -> OwnPart:
        self.asked.append(field)
        if self.error is not None:
            raise self.error
        part = Part({"total": b"3"}, 3, frozenset({"akten"}), frozenset(), 1, NOW)
        return OwnPart(part, RULING, CityReport("offenbach", State.OK, as_of=NOW, policy_version="v"))


class Peers:
    """Fulda counts 4 datasets in so many bytes, Gießen is down."""

    def __init__(self, size: int = 20) -> None:
        self.size = size
        self.asked = []

    async def parts(self, plan, members, request):
        self.asked.append(list(members))
        given = plan.read("fulda", {"total": msgspec.Raw(b"4")})
        found = {
            "fulda": Outcome(CityReport("fulda", State.OK), given, self.size),
            "giessen": Outcome(CityReport("giessen", State.TIMEOUT, reason="late")),
        }
        return {city: found[city] for city in members}


async def gathered(own: Own, peers: Peers, document: str = DOCUMENT):
    """What the road gives, and what is recorded of it."""
    members = tuple(Member(city, city, None, f"https://{city}.example", {"keys": []}) for city in ("fulda", "giessen"))
    field = await tree(document)
    targets = targets_of(field, ANONYMOUS, "offenbach", Membership(members, NOW, NOW, "d"))
    found = await PartsRoad("offenbach", own, peers).gather(REQUEST, field, targets)
    recorder = Recorder("offenbach", REQUEST, field)
    await found.record(recorder)
    return found, recorder.records


async def test_everybodys_parts_are_one_answer_with_a_record_each():
    found, records = await gathered(Own(), Peers())
    assert orjson.loads(found.answer) == {
        "t": 7,
        "__typename": "DatasetFacetsResult",
        "f": {
            "complete": False,
            "cities": [
                {"city": "fulda", "state": "OK", "rows": 4},
                {"city": "giessen", "state": "TIMEOUT", "rows": 0},
                {"city": "offenbach", "state": "OK", "rows": 3},
            ],
        },
    }
    assert {record.counterpart: (record.state, record.rows, record.bytes > 0) for record in records} == {
        None: ("OK", 3, True),
        "fulda": ("OK", 4, True),
        "giessen": ("TIMEOUT", 0, False),
    }
    assert {report.city for report in found.reports} == {"offenbach", "fulda", "giessen"}


async def test_too_many_bytes_are_recorded_and_refused():
    """They have crossed a border, so a record says so, although nothing leaves."""
    found, records = await gathered(Own(), Peers(1_001))
    assert isinstance(found.error, TooCostly)
    assert "have 1002 bytes; the limit is 1000" in found.error.message
    assert found.answer == b""
    assert {record.counterpart: record.bytes for record in records} == {None: 0, "fulda": 1_001, "giessen": 0}


async def test_mistakes_are_told_before_anybody_is_asked():
    own, peers = Own(BadInput("no")), Peers()
    with pytest.raises(BadInput):
        await gathered(own, peers)
    assert (own.asked, peers.asked) == ([], [])


async def test_when_its_own_part_fails_peers_were_asked_all_the_same_and_that_is_recorded():
    found, records = await gathered(Own(Unavailable("gone")), Peers())
    assert isinstance(found.error, Unavailable)
    assert found.answer == b""
    assert {record.counterpart: record.state for record in records} == {"fulda": "OK", "giessen": "TIMEOUT"}


async def test_a_question_too_costly_for_this_city_alone_costs_its_part_only():
    found, records = await gathered(Own(TooCostly("too many buckets")), Peers())
    answer = orjson.loads(found.answer)
    assert answer["t"] == 4
    states = {city["city"]: city["state"] for city in answer["f"]["cities"]}
    assert states == {"fulda": "OK", "giessen": "TIMEOUT", "offenbach": "TOO_COSTLY"}
    assert found.error is None
    assert {record.counterpart for record in records} == {"fulda", "giessen"}
    only_own = DOCUMENT.replace("datasetFacets", 'datasetFacets(cities: ["offenbach"])')
    found, _ = await gathered(Own(TooCostly("too many buckets")), Peers(), only_own)
    assert isinstance(found.error, TooCostly), "there is nobody else who might answer"


async def test_only_the_cities_that_can_have_a_part_are_asked():
    own, peers = Own(), Peers()
    found, _ = await gathered(own, peers, DOCUMENT.replace("datasetFacets", 'datasetFacets(cities: ["offenbach"])'))
    answer = orjson.loads(found.answer)
    assert (answer["t"], answer["f"]["complete"]) == (3, True)
    assert [field.arguments["cities"] for field in own.asked] == [["offenbach"]]
    nobody = DOCUMENT.replace("datasetFacets", 'datasetFacets(filter: {ids: ["fulda:dataset:x"]}, cities: ["giessen"])')
    found, records = await gathered(own, peers, nobody)
    answer = orjson.loads(found.answer)
    assert (answer["t"], answer["f"]["complete"]) == (0, True)
    assert len(own.asked) == 1
    assert peers.asked == [[], []]
    assert [record.state for record in records] == ["SKIPPED"]
