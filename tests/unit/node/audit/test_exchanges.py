"""What another city tells of its exchanges is foreign: bounded, and nothing but hashes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from federation.errors import PeerIncompatible
from federation.transport import PeerResponse
from node.audit import exchanges
from node.audit.exchanges import fetch_answered
from node.audit.reconcile import Answered
from tests.unit.node.auth.world import City

END = datetime(2026, 12, 1, tzinfo=UTC)
LEAF, TRACE, REQUEST = "1" * 64, "2" * 64, "3" * 64
LINE = f"{LEAF} {TRACE} {REQUEST} -\n"


class Transport:
    """Gives one page after another, the last one again and again."""

    def __init__(self, *pages: tuple[str, dict[str, str]]) -> None:
        self.pages = list(pages)

    async def get(self, *_: Any, **__: Any) -> PeerResponse:
        text, headers = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        return PeerResponse(200, text.encode(), "text/plain", headers)


class Tokens:
    async def token_for(self, *_: Any) -> str:
        return "token"

    def authorize(self, *_: Any) -> Any:
        return SimpleNamespace(headers={})

    def learn(self, *_: Any) -> None:
        pass


async def told(*pages: tuple[str, dict[str, str]]) -> list[Answered]:
    return await fetch_answered(
        Transport(*pages),
        Tokens(),
        City("fulda").member,
        END - timedelta(days=1),
        END,  # type: ignore[arg-type]
    )


async def test_all_pages_are_read():
    found = await told((LINE * 2, {"Verbund-Next": "2"}), (LINE, {}))
    assert found == [Answered(LEAF, TRACE, REQUEST, "")] * 3


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b]0;mine\x07 {TRACE} - -",
        f"{LEAF} {TRACE} -",
        f"{LEAF} {TRACE} - - -",
        f"- {TRACE} - -",
        f"{LEAF} - - -",
        f"{LEAF.replace('1', 'g')} {TRACE} - -",
    ],
)
async def test_what_is_no_list_of_hashes_is_refused(line):
    with pytest.raises(PeerIncompatible, match="malformed"):
        await told((f"{LINE}{line}\n", {}))


@pytest.mark.parametrize(("page", "asked"), [(LINE * 2, 6), (LINE, 6), ("", 1)], ids=["full", "of one", "empty"])
async def test_a_list_that_never_ends_does(monkeypatch, page, asked):
    monkeypatch.setattr(exchanges, "MOST", 10)
    monkeypatch.setattr(exchanges, "PAGE", 2)
    get = AsyncMock(side_effect=Transport((page, {"Verbund-Next": "7"})).get)
    with pytest.raises(PeerIncompatible, match="more than"):
        await fetch_answered(Mock(get=get), Tokens(), City("fulda").member, END - timedelta(days=1), END)
    assert get.await_count == asked
