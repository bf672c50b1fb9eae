"""Properties of merged paging: whatever fails in between, no row is lost, doubled or out of order within its page."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.merge import Merged, merge
from federation.rows import CityPage
from schema.cursor import Cursor, Position, decode, encode

CITIES = ("fulda", "giessen", "offenbach", "wetzlar")


def _key(position: Position, *, descending: bool) -> tuple[object, ...]:
    rank = tuple(-ord(letter) for letter in position.sort) if descending else tuple(map(ord, position.sort))
    return (rank, position.city, position.key)


class Owners:
    """Four cities with rows; each answers a page after a position, as a node's SQL does."""

    def __init__(self, rows: dict[str, list[tuple[str, str]]], *, descending: bool) -> None:
        self.descending = descending
        self.rows = {
            city: sorted(
                (Position(sort, city, key) for sort, key in set(own)), key=lambda p: _key(p, descending=descending)
            )
            for city, own in rows.items()
        }

    def page(self, city: str, after: Position | None, first: int) -> CityPage:
        rest = [
            p
            for p in self.rows[city]
            if after is None or _key(p, descending=self.descending) > _key(after, descending=self.descending)
        ]
        shown = rest[:first]
        return CityPage(city, [p.sort for p in shown], [p.key for p in shown], [shown], len(rest) > first)

    def everything(self) -> list[Position]:
        rows = [p for own in self.rows.values() for p in own]
        return sorted(rows, key=lambda p: _key(p, descending=self.descending))


def _ask(owners: Owners, cursor: Cursor | None, first: int, down: set[str]):
    starts = {city: cursor.start_for(city) if cursor else None for city in owners.rows}
    pages = [owners.page(city, start, first) for city, start in starts.items() if city not in down]
    return merge(
        pages,
        starts=starts,
        failed=down,
        previous=cursor,
        first=first,
        descending=owners.descending,
        binding="b",
    )


def _positions(merged: Merged) -> list[Position]:
    assert [merged.position(index) for index in range(merged.size)] == merged.column(0)
    assert merged.by_city == Counter(position.city for position in merged.column(0))
    return merged.column(0)


_rows = st.dictionaries(
    st.sampled_from(CITIES),
    st.lists(st.tuples(st.text("ab", min_size=2, max_size=2), st.text("xyz", min_size=1, max_size=3)), max_size=12),
    min_size=1,
)


@given(_rows, st.integers(1, 7), st.booleans())
def test_pages_of_healthy_cities_are_the_whole_in_order(rows, first, descending):
    owners = Owners(rows, descending=descending)
    seen: list[Position] = []
    cursor = None
    while True:
        merged = _ask(owners, cursor, first, set())
        seen += _positions(merged)
        if not merged.has_next:
            break
        cursor = merged.end
        assert cursor is not None
        assert not cursor.away, "a cursor without failures has constant size"
    assert seen == owners.everything()


@settings(max_examples=300)
@given(_rows, st.integers(1, 7), st.booleans(), st.lists(st.sets(st.sampled_from(CITIES)), max_size=8))
def test_rows_of_cities_that_were_away_come_back_once(rows, first, descending, faults):
    owners = Owners(rows, descending=descending)
    seen: list[Position] = []
    cursor: Cursor | None = None
    for step in range(200):
        down = faults[step] & set(owners.rows) if step < len(faults) else set()
        merged = _ask(owners, cursor, first, down)
        page = _positions(merged)
        assert page == sorted(page, key=lambda p: _key(p, descending=descending))
        seen += page
        if step >= len(faults) and not merged.has_next:
            break
        if merged.end is not None:
            cursor = decode(encode(merged.end), "b")
    assert sorted(seen, key=repr) == sorted(owners.everything(), key=repr)


@given(_rows, st.integers(2, 7), st.booleans(), st.data())
def test_any_edge_is_a_place_to_go_on_from(rows, first, descending, data):
    owners = Owners(rows, descending=descending)
    merged = _ask(owners, None, first, set())
    if not merged.size:
        return
    index = data.draw(st.integers(0, merged.size - 1))
    following = _ask(owners, merged.after(index), 1000, set())
    assert _positions(following) == owners.everything()[index + 1 :]
