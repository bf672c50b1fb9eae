"""The whole benchmark: set up, check, measure, tell."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean

import orjson

from tests.bench.federation.curve import measure_curve
from tests.bench.federation.curve_report import Point
from tests.bench.federation.curve_report import as_json as curve_as_json
from tests.bench.federation.curve_report import as_text as curve_as_text
from tests.bench.federation.databases import CityDatabases, city_databases
from tests.bench.federation.floor import measure_floor
from tests.bench.federation.hanging import measure_hanging
from tests.bench.federation.nodes import Nodes
from tests.bench.federation.options import OWNERS, Options
from tests.bench.federation.peers import SOURCE, hive, stitching
from tests.bench.federation.report import as_text
from tests.bench.federation.targets import curve_verdicts, hanging_verdicts, verdicts
from tests.bench.federation.world import BY_NAME, CITIES, HOME, QUERIES, global_ids
from tests.bench.read.campaign import Campaign, Table
from tests.bench.read.job import REPOSITORY
from tests.bench.read.npm import install
from tests.bench.read.report import as_json
from tests.bench.read.systems import GraphQLSystem

WORK = REPOSITORY / ".bench"
FILE = "federation.json"
OWNERS_FILE = "federation-owners.json"
NOISY = 0.05  # share of the machine that other work may take before the reader is warned
GATEWAYS = {"hive": hive, "stitching": stitching}


class RecordsMissing(Exception):
    """Verbund answered without its access records: its figures are worth nothing."""


def run(options: Options) -> None:
    """Measure and print."""
    folder = WORK / "federation"
    if set(options.systems) & set(GATEWAYS):
        install(SOURCE, WORK / "npm-gateways")
    with city_databases(folder, _say) as databases:
        nodes = Nodes(folder / "nodes", databases.nodes)
        table = _measure(options, folder, databases, nodes)
        hanging = measure_hanging(nodes, options.seconds) if options.owners else None
        floor = measure_floor(databases.nodes, databases.server_pid, options.seconds)
        points = _curve(options, folder, databases)
    _keep(FILE, orjson.dumps(as_json(table), option=orjson.OPT_INDENT_2), is_whole=options.is_whole)
    print(as_text(table, {query.name: query.title for query in QUERIES}) + "\n", flush=True)
    print(f"{floor.text(table)}\n")
    if points:
        print(curve_as_text(points) + "\n")
    if hanging is not None:
        print(f"{hanging}\n")
    print("Wanted of Verbund:")
    for line in [*verdicts(table), *hanging_verdicts(hanging), *curve_verdicts(points)]:
        print(f"  {line}")


def _measure(options: Options, folder: Path, databases: CityDatabases, nodes: Nodes) -> Table:
    with _systems(options, folder, nodes) as systems:
        campaign = Campaign(
            systems,
            [BY_NAME[name] for name in options.only],
            options.concurrency,
            options.seconds,
            options.rounds,
            databases.server_pid,
            _say,
        )
        before = nodes.records()
        campaign.check()
        _say(f"same rows from {', '.join(options.systems)}")
        own = next((one for one in systems if one.name == "verbund"), None)
        if own is not None:
            _check_records(before, nodes.records(), own.asked)
            before, checked = nodes.records(), own.asked
        table = campaign.run()
        if own is not None:
            _check_home_records(before, nodes.records(), own.asked - checked)
    share = mean(campaign.foreign)
    if share > NOISY:
        _say(f"other work took {share:.0%} of this machine (at worst {max(campaign.foreign):.0%}): the figures suffer")
    return table


@contextmanager
def _systems(options: Options, folder: Path, nodes: Nodes) -> Iterator[list[GraphQLSystem]]:
    """All of them ask the same four nodes; Verbund's home node is one of these."""
    with ExitStack() as stack:
        cities = stack.enter_context(nodes.running())
        home = cities[HOME]
        owners = {city: node.pid for city, node in cities.items()}
        others = [pid for city, pid in owners.items() if city != HOME]
        systems: list[GraphQLSystem] = []
        if "verbund" in options.systems:
            token = nodes.tokens.current
            systems.append(GraphQLSystem("verbund", home.port, home.pid, id_of=global_ids, token=token, owners=others))
        for name in (name for name in GATEWAYS if name in options.systems):
            server = stack.enter_context(GATEWAYS[name](WORK / "npm-gateways", cities, folder))
            systems.append(GraphQLSystem(name, server.port, server.pid, id_of=global_ids, owners=[*owners.values()]))
        yield systems


def _check_records(before: Mapping[str, int], after: Mapping[str, int], answered: int) -> None:
    """One question after the other: the home node records each city's part, every owner its own."""
    wanted = {city: answered * (len(CITIES) if city == HOME else 1) for city in CITIES}
    written = {city: after[city] - before[city] for city in CITIES}
    if any(written[city] < wanted[city] for city in CITIES):
        raise RecordsMissing(f"for {answered} answers there should be {wanted} access records, there are {written}")


def _check_home_records(before: Mapping[str, int], after: Mapping[str, int], answered: int) -> None:
    """Under load, owners may have been asked once for several who asked the same; the home node tells of each."""
    written = {city: after[city] - before[city] for city in CITIES}
    if written[HOME] < answered * len(CITIES):
        raise RecordsMissing(f"{HOME} gave {answered:,} answers and wrote {written[HOME]:,} access records")
    owners = sum(written.values()) - written[HOME]
    _say(
        f"{written[HOME]:,} access records at home for {answered:,} answers of Verbund, {owners:,} at the other owners"
        f" ({owners / answered:.2f} for an answer; {len(CITIES) - 1} unless identical requests are shared)"
    )


def _curve(options: Options, folder: Path, databases: CityDatabases) -> list[Point]:
    if not options.owners:
        return []
    points = measure_curve(folder, databases.nodes[HOME], options.owners, options.seconds)
    _keep(OWNERS_FILE, curve_as_json(points), is_whole=options.owners == OWNERS)
    return points


def _keep(name: str, content: bytes, *, is_whole: bool) -> None:
    path = WORK / (name if is_whole else f"partial-{name}")  # a part must not take the place of a whole result
    path.write_bytes(content)
    _say(f"figures are in {path}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
