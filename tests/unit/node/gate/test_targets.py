"""Which cities a root field is for: by `cities`, by the members, by the ids that are named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from federation.membership import Member, Membership, MemberStatus
from federation.report import State
from node.gate.targets import targets_of
from policy.model import ANONYMOUS, Caller
from schema.errors import BadInput, Forbidden
from schema.selection import Field

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def member(city: str, status: MemberStatus = MemberStatus.ACTIVE) -> Member:
    return Member(city, city.title(), None, f"https://{city}.example", {"keys": []}, status)


MEMBERS = Membership(
    (member("fulda"), member("giessen"), member("offenbach"), member("wetzlar", MemberStatus.SUSPENDED)), NOW, NOW, "d"
)
PEER = Caller(city="fulda", application="app", purpose="research", peer="fulda")


def targets(name: str, caller: Caller = ANONYMOUS, **arguments):
    found = targets_of(Field(name, name, "", arguments, {}), caller, "offenbach", MEMBERS)
    return found.own, sorted(found.peers), {report.city: report.state for report in found.skipped}


SKIPPED, DENIED = State.SKIPPED, State.DENIED


@pytest.mark.parametrize("name", ["datasets", "datasetFacets", "aggregate", "observations", "things"])
def test_without_cities_all_members_are_meant(name):
    assert targets(name) == (True, ["fulda", "giessen"], {"wetzlar": DENIED})
    assert targets(name, cities=["giessen", "giessen"]) == (False, ["giessen"], {})
    assert targets(name, cities=["offenbach"]) == (True, [], {})
    with pytest.raises(BadInput, match="not a member"):
        targets(name, cities=["nirgendwo"])


def test_series_are_for_the_owners_of_the_datastreams():
    ids = ["giessen:datastream:a", "offenbach:datastream:b", "giessen:datastream:c"]
    assert targets("series", datastreams=ids) == (True, ["giessen"], {"fulda": SKIPPED, "wetzlar": SKIPPED})
    assert targets("series", datastreams=ids[:1]) == (
        False,
        ["giessen"],
        {"fulda": SKIPPED, "offenbach": SKIPPED, "wetzlar": SKIPPED},
    )
    assert targets("series", datastreams=["wetzlar:datastream:a"])[2]["wetzlar"] is DENIED
    assert targets("series", datastreams=[])[:2] == (False, [])
    for wrong in ("giessen:thing:a", "a", "giessen:datastream:" + "x" * 200):
        with pytest.raises(BadInput, match="datastreams: "):
            targets("series", datastreams=[*ids, wrong])


@pytest.mark.parametrize(
    ("name", "filter_", "asked"),
    [
        ("datasetFacets", {"ids": ["fulda:dataset:x"]}, ["fulda"]),
        ("datasets", {"ids": ["fulda:dataset:x"]}, ["fulda"]),
        ("things", {"datasets": ["fulda:dataset:x"]}, ["fulda"]),
        ("aggregate", {"datastreams": ["fulda:datastream:x"]}, ["fulda"]),
        (
            "aggregate",
            {"datasets": ["fulda:dataset:x", "giessen:dataset:x"], "things": ["giessen:thing:x"]},
            ["giessen"],
        ),
        ("aggregate", {"observedProperties": ["traffic-count"]}, ["fulda", "giessen"]),
        ("observations", {"things": ["fulda:thing:x"]}, ["fulda"]),
    ],
)
def test_ids_in_the_filter_name_the_cities_that_can_have_a_match(name, filter_, asked):
    assert targets(name, filter=filter_)[1] == asked


def test_a_malformed_id_is_told_with_its_argument():
    with pytest.raises(BadInput, match=r"filter\.things: 'x' is not an id"):
        targets("aggregate", filter={"things": ["x"]})
    with pytest.raises(BadInput, match=r"filter\.ids: .* is the id of a thing, not of a dataset"):
        targets("datasetFacets", filter={"ids": ["fulda:thing:x"]})


@pytest.mark.parametrize("name", ["series", "aggregate", "datasetFacets", "datasets"])
def test_a_peer_is_answered_for_this_city_alone(name):
    arguments = {"datastreams": ["offenbach:datastream:a", "giessen:datastream:b"]} if name == "series" else {}
    assert targets(name, PEER, **arguments) == (True, [], {})
    if name != "series":
        assert targets(name, PEER, cities=["offenbach"]) == (True, [], {})
        with pytest.raises(Forbidden):
            targets(name, PEER, cities=["offenbach", "giessen"])
    else:
        assert targets(name, PEER, datastreams=["giessen:datastream:b"])[:2] == (False, [])
