from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from node.ingest.counts import importer
from node.ingest.counts.importer import ingest_counts
from node.ingest.errors import BusyError, MappingError, SourceError
from node.ingest.runs import ingest_connection, list_quarantine

HEADER = "Datetime,10 (Ring),11 (stadteinwärts),12 (stadtauswärts),10-status,11-status,12-status\n"


def quarters(day: str, start: str, count: int) -> list[str]:
    first = datetime.strptime(f"{day} {start}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 -- local, as in the files
    return [(first + timedelta(minutes=15 * step)).strftime("%Y-%m-%d %H:%M") for step in range(count)]


def sound(times: list[str], first: int = 1) -> str:
    return "".join(f"{time},{3 * n},{n},{2 * n},0,0,0\n" for n, time in enumerate(times, start=first))


def test_channels_become_datastreams_and_the_total_is_left_out(database_url, counters, mapping, rows) -> None:
    folder = counters(ring__a=HEADER + sound(quarters("2024-07-01", "00:00", 4)))
    report = ingest_counts(database_url, folder, mapping)
    assert (report.read, report.written, report.unchanged, report.rejected, report.ambiguous) == (8, 8, 0, 0, 0)
    assert (report.exit_code, report.files_read, report.quarantined.total()) == (0, 1, 0)
    assert rows("select key, name from thing") == [("zaehlstelle-10", "Ring")]
    assert rows("select key, name, direction, vehicle_class, unit, interval_seconds from datastream order by key") == [
        ("rad-11", "stadteinwärts", "stadteinwärts", "BICYCLE", "1", 900),
        ("rad-12", "stadtauswärts", "stadtauswärts", "BICYCLE", "1", 900),
    ]
    assert rows(
        "select o.phenomenon_time, o.phenomenon_end, o.result, o.quality from observation o"
        " join datastream d on d.id = o.datastream_id where d.key = 'rad-12' order by 1"
    ) == [
        (datetime(2024, 6, 30, 22, 0, tzinfo=UTC) + timedelta(minutes=15 * n),
         datetime(2024, 6, 30, 22, 15, tzinfo=UTC) + timedelta(minutes=15 * n), 2.0 * (n + 1), "RAW")
        for n in range(4)
    ]  # fmt: skip
    assert rows("select key, tier, themes from dataset") == [("radverkehr-zaehlstellen", "INTERNAL", ["TRAN"])]
    assert rows("select l.key, d.licence_attribution from distribution d join licence l on l.id = d.licence_id") == [
        ("dl-by-de-2-0", "Stadt Münster")
    ]


def test_latest_observation_and_span_follow_the_data(database_url, counters, mapping, rows) -> None:
    folder = counters(ring__b=HEADER + sound(quarters("2024-12-31", "23:45", 4)))
    ingest_counts(database_url, folder, mapping)
    counters(ring__a=HEADER + sound(quarters("2024-07-01", "00:00", 4)))
    ingest_counts(database_url, folder, mapping)
    assert (
        rows("select phenomenon_start, phenomenon_end from datastream")
        == [(datetime(2024, 6, 30, 22, tzinfo=UTC), datetime(2024, 12, 31, 23, 45, tzinfo=UTC))] * 2
    )
    assert rows(
        "select l.phenomenon_time, l.result from latest_observation l join datastream d on d.id = l.datastream_id"
        " where d.key = 'rad-11'"
    ) == [(datetime(2024, 12, 31, 23, 30, tzinfo=UTC), 4.0)]


def test_the_year_of_a_partition_is_that_of_utc(database_url, counters, mapping, rows) -> None:
    ingest_counts(database_url, counters(a__a=HEADER + sound(quarters("2025-01-01", "00:00", 8))), mapping)
    assert rows("select tableoid::regclass::text, count(*) from observation group by 1 order by 1") == [
        ("observation_y2024", 8), ("observation_y2025", 8)
    ]  # fmt: skip


def test_the_spring_hour_does_not_exist(database_url, counters, mapping, rows) -> None:
    folder = counters(a__a=HEADER + sound(quarters("2024-03-31", "01:30", 8)))
    report = ingest_counts(database_url, folder, mapping)
    assert (report.read, report.written, report.rejected) == (16, 8, 8)
    assert report.quarantined == {"time.nonexistent": 4}
    assert report.exit_code == 3
    assert rows("select distinct phenomenon_time from observation order by 1") == [
        datetime(2024, 3, 31, 0, 30, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(4)
    ]
    assert rows("select location, value from quarantine order by id limit 1") == [("a/a.csv:4", "2024-03-31 02:00")]


def test_the_autumn_hour_once_is_ambiguous(database_url, counters, mapping, rows) -> None:
    times = quarters("2024-10-27", "01:45", 6)
    report = ingest_counts(database_url, counters(a__a=HEADER + sound(times)), mapping)
    assert (report.written, report.ambiguous, report.quarantined.total(), report.exit_code) == (12, 8, 0, 0)
    found = rows(
        "select o.phenomenon_time, o.quality from observation o join datastream d on d.id = o.datastream_id"
        " where d.key = 'rad-11' order by 1"
    )
    summer = datetime(2024, 10, 26, 23, 45, tzinfo=UTC)
    assert found == [
        (summer, "RAW"),
        *((summer + timedelta(minutes=15 * n), "SUSPECT") for n in range(1, 5)),
        (datetime(2024, 10, 27, 2, 0, tzinfo=UTC), "RAW"),
    ]


@pytest.mark.parametrize(
    ("policy", "hour", "reasons"), [("second", [1], {}), ("quarantine", [], {"time.ambiguous": 1})]
)
def test_the_mapping_says_what_happens_to_ambiguous_times(
    database_url, counters, mapping, rows, tmp_path, policy, hour, reasons
) -> None:
    changed = tmp_path / "m.toml"
    changed.write_text(mapping.read_text("utf-8").replace('ambiguous = "first"', f'ambiguous = "{policy}"'), "utf-8")
    report = ingest_counts(database_url, counters(a__a=HEADER + sound(["2024-10-27 02:30"])), changed)
    assert report.quarantined == reasons
    assert [time.hour for time in rows("select distinct phenomenon_time from observation")] == hour


def test_the_autumn_hour_twice_is_told_by_its_order(database_url, counters, mapping, rows) -> None:
    times = [*quarters("2024-10-27", "01:00", 8), *quarters("2024-10-27", "02:00", 8)]
    report = ingest_counts(database_url, counters(a__a=HEADER + sound(times)), mapping)
    assert (report.written, report.ambiguous, report.quarantined.total()) == (32, 0, 0)
    found = rows(
        "select o.phenomenon_time, o.result from observation o join datastream d on d.id = o.datastream_id"
        " where d.key = 'rad-11' order by 1"
    )
    start = datetime(2024, 10, 26, 23, tzinfo=UTC)
    assert found == [(start + timedelta(minutes=15 * n), n + 1.0) for n in range(16)]


def test_flawed_cells_and_rows_are_quarantined_and_the_rest_is_kept(database_url, counters, mapping, rows) -> None:
    content = HEADER + (
        "2024-07-01 00:00,3,1,2,0,0,0\n"
        "2024-07-01 00:15,,,,,,\n"  # blank: no result
        "2024-07-01 00:30,3,1,2,0,4,modified\n"  # mapped codes
        "2024-07-01 00:45,3,1,2,0,7,0\n"  # unknown code
        "2024-07-01 01:00,3,eins,2,0,0,0\n"
        "2024-07-01 01:15,3,-1,2,0,0,0\n"
        "2024-07-01 01:30,9,,9\n"  # cut off
        "\n"
        "2024-07-01 01:45,3,1,2,0,0,0,0\n"  # a cell too many
        '2024-07-01 02:00,3,"1",2,0,0,0\n'  # quoted
        '2024-07-01 02:15,3,"1,2,0,0,0\n'  # quote not closed
        "2024-07-01 00:00,3,8,8,0,0,0\n"  # again
        "morgen,3,1,2,0,0,0\n"
        "2099-07-01 00:00,3,1,2,0,0,0\n"
        "2024-07-01 02:30,3,1,2,0,0,0"  # no line end
    )
    report = ingest_counts(database_url, counters(a__a=content), mapping)
    assert report.quarantined == {
        "status.unknown": 1, "value.unreadable": 1, "value.negative": 1, "row.width": 3, "time.duplicate": 1,
        "time.unreadable": 1, "time.implausible": 1,
    }  # fmt: skip
    assert (report.read, report.written, report.rejected) == (28, 13, 15)
    assert rows(
        "select to_char(o.phenomenon_time, 'HH24:MI'), o.result, o.quality from observation o"
        " join datastream d on d.id = o.datastream_id where d.key = 'rad-11' order by 1"
    ) == [("00:00", 1.0, "RAW"), ("00:30", 1.0, "RAW"), ("22:00", 1.0, "RAW"), ("22:15", None, "MISSING"),
          ("22:30", 1.0, "SUSPECT")]  # fmt: skip
    assert rows("select location, field, value from quarantine where reason in ('status.unknown', 'value.negative')") == [
        ("a/a.csv:5", "11", "7"), ("a/a.csv:7", "11", "-1")
    ]  # fmt: skip


def test_headers_may_change_from_month_to_month(database_url, counters, mapping, rows) -> None:
    june = HEADER.replace("stadteinwärts", "stdteinwärts") + sound(["2024-06-01 00:00"])
    july = 'Datetime,"10 (Ring, Süd)","11 (stadteinwärts)",13 (neu),13-status,10-status,11-status\n'
    folder = counters(ring__m06=june, ring__m07=july + "2024-07-01 00:00,9,4,5,0,0,0\n")
    report = ingest_counts(database_url, folder, mapping)
    assert (report.written, report.quarantined.total()) == (4, 0)
    assert rows(
        "select d.key, d.name, sum(o.result) from datastream d join observation o on o.datastream_id = d.id"
        " group by 1, 2 order by 1"
    ) == [("rad-11", "stadteinwärts", 5.0), ("rad-12", "stadtauswärts", 2.0), ("rad-13", "neu", 5.0)]
    assert rows("select name from thing") == ["Ring, Süd"]


def test_files_that_can_not_be_used_do_not_stop_the_others(database_url, counters, mapping, rows) -> None:
    folder = counters(
        a__good=HEADER + sound(["2024-06-01 00:00"]), b__empty="", b__other="Datum;Wert\n1;2\n",
        b__long=HEADER + "x" * 300_000,
    )  # fmt: skip
    (folder / "b" / "latin.csv").write_bytes(HEADER.encode("latin-1"))
    (folder / "b" / "utf16.csv").write_bytes((HEADER + sound(["2024-06-01 00:00"])).encode("utf-16"))
    report = ingest_counts(database_url, folder, mapping)
    assert report.written == 2
    assert report.quarantined == {"header.no-time": 2, "file.encoding": 2, "file.unreadable": 1}
    assert rows("select count(distinct run_id) from quarantine") == [1]


def test_a_second_run_reads_nothing_and_a_changed_file_writes_the_change_only(
    database_url, counters, mapping, rows
) -> None:
    content = HEADER + sound(quarters("2024-07-01", "00:00", 10))
    folder = counters(a__a=content, b__b=content.replace("10 (", "20 (").replace("11", "21").replace("12", "22"))
    ingest_counts(database_url, folder, mapping)
    before = rows("select xmin::text, ctid::text, * from observation order by datastream_id, phenomenon_time")
    again = ingest_counts(database_url, folder, mapping)
    assert (again.files_read, again.files_unchanged, again.read, again.written) == (0, 2, 0, 0)
    counters(a__a=content.replace(",30,10,20,", ",31,11,20,"))
    changed = ingest_counts(database_url, folder, mapping)
    assert (changed.files_read, changed.files_unchanged) == (1, 1)
    assert (changed.read, changed.written, changed.unchanged) == (20, 1, 19)
    after = rows("select xmin::text, ctid::text, * from observation order by datastream_id, phenomenon_time")
    assert len(set(before) & set(after)) == len(before) - 1


def test_a_changed_mapping_imports_again(database_url, counters, mapping, tmp_path, rows) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]))
    ingest_counts(database_url, folder, mapping)
    changed = tmp_path / "m.toml"
    changed.write_text(mapping.read_text("utf-8").replace('"0" = "RAW"', '"0" = "CHECKED"'), "utf-8")
    report = ingest_counts(database_url, folder, changed)
    assert (report.files_read, report.written) == (1, 2)
    assert rows("select distinct quality from observation") == ["CHECKED"]


