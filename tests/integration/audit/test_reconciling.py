"""What one city recorded just within a period, and the other one just beside it, is no difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from node.audit.receipts import kept
from node.audit.reconcile import Answered
from node.audit.reconciling import _compared
from tests.log import append

START = datetime(2026, 12, 1, tzinfo=UTC)
END = START + timedelta(hours=1)
TRACE = "ab" * 16
ANSWERED = Answered("1" * 64, sha256(TRACE.encode()).hexdigest(), "", "")


@pytest.mark.parametrize("at", [START - timedelta(seconds=1), START, END - timedelta(seconds=1), END], ids=str)
def test_who_gave_up_waiting_at_the_edge_of_the_period_has_asked(connection, database_url, at):
    append(connection, at=at, role="CONSUMER", counterpart="fulda", peer=None, trace_id=TRACE, state="TIMEOUT")
    compared = _compared(database_url, "fulda", (START, END), [ANSWERED], [ANSWERED])
    assert compared.differences == []
    other = ANSWERED._replace(leaf="2" * 64, trace="3" * 64)
    compared = _compared(database_url, "fulda", (START, END), [ANSWERED, other], [ANSWERED, other])
    assert [one.subject for one in compared.differences] == [f"leaf {other.leaf}"]


def test_receipts_are_checked_whatever_the_state_of_their_answer(connection):
    for state, receipt in (("OK", "a"), ("PARTIAL", "b"), ("OK", None), ("TIMEOUT", None)):
        append(connection, at=START, role="CONSUMER", counterpart="fulda", peer=None, state=state, receipt=receipt)
    append(connection, at=START, role="CONSUMER", counterpart="wetzlar", peer=None, receipt="c")
    assert [one.receipt for one in kept(connection, "fulda", START, END)] == ["a", "b", None]
