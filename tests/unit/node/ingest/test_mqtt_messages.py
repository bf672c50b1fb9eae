"""What sensors publish: each message is read or refused with a reason, or it would come again for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from node.ingest.intake.checks import Checked, Datastream
from node.ingest.intake.mqtt import MAX_BYTES, read_message

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KNOWN = {"a": Datastream(7, None)}
TOPIC = "v1.1/Datastreams(a)/Observations"


def read(payload: bytes, topic: str = TOPIC) -> Checked:
    checked = Checked()
    read_message(checked, topic, payload, KNOWN, NOW)
    return checked


@pytest.mark.parametrize(
    "topic", [TOPIC, "v1.1/Datastreams('a')/Observations", "stadt/v1.1/Datastreams(a)/Observations"]
)
def test_one_or_several_observations_are_read(topic):
    one = {"phenomenonTime": "2026-06-01T12:00:00+02:00/2026-06-01T12:15:00+02:00", "result": 1, "resultQuality": []}
    for message in (one, [one]):
        ((id_, start, _, result, _),) = read(json.dumps(message).encode(), topic).rows.values()
        assert (id_, start, result) == (7, "2026-06-01T10:00:00+00:00", 1)


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"\xff",
        b'{"result": 1}',
        b'{"result": 1e999, "phenomenonTime": "2026-06-01T10:00:00Z"}',
        b'{"result": 1, "phenomenonTime": "2026-06-01T10:00:00"}',
        b'{"result": 1, "phenomenonTime": "9999-12-31T23:59:59-12:00"}',
        b'{"result": 1, "phenomenonTime": "0001-01-01T00:00:00+12:00"}',
        b'{"result": 1, "phenomenonTime": "2026-06-01T10:00:00Z", "more": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b" " * MAX_BYTES + b"[]",
    ],
)
def test_what_can_t_be_read_is_refused_with_a_reason(payload):
    (flaw,) = read(payload).flawed
    assert flaw.reason == "message.unreadable"