def test_mended_flaws_leave_the_quarantine(database_url, counters, mapping, rows) -> None:
    folder = counters(a__a=HEADER + "2024-07-01 00:00,3,x,2,0,0,0\n", a__ab=HEADER + "2024-07-02 00:00,3,y,2,0,0,0\n")
    ingest_counts(database_url, folder, mapping)
    assert rows("select value from quarantine order by id") == ["x", "y"]
    counters(a__a=HEADER + "2024-07-01 00:00,3,1,2,0,0,0\n")
    report = ingest_counts(database_url, folder, mapping)
    assert report.exit_code == 0
    assert rows("select value from quarantine") == ["y"]


def test_an_interrupted_import_goes_on_where_it_stopped(database_url, counters, mapping, rows, monkeypatch) -> None:
    files = {f"a__m{n}": HEADER + sound(quarters(f"2024-07-0{n}", "00:00", 4)) for n in range(1, 6)}
    folder = counters(**files)
    real, calls = importer.write_batch, []

    def fail_at_the_third(connection, batch):
        calls.append(batch)
        written = real(connection, batch)
        if len(calls) == 3:
            raise psycopg.OperationalError("the plug was pulled")
        return written

    monkeypatch.setattr(importer, "write_batch", fail_at_the_third)
    with pytest.raises(psycopg.OperationalError, match="plug"):
        ingest_counts(database_url, folder, mapping)
    assert rows("select path from ingest_file order by path") == ["a/m1.csv", "a/m2.csv"]
    assert rows("select count(*) from observation") == [16]
    assert rows("select written, finished_at from ingest_run") == [(16, None)]
    monkeypatch.setattr(importer, "write_batch", real)
    report = ingest_counts(database_url, folder, mapping)
    assert (report.files_read, report.files_unchanged, report.written, report.unchanged) == (3, 2, 24, 0)
    assert rows("select count(*), count(distinct (datastream_id, phenomenon_time)) from observation") == [(40, 40)]


