"""What the demo does when a city ends."""

from __future__ import annotations

import pytest

from node.demo.processes import NodeFailed
from node.demo.run import watch


class Process:
    """Ends with these codes, one after the other."""

    log_file = "node.log"

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.starts = 0

    def is_running(self) -> bool:
        return False

    def was_stopped(self) -> bool:
        return self.codes.pop(0) <= 0

    def stop(self) -> None:
        """It has ended already."""

    def start(self) -> None:
        self.starts += 1


@pytest.mark.parametrize("asked", [0, -15, -9])
def test_a_city_that_was_stopped_comes_back_and_one_that_failed_ends_the_demo(asked):
    wetzlar, told = Process(asked, 1), []
    with pytest.raises(NodeFailed, match=r"wetzlar ended: see node\.log"):
        watch({"wetzlar": wetzlar}, told.append, away_s=0)
    assert wetzlar.starts == 1
    assert told == [
        "wetzlar is stopped: ask any other city now. It is started again in 0 s",
        "wetzlar is started again",
    ]
