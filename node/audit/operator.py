"""What operators do at the command line or a desk is recorded: looking into the log, deciding who may see what."""

from __future__ import annotations

import getpass
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from node.audit.grammar import without_persons
from node.audit.record import OWNER, PERMIT, AccessRecord
from node.audit.statements import append_now
from policy.model import Caller

READ, EXPORT, PROVE, ERASE, FORGET, HOLD = "read", "export", "prove", "erase", "forget", "hold"
LONGEST_MS = 2_147_483  # the database counts microseconds no further


class Act:
    """One act of an operator, recorded when it is done."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        city: str,
        verb: str,
        text: str,
        caller: Caller | None = None,
        *,
        subject: str = "log",
    ) -> None:
        """`text` tells what was asked for: the filter, or the reason. It is stored like a query's document, for good.

        So pseudonyms and tokens that a filter names are left out. `caller`: who is signed in to a desk; by default
        whoever is logged in on this machine. `subject`: what the act is about.
        """
        self._caller = caller or Caller(city=city, subject=login())
        self._connection = connection
        self._action = f"operator:{subject}:{verb}"
        self._text = without_persons(text)
        self._began = time.perf_counter()

    def done(self, *, rows: int, bytes_: int = 0, positions: str | None = None) -> None:
        """Write the record; commits with the caller's transaction. Raises psycopg.Error."""
        record = AccessRecord(
            role=OWNER,
            caller=self._caller,
            counterpart=None,
            trace_id=secrets.token_hex(16),
            field="audit",
            action=self._action,
            operation=hashlib.sha256(self._text.encode()).digest(),
            datasets=(),
            decision=PERMIT,
            rules=(),
            policy_version="",
            state="OK",
            rows=rows,
            bytes=bytes_,
            took_ms=min((time.perf_counter() - self._began) * 1000, LONGEST_MS),
            positions=positions,
        )
        append_now(self._connection, [record], self._text)


@contextmanager
def decided(connection: psycopg.Connection[Any], city: str, subject: str, verb: str, text: str) -> Iterator[None]:
    """What is done within is committed together with its record, or not at all. Raises psycopg.Error.

    Keep it short: the log is not carried on meanwhile.
    """
    with connection.transaction():
        yield
        Act(connection, city, verb, text, subject=subject).done(rows=0)


def login() -> str | None:
    """The operator's login name on this machine, a personal part of the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
