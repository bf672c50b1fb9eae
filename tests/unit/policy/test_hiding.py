"""Nobody can work out a hidden cell: every world is tried that looks the same from outside.

All answers are made from the released rows (tests/integration/store/test_obligations.py), so whoever knows all of them,
in every step that is given to anybody, knows all that any sequence of queries tells, filters and sums of any kind
included. A cell is safe if among the worlds with the same released rows it has more than one value.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from policy.obligations import LEAST_COUNT, Obligations
from tests.obligations.model import Row, Stream, released

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
HALF = timedelta(minutes=30)
NOW = BEGIN + timedelta(days=1)
MOST = 8  # of all counts of an hour together: within it every way to split a total is tried


def family(world, parts: int) -> list[Stream]:
    """A total and its parts, in two half hours."""
    streams = [tuple(world[2 * n : 2 * n + 2]) for n in range(parts)]
    counts = [("total", tuple(map(sum, zip(*streams, strict=True))), None)]
    counts += [(f"part{n}", values, f"to {n}") for n, values in enumerate(streams)]
    return [
        Stream(
            key,
            tuple(Row(BEGIN + n * HALF, BEGIN + (n + 1) * HALF, value) for n, value in enumerate(values)),
            direction,
            interval=1800,
        )
        for key, values, direction in counts
    ]


def seen(streams: list[Stream], views: list[Obligations]) -> tuple:
    return tuple(tuple(released(one, streams, terms, 3600, NOW)) for terms in views for one in streams)


def cells(streams: list[Stream]) -> dict[tuple[str, str], float]:
    """Every cell of both steps."""
    found = {}
    for one in streams:
        first, second = (row.result for row in one.rows)
        found |= {(one.key, "first"): first, (one.key, "second"): second, (one.key, "hour"): first + second}
    return found


@pytest.mark.parametrize("k", [LEAST_COUNT, 4, 5])
@pytest.mark.parametrize("views", ["fine", "coarse", "fine and coarse", "two counts"])
@pytest.mark.parametrize("parts", [1, 2])
def test_no_hidden_cell_can_be_told(k, views, parts):
    terms = {
        "fine": [Obligations(k)],
        "coarse": [Obligations(k, step_s=3600)],
        "fine and coarse": [Obligations(k), Obligations(k, step_s=3600)],
        "two counts": [Obligations(k), Obligations(k + 2), Obligations(k + 1, step_s=3600)],
    }[views]
    worlds = [world for world in product(range(MOST + 1), repeat=2 * parts) if sum(world) <= MOST]
    alike = defaultdict(list)
    for world in worlds:
        streams = family(world, parts)
        alike[seen(streams, terms)].append(cells(streams))
    told = 0
    for group in alike.values():
        for name in group[0]:
            values = {world[name] for world in group}
            # small for the view that shows most; only half hours are hidden from "fine"
            is_small = 0 < min(values) < k and len(values) == 1
            assert not (is_small and _is_hidden(name, terms)), (name, values, group[0])
            told += len(values) == 1
    assert told, "nothing is released at all"


def _is_hidden(name, terms) -> bool:
    """Whether a cell of this step is given in some view, so that a small one has been hidden."""
    steps = {one.step_s for one in terms}
    return name[1] == "hour" if steps == {3600} else True


def test_with_a_minimum_count_of_two_parts_could_be_told():
    """Why `LEAST_COUNT` is three: a total of two whose parts are hidden is one and one."""
    terms = [Obligations(2, step_s=3600)]
    group = [
        world
        for world in product(range(4), repeat=4)
        if seen(family(world, 2), terms) == seen(family((1, 0, 1, 0), 2), terms)
    ]
    assert {world[0] + world[1] for world in group} == {1}
