"""What views make of URLs and answers."""

from __future__ import annotations

from typing import Any

import pytest

from node.audit.grammar import read_filter
from node.web.dataset import charts, months, places
from node.web.i18n import EN
from node.web.pages import Visit, page_path
from node.web.search import Search
from node.web.stored import Answer
from policy.model import Caller


class Asked:
    """Takes down what is asked."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}

    async def ask(self, name: str, caller: Caller, **variables: Any) -> Answer:
        self.variables = variables
        return Answer("", variables, {}, [], "")


class Members:
    def members(self) -> dict[str, object]:
        return {"fulda": object(), "giessen": object()}


async def search(**query: list[str]) -> dict[str, Any]:
    asked = Asked()
    await Search(asked, Members()).view(Visit(EN, "/datasets", {}, query))
    return asked.variables


async def test_a_url_becomes_a_filter():
    found = await search(q=[" rad "], city=["fulda"], theme=["TRAN", "ENVI"], type=["CSV"], tier=["OPEN"])
    assert found["cities"] == ["fulda"]
    assert found["filter"] == {"text": "rad", "themes": ["TRAN", "ENVI"], "formats": ["CSV"], "tiers": ["OPEN"]}
    assert (found["orderBy"], found["spelling"]) == ("RELEVANCE", True)


async def test_what_can_not_be_in_a_url_is_left_out():
    found = await search(city=["atlantis"], tier=["SECRET"], order=["RELEVANCE"], q=["x" * 500])
    assert found["cities"] is None
    assert found["filter"] == {"text": "x" * 200}
    assert (await search(order=["RELEVANCE"]))["orderBy"] == "TITLE_ASC"
    assert len((await search(theme=[str(n) for n in range(90)]))["filter"]["themes"]) == 50


def test_a_link_changes_one_thing_and_begins_the_list_anew():
    visit = Visit(EN, "/datasets", {}, {"q": ["rad"], "after": ["x"], "theme": ["A", "B"]})
    assert visit.link(city="fulda") == "/en/datasets?q=rad&theme=A&theme=B&city=fulda"
    assert visit.link(theme=None, q=None) == "/en/datasets"


@pytest.mark.parametrize(
    ("path", "bare"), [("/en", "/"), ("/", "/"), ("/en/cities/", "/cities"), ("/cities", "/cities")]
)
def test_a_page_is_the_same_in_each_language(path, bare):
    assert page_path(path) == bare


def stream(name: str, kind: str, place: dict[str, float] | None = None) -> dict[str, Any]:
    thing = {"id": f"fulda:thing:{name}", "name": name, "location": place}
    return {"name": name, "observationType": f"http://…/OM_{kind}", "observedProperty": {"name": name}, "thing": thing}


def bucket(value: float | None, before: float | None, expected: int | None = 12) -> dict[str, Any]:
    def values(one: float | None) -> dict[str, Any]:
        return {"count": 1, "sum": one, "avg": None if one is None else one / 10}

    previous = None if before is None else values(before)
    return {"start": "2026-10-26T00:00Z", **values(value), "expected": expected, "missing": 3, "previous": previous}


def test_counts_add_up_and_measures_are_averaged():
    def group(name: str) -> dict[str, Any]:
        return {"observedProperty": {"name": name}, "unit": "1", "buckets": [bucket(50, 40), bucket(None, None)]}

    week = {"aggregate": {"groups": [group("Anzahl"), group("Pegel")]}}
    counted, measured = charts(week, [stream("Anzahl", "CountObservation"), stream("Pegel", "Measurement")])
    assert [(row["now"], row["before"]) for row in counted["rows"]] == [(50, 40), (None, None)]
    assert [(row["now"], row["before"]) for row in measured["rows"]] == [(5, 4), (None, None)]
    assert (counted["expected"], counted["missing"]) == (24, 6)


def test_without_intervals_nothing_is_expected():
    group = {"observedProperty": {"name": "x"}, "unit": "m", "buckets": [bucket(1, 1, None)]}
    assert charts({"aggregate": {"groups": [group]}}, [])[0]["expected"] is None
    assert charts({}, []) == []


def test_a_place_has_its_datastreams_and_without_a_location_it_is_none():
    here = {"longitude": 9.7, "latitude": 50.5}
    found = places([stream("a", "x", here), stream("a", "x", here), stream("b", "x")])
    assert [(one["name"], len(one["streams"])) for one in found] == [("a", 2)]


def test_uses_are_those_of_the_dataset_newest_first():
    counts = [("2026-09", "a", "fulda", 2, 20), ("2026-10", "a", None, 3, 30), ("2026-10", "b", "fulda", 1, 1)]
    assert months(counts, "a") == [
        {"month": "2026-10", "city": None, "requests": 3, "rows": 30},
        {"month": "2026-09", "city": "fulda", "requests": 2, "rows": 20},
    ]


def test_an_auditors_filter_becomes_that_of_the_api():
    found = read_filter("city:giessen decision:deny -purpose:research after:2026-11-01").as_argument()
    assert found["cities"] == ["giessen"]
    assert found["decisions"] == ["DENY"]
    assert found["not"] == {"purposes": ["research"]}
    assert found["during"]["start"] == "2026-11-01T00:00:00+00:00"
    assert read_filter("").as_argument() == {}