def test_files_that_overlap_are_compared(database_url, counters, mapping, rows) -> None:
    times = quarters("2024-07-01", "00:00", 4)
    folder = counters(
        a__m1=HEADER + sound(times), a__m2=HEADER + sound(times[2:] + quarters("2024-07-01", "01:00", 2), first=3)
    )
    report = ingest_counts(database_url, folder, mapping)
    assert (report.read, report.written, report.unchanged) == (16, 12, 4)
    assert rows("select count(*) from observation") == [12]


def test_a_file_in_any_order(database_url, counters, mapping, rows) -> None:
    lines = sound(quarters("2024-07-01", "00:00", 40)).splitlines(keepends=True)
    report = ingest_counts(database_url, counters(a__a=HEADER + "".join(reversed(lines))), mapping)
    assert (report.written, report.quarantined.total()) == (80, 0)
    assert rows("select max(result), count(*) from observation") == [(80.0, 80)]


def test_large_files_are_cut_into_batches(database_url, counters, mapping, rows, monkeypatch) -> None:
    monkeypatch.setattr("node.ingest.counts.reader.BATCH_ROWS", 10)
    times = quarters("2024-10-26", "23:00", 50)
    report = ingest_counts(database_url, counters(a__a=HEADER + sound(times)), mapping)
    assert (report.written, report.ambiguous) == (100, 8)
    assert rows("select count(*), count(distinct phenomenon_time) from observation") == [(100, 50)]


