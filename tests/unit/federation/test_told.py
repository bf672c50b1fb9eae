"""What a peer tells of itself and of its page is bounded, because it is passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import orjson
import pytest
from msgspec.structs import replace as replaced

from federation.errors import PeerIncompatible, PeerTimeout
from federation.merge import merge
from federation.plan import plan_page
from federation.report import CityReport, State
from federation.rows import CityPage
from federation.told import MAX_COUNT, MAX_OBLIGATIONS, add_told, members_of, read_count, read_suggestions
from schema.cursor import Cursor, Position
from schema.document import print_document
from tests.unit.schema.test_selection import tree

REPORT = CityReport("fulda", State.OK)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(orjson.dumps(value))


def columns(*sorts: str) -> dict[str, msgspec.Raw]:
    return {"s": raw(sorts), "k": raw(["x"] * len(sorts)), "n0": raw([{}] * len(sorts))}


def page(
    *sorts: str, has_next: bool = False, total: int | None = None, suggestions: Sequence[str] = (), selections: int = 0
) -> CityPage:
    return CityPage("", sorts, ["k"] * len(sorts), [[]] * selections, has_next, total, suggestions)


def merged(*pages: CityPage, previous: Cursor | None = None):
    named = [replace(page, city=f"c{number:04}") for number, page in enumerate(pages)]
    return merge(
        named,
        starts=dict.fromkeys(page.city for page in named),
        failed=(),
        previous=previous,
        first=5,
        descending=False,
        binding="b",
    )


def test_what_a_peer_says_of_itself_goes_into_its_report():
    told = {"cities": [{"asOf": "2026-01-01T00:00:00+00:00", "policyVersion": "v1", "obligations": ["k=5"]}]}
    report = add_told(REPORT, raw(told))
    assert (report.policy_version, report.obligations, report.as_of.year) == ("v1", ("k=5",), 2026)
    many = [f"minimum-count={number}" for number in range(3, 30)]  # of a city with datasets of all kinds
    assert add_told(REPORT, raw({"cities": [{"obligations": many}]})).obligations == tuple(many)
    assert add_told(REPORT, raw({"cities": []})) == add_told(REPORT, None) == REPORT


def test_a_peer_that_says_that_its_data_is_not_whole_is_taken_at_its_word():
    for whole in ("OK", "SKIPPED", None):
        assert add_told(REPORT, raw({"cities": [{"state": whole}]})).is_complete
    older = replaced(REPORT, state=State.PARTIAL, reason="it does not know a field")
    report = add_told(older, raw({"cities": [{"state": "UNREACHABLE", "policyVersion": "v1"}]}))
    assert (report.state, report.policy_version) == (State.PARTIAL, "v1")
    assert report.reason == "it does not know a field; it says of its own data: UNREACHABLE"
    with pytest.raises(PeerTimeout, match="own time limit"):
        add_told(REPORT, raw({"cities": [{"state": "TIMEOUT"}]}))


@pytest.mark.parametrize(
    "row",
    [
        {"asOf": "yesterday"},
        {"policyVersion": "v 1"},
        {"policyVersion": "v" * 101},
        {"obligations": ["x"] * (MAX_OBLIGATIONS + 1)},
        {"obligations": ["x" * 201]},
        {"obligations": ["a\nb"]},
    ],
)
def test_a_made_up_report_is_refused(row):
    with pytest.raises(PeerIncompatible):
        add_told(REPORT, raw({"cities": [row]}))


@pytest.mark.parametrize("count", [0, 7, MAX_COUNT, None])
def test_counts(count):
    assert read_count(raw(count)) == count


@pytest.mark.parametrize("count", [b"-1", b"5000001", b"1.5", b'"1"', b"NaN", b"true", b"1e3", b"[]", b"9" * 400])
def test_made_up_counts_are_refused(count):
    with pytest.raises(PeerIncompatible):
        read_count(msgspec.Raw(count))


@pytest.mark.parametrize("texts", [["a"] * 6, ["a" * 1001], [1], "a", None])
def test_made_up_suggestions_are_refused(texts):
    with pytest.raises(PeerIncompatible):
        read_suggestions(raw(texts))


def test_members_stay_bytes():
    assert {key: bytes(value) for key, value in members_of(msgspec.Raw(b'{"a": [1, 2.50]}')).items()} == {
        "a": b"[1, 2.50]"
    }
    for answer in (b"[]", b"null", b'{"a"', b'{"a\xff": 1}'):
        with pytest.raises(PeerIncompatible):
            members_of(msgspec.Raw(answer))


async def test_counts_and_suggestions_are_asked_for_beside_the_rows_and_only_if_selected():
    document = "{ datasets { n: totalCount totalCount s: suggestions nodes { id } } }"
    plan = plan_page(await tree(document))
    text = print_document([plan.owner_field("fulda", None)]).text
    assert "pageInfo { hasNextPage } totalCount suggestions federation" in text
    found = plan.read_page(
        "fulda",
        None,
        columns() | {"pageInfo": raw({"hasNextPage": False}), "totalCount": raw(3), "suggestions": raw(["rad"])},
    )
    assert (found.total, found.suggestions) == (3, ["rad"])
    assert plan.assemble(merged(found, found)) == {"n": b"6", "totalCount": b"6", "s": b'["rad"]', "nodes": b"[]"}
    plan = plan_page(await tree("{ datasets { nodes { id } } }"))
    text = print_document([plan.owner_field("fulda", None)]).text
    assert "totalCount" not in text
    assert "suggestions" not in text
    assert plan.read_page("fulda", None, columns() | {"pageInfo": raw({})}).total is None


def test_a_total_is_the_sum_of_those_who_answered():
    assert merged(page(total=3), page(total=4)).total == 7
    assert merged(page(total=3), page()).total is None
    assert merged().total == 0
    assert merged(*[page(total=MAX_COUNT)] * 1000).total == 2**31 - 1


def test_suggestions_come_in_turns_and_only_if_nobody_has_a_row():
    one, other = page(suggestions=["a", "b", "c"]), page(suggestions=["b", "d", "e", "f"])
    assert merged(one, other).suggestions == ["a", "b", "d", "c", "e"]
    assert merged(other, one).suggestions == ["b", "a", "d", "e", "c"]
    assert merged(one, other, page("x")).suggestions == []
    assert merged(one, page(has_next=True, total=5)).suggestions == [], "a page of no rows that has more"
    before = Cursor("b", Position("x", "c0", "k"))
    assert merged(one, other, previous=before).suggestions == [], "there were rows on the pages before"


@pytest.mark.parametrize(
    ("order", "good", "bad"),
    [
        ("ISSUED_ASC", "2026-01-01 00:00:00.25+00", "a"),
        ("MODIFIED_DESC", "0001-01-01 00:00:00+00", "2026-01-01"),
        ("MODIFIED_ASC", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00+0"),
        ("RELEVANCE", "0.1234", "0.12345"),
        ("TITLE_ASC", "a" * 500, "a" * 501),
    ],
)
async def test_sort_keys_have_the_form_of_their_order(order, good, bad):
    plan = plan_page(await tree('{ datasets(orderBy: %s, filter: {text: "rad"}) { nodes { id } } }' % order))

    def read(sort: str):
        return plan.read_rows(columns(sort), "fulda", None, has_next=False)

    assert len(read(good)) == 1
    with pytest.raises(PeerIncompatible):
        read(bad)


@pytest.mark.parametrize(
    "changed",
    [{"s": ["a", 1]}, {"k": [None, "x"]}, {"n0": {}}, {"k": ["x"]}, {"n0": [{}]}, {"s": ["a", "b", "c"]}, {"s": None}],
)
async def test_columns_have_a_value_for_each_row(changed):
    plan = plan_page(await tree("{ datasets { nodes { id } } }"))
    good = columns("a", "b")
    assert len(plan.read_rows(good, "fulda", None, has_next=False)) == 2
    with pytest.raises(PeerIncompatible):
        plan.read_rows(good | {key: raw(value) for key, value in changed.items()}, "fulda", None, has_next=False)


@pytest.mark.parametrize(("sort", "fits"), [("00001234.5", True), ("1234.5", False), ("NaN", False)])
async def test_distances_have_a_fixed_width(sort, fits):
    near = "near: {longitude: 8, latitude: 50, radiusMetres: 9}"
    plan = plan_page(await tree("{ things(orderBy: DISTANCE, filter: {%s}) { nodes { id } } }" % near))
    if fits:
        assert len(plan.read_rows(columns(sort), "fulda", None, has_next=False)) == 1
    else:
        with pytest.raises(PeerIncompatible):
            plan.read_rows(columns(sort), "fulda", None, has_next=False)
