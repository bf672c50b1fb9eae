"""Reading, compared with what people would pick instead: PostGraphile 5, plain Strawberry resolvers, SQL by hand.

`python -m tests.bench read --help` tells the options; everything lies in `.bench/`, where it is kept for the next run.
Authorization, policy and the access log are on for Verbund; the peers have nothing of the kind. Linux only.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from node.store.embedded import EmbeddedError
from tests.bench.read.database import TooLittleDisk
from tests.bench.read.job import LoadFailed
from tests.bench.read.lock import Busy, only_run
from tests.bench.read.npm import NoNode
from tests.bench.read.options import parse
from tests.bench.read.run import WORK, RecordsMissing, run
from tests.bench.read.service import ServiceFailed
from tests.bench.read.values import Disagreement

FORESEEN = (Busy, Disagreement, EmbeddedError, LoadFailed, NoNode, RecordsMissing, ServiceFailed, TooLittleDisk)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print; ratios that are missed are told, and never an error."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: servers are stopped on the way out
    try:
        with only_run(WORK):
            run(options)
    except FORESEEN as error:
        sys.exit(f"bench read: {error}")
    except KeyboardInterrupt:
        sys.exit("bench read: stopped")