def test_flaws_without_end_are_bounded(database_url, counters, mapping, rows) -> None:
    folder = counters(a__a=HEADER + "kaputt\n" * 3_000)
    report = ingest_counts(database_url, folder, mapping)
    assert report.quarantined == {"row.width": 1_000, "file.more-flaws": 1}
    assert report.rejected == 6_000
    assert rows("select value from quarantine where reason = 'file.more-flaws'") == ["2000 more"]


def test_a_single_file(database_url, counters, mapping) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]), a__b="")
    report = ingest_counts(database_url, folder / "a" / "a.csv", mapping)
    assert (report.source, report.files_read, report.written) == (str((folder / "a").resolve()), 1, 2)


def test_links_out_of_the_folder_are_not_followed(database_url, counters, mapping, tmp_path) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]))
    secret = tmp_path / "secret.csv"
    secret.write_text(HEADER + sound(["2024-07-02 00:00"]), "utf-8")
    (folder / "a" / "link.csv").symlink_to(secret)
    assert ingest_counts(database_url, folder, mapping).files_read == 1


def test_a_dataset_that_exists_keeps_its_tier_and_a_catalogs_description(
    database_url, counters, mapping, connection, rows
) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]))
    ingest_counts(database_url, folder, mapping)
    connection.execute(
        "update dataset set tier = 'PROTECTED', source_iri = 'https://city.example/1', title = 'Katalog'"
    )
    counters(a__a=HEADER + sound(["2024-07-01 00:15"]))
    ingest_counts(database_url, folder, mapping)
    assert rows("select tier, title from dataset") == [("PROTECTED", "Katalog")]


