"""Asking four cities at once, compared with GraphQL gateways that merge by hand: Hive Gateway, graphql-tools stitching.

`python -m tests.bench federation --help` tells the options; everything lies in `.bench/`, where it is kept for the next
run. All of them ask the same four nodes, which decide and keep their records for everybody. The gateways ask without
tokens for open data, and a resolver of ours merges the rows. Verbund's home node, one of the four, is asked with a token
and adds policy, its own records, cursors and the report. All databases are in one server.

What can be shared in flight is only what is identical: `F1` and `F2` ask for another datastream each time, so nothing
is shared; `F1-identical` and `F2-identical` always ask for the same, and every system may share as it does by default.
Linux only.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from node.store.embedded import EmbeddedError
from tests.bench.federation.curve import WrongPage
from tests.bench.federation.hanging import NeverLeftAlone
from tests.bench.federation.options import parse
from tests.bench.federation.run import WORK, RecordsMissing, run
from tests.bench.read.job import LoadFailed
from tests.bench.read.lock import Busy, only_run
from tests.bench.read.npm import NoNode
from tests.bench.read.service import ServiceFailed
from tests.bench.read.values import Disagreement

FORESEEN = (
    Busy,
    Disagreement,
    EmbeddedError,
    LoadFailed,
    NeverLeftAlone,
    NoNode,
    RecordsMissing,
    ServiceFailed,
    WrongPage,
)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print; ratios that are missed are told, and never an error."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: servers are stopped on the way out
    try:
        with only_run(WORK):
            run(options)
    except FORESEEN as error:
        sys.exit(f"bench federation: {error}")
    except KeyboardInterrupt:
        sys.exit("bench federation: stopped")
