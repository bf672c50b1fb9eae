"""A thorough run: `pytest tests/oracle --hypothesis-profile=thorough`."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("thorough", max_examples=5_000, derandomize=False)
