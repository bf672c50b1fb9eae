"""What is asked, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from policy.model import Caller


@dataclass(frozen=True)
class Question:
    """One request."""

    document: str
    variables: dict[str, Any]
    operation_name: str | None
    caller: Caller
