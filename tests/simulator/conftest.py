"""Options of the simulator."""

from __future__ import annotations

import pytest


@pytest.fixture
def seeds(request) -> range:
    """Which schedules to run."""
    first, _, end = request.config.getoption("--seeds").partition(":")
    return range(int(first), int(end))
