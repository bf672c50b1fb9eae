"""docs/messages.md shows the messages that nodes really send; `WRITE_DOCS=1` has it written anew."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from node.settings import FILE_NAME
from tests.conftest import REPOSITORY, TEMPLATE
from tests.federation.cities import Federation, free_port
from tests.federation.message_page import page, shape
from tests.federation.recorder import Message, Recorder

PAGE = REPOSITORY / "docs" / "messages.md"
BESIDE = ("/.well-known/", "/log/", "/federation/summary", "/schema.graphql")
"""What nodes ask each other from time to time, whatever anybody asks them: membership, logs, summaries, schemas."""
QUERY = '{ dataset(id: "wetzlar:dataset:kfz") { title tier } }'


async def recorded(postgres_url: str, folder: Path) -> tuple[list[Message], dict[int, str]]:
    """The messages of one query between an application and two cities, without what is not for it."""
    federation, messages = Federation(folder), []
    async with AsyncExitStack() as stack:
        for city in ("offenbach", "wetzlar"):
            town = federation.add(city, postgres_url, TEMPLATE)
            behind, file = free_port(), town.settings.home / FILE_NAME
            file.write_text(file.read_text().replace(f"port = {town.settings.port}", f"port = {behind}"))
            await stack.enter_async_context(Recorder(city, town.settings.port, behind, messages).running())
        federation.sign()
        federation.agree("wetzlar", "offenbach")
        for town in federation.towns.values():
            town.process.start()
        stack.callback(federation.stop)
        for town in federation.towns.values():
            await asyncio.to_thread(town.process.wait_ready)
        messages.clear()
        answer = await federation["offenbach"].ask(QUERY, await federation["offenbach"].token())
        assert answer.data["dataset"]["tier"] == "SHARED"
    sent = [message for message in messages if not message.path.startswith(BESIDE)]
    return in_order(sent), {town.settings.port: city for city, town in federation.towns.items()}


def in_order(messages: list[Message]) -> list[Message]:
    """As they began: the home node answers the application last."""
    home, owner = ([one for one in messages if one.city == city] for city in ("offenbach", "wetzlar"))
    return [*home, *owner]


async def test_the_page_shows_what_is_sent(postgres_url, tmp_path):
    messages, ports = await recorded(postgres_url, tmp_path)
    assert [(one.city, one.path) for one in messages] == [
        ("offenbach", "/oauth/token"),
        ("offenbach", "/graphql"),
        ("wetzlar", "/oauth/token"),
        ("wetzlar", "/graphql"),
    ], "first contact takes two round trips"
    now = page(messages, ports)
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
    assert shape(PAGE.read_text(encoding="utf-8")) == shape(now), "write it anew with WRITE_DOCS=1"
    own_token = messages[0].json["access_token"]
    assert not any(own_token in str(one.sent) for one in messages if one.city == "wetzlar"), "it is never passed on"