def test_an_import_that_changes_no_tier_does_not_move_the_policy(database_url, counters, mapping, rows) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]))
    ingest_counts(database_url, folder, mapping)
    before = rows("select epoch from policy_epoch")
    counters(a__b=HEADER + sound(["2024-07-02 00:00"]))
    ingest_counts(database_url, folder, mapping)
    assert rows("select epoch from policy_epoch") == before


def test_progress_is_told_in_bytes(database_url, counters, mapping) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]), a__b=HEADER + sound(["2024-07-02 00:00"]))
    told: list[tuple[int, int]] = []
    ingest_counts(database_url, folder, mapping, progress=lambda done, total: told.append((done, total)))
    sizes = [(folder / "a" / name).stat().st_size for name in ("a.csv", "b.csv")]
    assert told == [(sizes[0], sum(sizes)), (sum(sizes), sum(sizes))]


def test_errors_before_anything_is_read(database_url, counters, mapping, tmp_path: Path, rows) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        ingest_counts(database_url, tmp_path / "nowhere", mapping)
    with pytest.raises(SourceError, match=r"file\.pattern"):
        ingest_counts(database_url, tmp_path, mapping)
    with pytest.raises(MappingError):
        ingest_counts(database_url, counters(a__a=HEADER), tmp_path / "nowhere.toml")
    assert rows("select count(*) from ingest_run") == [0]


def test_two_imports_at_once_do_not_meet(database_url, counters, mapping) -> None:
    folder = counters(a__a=HEADER + sound(["2024-07-01 00:00"]))
    with ingest_connection(database_url), pytest.raises(BusyError):
        ingest_counts(database_url, folder, mapping)
    assert ingest_counts(database_url, folder, mapping).written == 2


