"""Whatever is killed: an answer that left has its record, and the log is whole. (Two hundred times: `make bench-log`.)"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.log.killing import kill_often
from tests.bench.log.node import BenchNode


def test_no_answer_without_a_record_whatever_is_killed():
    with tempfile.TemporaryDirectory(prefix="vb-", ignore_cleanup_errors=True) as directory:
        outcome = kill_often(BenchNode(Path(directory)), 4, seed=3)
    assert outcome.answered
    assert sum(outcome.kills.values()) >= 3
    assert outcome.lost == set()
    assert outcome.checked is not None
    assert outcome.checked.size > 0
