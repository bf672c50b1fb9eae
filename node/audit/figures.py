"""What is counted of access records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.audit.record import CONSUMER, AccessRecord
from node.telemetry.counts import Counts


def counting(counts: Counts) -> Callable[[Sequence[AccessRecord]], None]:
    """Counts the records of an answer, once they are committed."""

    def count(records: Sequence[AccessRecord]) -> None:
        for record in records:
            counts.add("verbund_records_total", record.role, record.decision)
            counts.add("verbund_rows_total", record.role, amount=record.rows)
            if record.role == CONSUMER and record.counterpart is not None:
                counts.add("verbund_peer_answers_total", record.counterpart, record.state)

    return count
