"""How fast counters are imported, end to end: files on disk → indexed, partitioned table, committed.

Run `python tests/bench/bench_ingest.py`. Synthetic: 20 stations with 2 channels, a year of quarters of an hour.
"""

from __future__ import annotations

import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from node.ingest.counts.importer import ingest_counts
from node.ingest.dcat.importer import ingest_dcat
from node.ingest.report import Report
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate

REPOSITORY = Path(__file__).parents[2]
REAL = REPOSITORY.parent / "shared" / "data"
MAPPING = REPOSITORY / "tests" / "integration" / "ingest" / "muenster.toml"
STATIONS = 20
DAYS = 365
TARGET = 100_000


def main() -> None:
    """Print figures; a target that is missed is an error."""
    with tempfile.TemporaryDirectory(prefix="vb-") as directory, embedded_postgres(Path(directory) / "pg") as url:
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        folder = Path(directory) / "counters"
        write_counters(folder)
        first = ingest_counts(url, folder, MAPPING)
        show("synthetic, empty database", first)
        show("synthetic, files unchanged", ingest_counts(url, folder, MAPPING))
        forget_files(url)
        show("synthetic, all compared, nothing differs", ingest_counts(url, folder, MAPPING))
        if REAL.is_dir():
            show("Münster, real", ingest_counts(url, REAL / "muenster-cycle-counters", MAPPING))
            show("Rostock catalog, real", ingest_dcat(url, REAL / "dcat-ap-de-catalog" / "rostock.rdf"))
    if first.rate < TARGET:
        sys.exit(f"slower than {TARGET:,} observations per second")


def write_counters(folder: Path) -> None:
    """The same layout as Münster's: a file per station and month, local time."""
    dice = random.Random(1)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for station in range(STATIONS):
        name, one, other = 900_000 + station, 910_000 + station, 920_000 + station
        (folder / str(name)).mkdir(parents=True)
        months: dict[str, list[str]] = {}
        for step in range(DAYS * 96):
            # The hour that spring skips is written too: it is found and quarantined, as with a careless counter.
            time = (start + step * timedelta(minutes=15)).strftime("%Y-%m-%d %H:%M")
            a, b = dice.randrange(80), dice.randrange(80)
            months.setdefault(time[:7], []).append(f"{time},{a + b},{a},{b},0,0,0\n")
        header = f"Datetime,{name} (S),{one} (ein),{other} (aus),{name}-status,{one}-status,{other}-status\n"
        for month, lines in months.items():
            (folder / str(name) / f"{month}.csv").write_text(header + "".join(lines), encoding="utf-8")


def forget_files(url: str) -> None:
    """Make the next import read everything again."""
    with psycopg.connect(url) as connection:
        connection.execute("delete from ingest_file")


def show(title: str, report: Report) -> None:
    """One line."""
    sys.stdout.write(
        f"{title:<44}{report.read:>10,} read {report.written:>10,} written {report.seconds:>7.2f} s"
        f" {report.rate:>10,.0f}/s\n"
    )


if __name__ == "__main__":
    main()
