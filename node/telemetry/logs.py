"""Log lines: text for a person, JSON for a collector. Both carry the trace id, neither carries personal data.

What goes into a message is chosen where it is logged. Of an exception that nobody foresaw only the type and the places
are told: its text may quote what somebody asked for, or a row.
"""

from __future__ import annotations

import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Literal

import orjson

from node.telemetry.context import TRACE_ID

OURS = "verbund", "node", "federation", "schema", "policy"
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def set_up_logs(level: str, form: Literal["text", "json"]) -> None:
    """Let this process log to standard error in this form.

    `level` is that of our own lines. Libraries tell no details: of a WebSocket it would be the client's address and, at
    `debug`, its headers and messages with the token in them.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(wanted)


class TextLines(logging.Formatter):
    """`LEVEL logger: message`, and the trace id where the message does not have it.

    A message may quote what is foreign: its further lines are indented, so that none passes for a line of its own, and
    what would steer a terminal is told, not done.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line, and where an exception came from."""
        message, trace = record.getMessage(), TRACE_ID.get()
        at = f" [trace {trace}]" if trace is not None and trace not in message else ""
        places = "".join(f"\n  {place}" for place in _places(record))
        return f"{record.levelname} {record.name}: {_printable(message)}{at}{places}"


class JsonLines(logging.Formatter):
    """One JSON object for each line."""

    def format(self, record: logging.LogRecord) -> str:
        """The names are those of OpenTelemetry's log model, in snake case."""
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity_text": record.levelname,
            "logger": record.name,
            "body": record.getMessage(),
        }
        trace = TRACE_ID.get()
        if trace is not None:
            line["trace_id"] = trace
        if places := _places(record):
            line["exception_type"], *line["exception_places"] = places
        try:
            return orjson.dumps(line).decode()
        except orjson.JSONEncodeError:  # halves of characters, as in names of files that are no text
            return orjson.dumps(line | {"body": _printable(record.getMessage())}).decode()


def _printable(message: str) -> str:
    escaped = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), message)
    return escaped.replace("\n", "\n  ")


def _places(record: logging.LogRecord) -> list[str]:
    """The exception's type, and the functions that it came through."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__qualname__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)]
