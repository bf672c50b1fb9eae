from node.ingest.counts.header import Header, read_header

STATUS = "1-status,2-status,3-status"


def columns(header: Header) -> list[tuple[str, str, int, int | None]]:
    return [(channel.id, channel.name, channel.column, channel.status) for channel in header.channels]


def test_the_first_column_is_the_station_and_not_a_channel(make_mapping) -> None:
    header, flaws = read_header(f"Zeit,1 (Neutor),2 (ein),3 (aus),{STATUS}\r\n", "a/b.csv", make_mapping())
    assert header is not None
    assert flaws == []
    assert (header.width, header.time) == (7, 0)
    assert columns(header) == [("2", "ein", 2, 5), ("3", "aus", 3, 6)]
    assert {(channel.station.id, channel.station.name) for channel in header.channels} == {("1", "Neutor")}


def test_quotes_brackets_and_commas_in_names(make_mapping) -> None:
    line = 'Zeit,"1 (Ring, nördl. (Salzstraße))","2 (FR ""Tor"")",1-status,2-status'
    header, flaws = read_header(line, "b.csv", make_mapping())
    assert header is not None
    assert flaws == []
    assert header.channels[0].station.name == "Ring, nördl. (Salzstraße)"
    assert columns(header) == [("2", 'FR "Tor"', 2, 4)]


def test_columns_may_come_in_any_order_and_a_byte_order_mark_does_no_harm(make_mapping) -> None:
    header, _ = read_header("\ufeff2-status,1 (S),Zeit,2 (K)", "b.csv", make_mapping())
    assert header is not None
    assert header.time == 2
    assert columns(header) == [("2", "K", 3, 0)]


def test_a_channel_without_status_column(make_mapping) -> None:
    header, _ = read_header("Zeit,1 (S),2 (K),1-status", "b.csv", make_mapping())
    assert header is not None
    assert columns(header) == [("2", "K", 2, None)]


def test_unknown_and_doubled_columns_are_told_and_the_others_used(make_mapping) -> None:
    header, flaws = read_header(
        "Zeit,1 (S),2 (K),Wetter,2 (K),Notiz", "b.csv", make_mapping(channel={"ignore": ["^Notiz$"]})
    )
    assert header is not None
    assert columns(header) == [("2", "K", 2, None)]
    assert [(flaw.reason, flaw.field, flaw.value) for flaw in flaws] == [
        ("header.unknown-column", "column 4", "Wetter"),
        ("header.duplicate", "column 5", "2 (K)"),
    ]


def test_totals_by_folder_by_id_and_none(make_mapping) -> None:
    line = "Zeit,2 (K),1 (S)"
    by_folder, _ = read_header(
        line, "1/b.csv", make_mapping(channel={"totals": "folder"}, station={"source": "folder"})
    )
    by_id, _ = read_header(line, "b.csv", make_mapping(channel={"totals": ["1"]}))
    none, _ = read_header(line, "b.csv", make_mapping(channel={"totals": "none"}, station={"source": "file"}))
    assert by_folder is not None
    assert by_id is not None
    assert none is not None
    assert columns(by_folder) == columns(by_id) == [("2", "K", 1, None)]
    assert [channel.id for channel in none.channels] == ["2", "1"]
    assert by_folder.channels[0].station.name == "S"
    assert none.channels[0].station.id == "b"


def test_the_station_in_the_header(make_mapping) -> None:
    mapping = make_mapping(
        channel={"header": r"(?P<station>\w+)/(?P<id>\w+)", "totals": "none"}, station={"source": "header"}
    )
    header, _ = read_header("Zeit,nord/a,nord/b,sued/c", "b.csv", mapping)
    assert header is not None
    assert [(channel.station.id, channel.id) for channel in header.channels] == [
        ("nord", "a"),
        ("nord", "b"),
        ("sued", "c"),
    ]


def test_a_known_channel_in_first_place_is_not_taken_for_the_total(make_mapping) -> None:
    mapping = make_mapping(channel={"known": {"2": {"name": "K"}}})
    header, flaws = read_header("Zeit,2 (K),3 (L)", "b.csv", mapping)
    assert header is None
    assert [flaw.reason for flaw in flaws] == ["header.no-channels"]


def test_headers_that_can_not_be_used(make_mapping) -> None:
    reasons = {}
    for line in ("", "Datum,1 (S),2 (K)", "Zeit;1 (S);2 (K)", "Zeit,Zeit,1 (S),2 (K)", "Zeit", "Zeit,1 (S)",
                 "Zeit,1 (S),2 (\ufffd)", "Zeit," + ",".join(f"{n} (x)" for n in range(3_000)), "Zeit,1 (S),2 (" + "x" * 600 + ")"):  # fmt: skip
        header, flaws = read_header(line, "b.csv", make_mapping())
        assert header is None
        reasons[line[:20]] = flaws[-1].reason
        assert flaws[-1].location == "b.csv:1"
    assert list(reasons.values()) == ["header.no-time"] * 4 + ["header.no-channels"] * 2 + [
        "file.encoding", "header.too-large", "header.too-large"]  # fmt: skip
