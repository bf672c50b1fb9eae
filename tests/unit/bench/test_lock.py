"""Two runs would spoil each other."""

from __future__ import annotations

import pytest

from tests.bench.read.lock import Busy, only_run


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path):
    with only_run(tmp_path / "work"), pytest.raises(Busy, match="another run"), only_run(tmp_path / "work"):
        pass
    with only_run(tmp_path / "work"):
        pass
