"""Server-sent events on the wire (WHATWG HTML, 9.2.6)."""

from __future__ import annotations

import asyncio

import orjson

from node.http.events import Events, send_events


async def test_an_event_is_one_line_however_its_json_was_written():
    written = [b'{"data":\n\n{"rows":[1,\r\n2]}}', b'{"data":null}']

    async def results():
        for one in written:
            yield one

    sent: list[bytes] = []

    async def send(message):
        sent.append(message.get("body", b""))

    await send_events(send, asyncio.Event().wait, Events(results(), {}))
    *events, end, nothing = b"".join(sent).split(b"\n\n")[1:]
    assert [orjson.loads(one.removeprefix(b"event: next\ndata: ")) for one in events] == list(
        map(orjson.loads, written)
    )
    assert (end, nothing) == (b"event: complete\ndata:", b"")
