"""For whom a token is issued; the `user` of Authlib's grants, which here is always a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Subject:
    """`id` becomes `sub`; `claims` are what the token says beyond RFC 9068's own claims."""

    id: str
    claims: dict[str, Any]

    def get_user_id(self) -> str:
        """The `sub` claim."""
        return self.id
