"""The whole benchmark: set up, check, measure, tell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean

import orjson

from tests.bench.read.campaign import Campaign, Table
from tests.bench.read.client_cost import client_microseconds
from tests.bench.read.database import Databases, databases
from tests.bench.read.job import REPOSITORY
from tests.bench.read.memory import BigAnswer, measure_big_answer
from tests.bench.read.npm import install
from tests.bench.read.options import Options
from tests.bench.read.postgraphile_peer import SOURCE, postgraphile
from tests.bench.read.queries import BY_NAME, QUERIES
from tests.bench.read.report import as_json, as_text, from_json
from tests.bench.read.scale import MILLION, scale_of
from tests.bench.read.service import Service
from tests.bench.read.strawberry_peer import naive_strawberry
from tests.bench.read.systems import GraphQLSystem, SqlSystem, System, global_id
from tests.bench.read.targets import growth_verdict, scale_verdicts, verdicts
from tests.bench.read.verbund_node import VerbundNode

WORK = REPOSITORY / ".bench"
POOL = 10
USUAL = scale_of(MILLION)
FILE = "read.json"
NOISY = 0.05  # share of the machine that other work may take before the reader is warned


class RecordsMissing(Exception):
    """Verbund answered without an access record: its figures are worth nothing."""


def run(options: Options) -> None:
    """Measure and print."""
    scale = options.scale
    folder = WORK / f"read-{scale.datastreams}x{scale.each}"
    if "postgraphile" in options.systems:
        install(SOURCE, WORK / "npm")
    with databases(folder, scale, _say) as found:
        cost = {n: client_microseconds(n, folder / "static.log") for n in options.concurrency}
        _say("load client: " + ", ".join(f"{cost[n]:.0f} µs of processor time a request at {n} at once" for n in cost))
        node = VerbundNode(folder, found.verbund) if "verbund" in options.systems else None
        table = _measure(options, folder, found, node)
        _write(options, table)
        print(as_text(table, {query.name: query.title for query in QUERIES}) + "\n", flush=True)
        big = _big_answer(node) if node is not None else None
    _judge(options, table, big)


def _measure(options: Options, folder: Path, found: Databases, node: VerbundNode | None) -> Table:
    with _systems(options, folder, found, node) as systems:
        campaign = Campaign(
            systems,
            [BY_NAME[name] for name in options.only],
            options.concurrency,
            options.seconds,
            options.rounds,
            found.server_pid,
            _say,
        )
        records = node.records() if node is not None else 0
        campaign.check()
        _say(f"same values from {', '.join(options.systems)}")
        table = campaign.run()
        if node is not None:
            _check_records(node.records() - records, next(one.asked for one in systems if one.name == "verbund"))
    share = mean(campaign.foreign)
    if share > NOISY:
        _say(f"other work took {share:.0%} of this machine (at worst {max(campaign.foreign):.0%}): the figures suffer")
    return table


@contextmanager
def _systems(options: Options, folder: Path, found: Databases, node: VerbundNode | None) -> Iterator[list[System]]:
    with ExitStack() as stack:
        systems: list[System] = []
        if node is not None:
            systems.append(_verbund(stack.enter_context(node.running()), node))
        if "postgraphile" in options.systems:
            log = folder / "postgraphile.log"
            server = stack.enter_context(postgraphile(WORK / "npm", found.peers, POOL, log))
            systems.append(GraphQLSystem("postgraphile", server.port, server.pid))
        if "strawberry" in options.systems:
            server = stack.enter_context(naive_strawberry(found.peers, folder / "strawberry.log"))
            systems.append(GraphQLSystem("strawberry", server.port, server.pid))
        if "sql" in options.systems:
            systems.append(SqlSystem(found.peers))
        yield systems


def _verbund(server: Service, node: VerbundNode) -> GraphQLSystem:
    return GraphQLSystem("verbund", server.port, server.pid, id_of=global_id, token=node.tokens.current)


def _check_records(written: int, answered: int) -> None:
    if written != answered:
        raise RecordsMissing(f"Verbund answered {answered:,} requests and wrote {written:,} access records")
    _say(f"{written:,} access records for {answered:,} answers of Verbund")


def _big_answer(node: VerbundNode) -> BigAnswer:
    with node.running() as server:
        return measure_big_answer(_verbund(server, node), QUERIES)


def _judge(options: Options, table: Table, big: BigAnswer | None) -> None:
    lines = verdicts(table)
    if big is not None:
        print(
            f"An answer of {big.rows:,} rows ({big.megabytes:.1f} MB): the node's peak was {big.before_mb:.0f} MB"
            f" under the load, and {big.after_mb:.0f} MB with it"
        )
        lines.append(growth_verdict(big.growth))
    usual = WORK / FILE
    if options.scale != USUAL and usual.is_file():
        lines += scale_verdicts(table, from_json(orjson.loads(usual.read_bytes())))
    print("\nWanted of Verbund:")
    for line in lines:
        print(f"  {line}")


def _write(options: Options, table: Table) -> None:
    scale = options.scale
    name = FILE if scale == USUAL else f"read-{scale.datastreams}x{scale.each}.json"
    if not options.is_whole:
        name = f"partial-{name}"  # it must not take the place of a whole result
    (WORK / name).write_bytes(orjson.dumps(as_json(table), option=orjson.OPT_INDENT_2))
    _say(f"the figures are in {WORK / name}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