def test_the_quarantine_is_listed_by_run_and_reason(database_url, counters, mapping, connection) -> None:
    first = ingest_counts(
        database_url, counters(a__a=HEADER + "x,3,1,2,0,0,0\n2024-07-01 00:00,3,y,2,0,0,0\n"), mapping
    )
    second = ingest_counts(database_url, counters(a__b=HEADER + "z,3,1,2,0,0,0\n"), mapping)
    assert [entry.value for entry in list_quarantine(connection)] == ["z", "x", "y"]
    assert [entry.value for entry in list_quarantine(connection, run=first.run_id)] == ["x", "y"]
    assert [entry.value for entry in list_quarantine(connection, reason="time")] == ["z", "x"]
    assert [entry.value for entry in list_quarantine(connection, reason="time.unreadable", run=second.run_id)] == ["z"]
    assert list_quarantine(connection, reason="tim") == []
    assert len(list_quarantine(connection, limit=2)) == 2


def test_a_file_that_could_not_be_read_for_a_while_is_read_again(database_url, counters, mapping, rows) -> None:
    """What is told of it is what is open now: not that it can't be read, and again what is flawed in it."""
    flawed = HEADER + sound(quarters("2024-07-01", "00:00", 2)) + "2024-07-01 00:30,9,-1,2,0,0,0\n"
    folder = counters(ring__a=flawed)
    assert ingest_counts(database_url, folder, mapping).quarantined == {"value.negative": 1}
    counters(ring__a=flawed + "x" * 300_000)
    assert ingest_counts(database_url, folder, mapping).quarantined == {"file.unreadable": 1}
    counters(ring__a=flawed)
    report = ingest_counts(database_url, folder, mapping)
    assert (report.quarantined, report.written) == ({"value.negative": 1}, 0)
    assert rows("select reason from quarantine") == ["value.negative"]


def test_a_datastream_does_not_change_its_dataset(database_url, counters, mapping, tmp_path, rows) -> None:
    """With the same prefix channel 11 of one dataset would take over channel 11 of another, and its tier."""
    folder = counters(ring__a=HEADER + sound(quarters("2024-07-01", "00:00", 2)))
    ingest_counts(database_url, folder, mapping)
    other = tmp_path / "other.toml"
    text = mapping.read_text().replace('key = "radverkehr-zaehlstellen"', 'key = "autos"')
    other.write_text(text)
    with pytest.raises(MappingError, match=r"channel\.key_prefix = 'rad-': the datastream rad-11 belongs to"):
        ingest_counts(database_url, folder, other)
    assert rows("select d.key, count(*) from datastream s join dataset d on d.id = s.dataset_id group by 1") == [
        ("radverkehr-zaehlstellen", 2)
    ]
    other.write_text(text.replace('key_prefix = "rad-"', 'key_prefix = "auto-"'))
    ingest_counts(database_url, folder, other)
    assert rows("select count(*) from datastream") == [4]


def test_a_catalog_that_names_its_dataset_by_identifier_alone_describes_it(
    database_url, counters, mapping, connection, rows
) -> None:
    connection.execute(
        "insert into dataset (key, identifier, title, title_sort, digest)"
        " values ('radverkehr-zaehlstellen', 'radverkehr-zaehlstellen', 'Aus dem Katalog', '', '')"
    )
    ingest_counts(database_url, counters(ring__a=HEADER + sound(quarters("2024-07-01", "00:00", 2))), mapping)
    assert rows("select title, identifier from dataset") == [("Aus dem Katalog", "radverkehr-zaehlstellen")]


def test_a_file_that_is_written_anew_while_it_is_read_is_imported_when_it_is_complete(
    database_url, counters, mapping, rows, monkeypatch
) -> None:
    """An exporter truncates its file after it was digested, and ends with the same content."""
    whole = HEADER + sound(quarters("2024-07-01", "00:00", 8))
    folder = counters(ring__a=whole)
    register = importer.register

    def meanwhile(*arguments):
        counters(ring__a=HEADER + sound(quarters("2024-07-01", "00:00", 2)))
        return register(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(importer, "register", meanwhile)
        report = ingest_counts(database_url, folder, mapping)
    assert (report.quarantined, report.exit_code) == ({"file.changed": 1}, 3)
    assert rows("select count(*) from observation") == [0]
    counters(ring__a=whole)
    assert ingest_counts(database_url, folder, mapping).written == 16
    assert rows("select count(*) from quarantine") == [0]
