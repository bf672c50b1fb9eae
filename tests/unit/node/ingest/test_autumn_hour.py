from node.ingest.counts.autumn_hour import AutumnHour, HeldRow
from node.ingest.counts.local_time import Ambiguous

QUARTERS = [Ambiguous(f"summer {minute}", f"winter {minute}") for minute in ("00", "15", "30", "45")]


def resolve(
    times: list[Ambiguous], policy: str = "first", *, descending: bool = False
) -> dict[int, tuple[str | None, bool]]:
    hour = AutumnHour()
    for line, time in enumerate(times):
        assert hour.hold(time, HeldRow(line, []))
    found = hour.resolve(policy, descending=descending)  # type: ignore[arg-type]
    return {item.row.line: (item.stamp, item.certain) for item in found}


def test_twice_in_a_row_the_order_decides() -> None:
    found = resolve([*QUARTERS, *QUARTERS])
    assert [found[line][0] for line in range(8)] == [q.first for q in QUARTERS] + [q.second for q in QUARTERS]
    assert all(certain for _, certain in found.values())


def test_interleaved_pairs_are_told_apart_too() -> None:
    found = resolve([QUARTERS[0], QUARTERS[0], QUARTERS[1], QUARTERS[1]])
    assert [found[line][0] for line in range(4)] == ["summer 00", "winter 00", "summer 15", "winter 15"]


def test_in_a_file_that_runs_backwards_winter_time_comes_first() -> None:
    found = resolve([QUARTERS[0], QUARTERS[0]], descending=True)
    assert [found[line][0] for line in range(2)] == ["winter 00", "summer 00"]


def test_once_the_policy_decides_and_it_is_told() -> None:
    assert resolve([QUARTERS[0]], "first") == {0: ("summer 00", False)}
    assert resolve([QUARTERS[0]], "second") == {0: ("winter 00", False)}
    assert resolve([QUARTERS[0]], "quarantine") == {0: (None, False)}


def test_a_gap_in_one_of_the_two_passes_leaves_that_time_uncertain() -> None:
    found = resolve([QUARTERS[0], QUARTERS[1], QUARTERS[0]])
    assert found == {0: ("summer 00", True), 1: ("summer 15", False), 2: ("winter 00", True)}


def test_a_third_time_is_refused() -> None:
    hour = AutumnHour()
    kept = [hour.hold(QUARTERS[0], HeldRow(line, [])) for line in range(3)]
    assert kept == [True, True, False]
