"""Real files, with numbers counted here independently: by the csv module and by text search, without our code."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from node.ingest.counts.importer import ingest_counts
from node.ingest.dcat.importer import ingest_dcat


@pytest.fixture
def counters_folder(shared_data: Path) -> Path:
    return shared_data / "muenster-cycle-counters"


def plain_count(folder: Path) -> tuple[dict[tuple[str, str], int], Counter[str], dict[str, int], int]:
    """Sum and number of values per channel and local month, blanks per channel, and rows of autumn hours."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    cells: Counter[str] = Counter()
    blanks: Counter[str] = Counter()
    autumn = 0
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
        channels = [
            (index, cell.split(" ")[0])
            for index, cell in enumerate(header)
            if index > 1 and "(" in cell  # behind the time and the station's total
        ]
        for line in lines:
            for index, channel in channels:
                cells[channel] += 1
                if line[index] == "":
                    blanks[channel] += 1
                else:
                    sums[channel, line[0][:7]] += int(line[index])
            if re.match(r"2024-10-27 02|2025-10-26 02", line[0]):
                autumn += len(channels)
    return sums, cells, blanks, autumn


def test_the_muenster_counters(database_url, counters_folder, mapping, rows) -> None:
    sums, cells, blanks, autumn = plain_count(counters_folder)
    report = ingest_counts(database_url, counters_folder, mapping)
    assert report.read == report.written == cells.total()
    assert (report.exit_code, report.rejected, report.ambiguous) == (0, 0, autumn)
    assert autumn > 0

    stored = rows(
        "select d.key, to_char(o.phenomenon_time at time zone 'Europe/Berlin', 'YYYY-MM'), sum(o.result)::bigint"
        " from observation o join datastream d on d.id = o.datastream_id where o.result is not null group by 1, 2"
    )
    assert {(key.removeprefix("rad-"), month): total for key, month, total in stored} == dict(sums)
    counted = rows(
        "select d.key, count(*), count(*) filter (where o.quality = 'MISSING' and o.result is null)"
        " from observation o join datastream d on d.id = o.datastream_id group by 1"
    )
    assert {key.removeprefix("rad-"): number for key, number, _ in counted} == dict(cells)
    assert {key.removeprefix("rad-"): blank for key, _, blank in counted if blank} == dict(blanks)
    assert rows("select count(*) from observation where quality = 'SUSPECT'") == [autumn]
    assert rows("select count(*) from thing") == [len(list(counters_folder.glob("*/")))]

    again = ingest_counts(database_url, counters_folder, mapping)
    assert (again.files_read, again.files_unchanged) == (0, len(list(counters_folder.glob("*/*.csv"))))


def test_the_rostock_catalog(database_url, shared_data, rows) -> None:
    file = shared_data / "dcat-ap-de-catalog" / "rostock.rdf"
    text = file.read_text(encoding="utf-8")
    types = Counter(re.findall(r'rdf:type rdf:resource="http://www\.w3\.org/ns/dcat#(\w+)"', text))
    licences = Counter(re.findall(r'dct:license rdf:resource="https://www\.dcat-ap\.de/def/licenses/([^"]+)"', text))
    formats = Counter(re.findall(r'dct:format rdf:resource="[^"]*/file-type/(\w+)"', text))
    themes = Counter(re.findall(r'dcat:theme rdf:resource="[^"]*/data-theme/(\w+)"', text))
    assert (types["Dataset"], types["Distribution"]) == (100, 773)
    assert licences == {"cc-zero": 765, "odbl": 8}

    report = ingest_dcat(database_url, file)
    assert (report.read, report.written, report.distributions, report.exit_code) == (100, 100, 773, 0)
    assert rows("select count(*), count(distinct title), count(contact_id), count(west) from dataset") == [
        (100, len(set(rows("select title from dataset"))), 100, 100)
    ]
    assert dict(
        rows("select replace(l.uri, 'http://dcat-ap.de/def/licenses/', ''), count(*) from distribution d"
             " join licence l on l.id = d.licence_id group by 1")
    ) == licences  # fmt: skip
    assert dict(rows("select format, count(*) from distribution where format is not null group by 1")) == formats
    assert dict(rows("select theme, count(*) from dataset, unnest(themes) theme group by 1")) == themes
    assert rows("select count(*) from distribution where byte_size > 0") == [text.count("<dcat:byteSize")]
    assert rows("select sum(cardinality(keywords)) from dataset") == [text.count("<dcat:keyword>")]
    assert rows("select count(*) from dataset where tier <> 'INTERNAL'") == [0]

    assert ingest_dcat(database_url, file).unchanged == 100
