from datetime import timedelta
from pathlib import Path

import pytest

from node.ingest.counts.mapping import TimeRules
from node.ingest.counts.mapping_file import load_mapping
from node.ingest.errors import MappingError


def test_the_example_is_valid_and_its_bytes_are_returned(mapping_file: Path) -> None:
    mapping, content = load_mapping(mapping_file)
    assert mapping.channel.totals == "first"
    assert mapping.time.length == timedelta(minutes=15)
    assert content == mapping_file.read_bytes()


@pytest.mark.parametrize(
    ("text", "length"),
    [("PT15M", timedelta(minutes=15)), ("PT1H", timedelta(hours=1)), ("P1D", timedelta(days=1)),
     ("PT1H30M", timedelta(minutes=90)), ("P1DT12H", timedelta(hours=36)), ("PT90S", timedelta(seconds=90))],
)  # fmt: skip
def test_durations(text: str, length: timedelta) -> None:
    assert TimeRules(column="t", interval=text).length == length


@pytest.mark.parametrize(
    ("old", "new", "field", "told"),
    [
        ('interval = "PT15M"', 'interval = "15 Minuten"', "time.interval", "15 Minuten"),
        ('interval = "PT15M"', 'interval = "PT0S"', "time.interval", "PT0S"),
        ('interval = "PT15M"', 'interval = "PT"', "time.interval", "PT"),
        ('interval = "PT15M"', "", "time", "interval"),
        ('column = "Datetime"', 'colunm = "Datetime"', "time", "colunm"),
        ('zone = "Europe/Berlin"', 'zone = "Europe/Bärlin"', "time.zone", "Bärlin"),
        ('zone = "Europe/Berlin"', 'zone = "../../etc/passwd"', "time.zone", "passwd"),
        ('format = "%Y-%m-%d %H:%M"', 'format = "%Y-%m-%d"', "time.format", "%Y-%m-%d"),
        ('ambiguous = "first"', 'ambiguous = "maybe"', "time.ambiguous", "maybe"),
        ('totals = "first" ', 'totals = "last" ', "channel.totals", "last"),
        ("header = '(?P<id>", "header = '(?P<nr>", "channel.header", "(?P<id>"),
        ("header = '(?P<id>", "header = '((?P<id>", "channel.header", "regular expression"),
        ("match = 'PKW'", "match = '['", "channel.rules[0].match", "'['"),
        ('status_suffix = "-status"', "", "status", "channel.status_suffix"),
        ('vehicle_class = "BICYCLE"', 'vehicle_class = "bike"', "channel.vehicle_class", "bike"),
        ("longitude = 7.6148", "longitude = 190", "station.known", "180"),
        ("longitude = 7.6148", "", "station.known.100035541", "coordinate"),
        ('"4" = "SUSPECT"', '"4" = "DUBIOUS"', "status", "DUBIOUS"),
        ('themes = ["TRAN"]', 'themes = ["Verkehr"]', "dataset.themes", "Verkehr"),
        ('key = "radverkehr-zaehlstellen"', 'key = "Rad Verkehr"', "dataset.key", "Rad Verkehr"),
        ("dl-by-de/2.0", "dl-by-de/9.0", "dataset.licence", "dl-by-de/9.0"),
        ('access_url = "https://', 'access_url = "javascript://', "dataset.access_url", "javascript"),
        ('pattern = "*/*.csv"', 'pattern = "../*.csv"', "file.pattern", "../"),
        ('pattern = "*/*.csv"', 'encoding = "utf-99"', "file.encoding", "utf-99"),
        ("[sensor]", "[sensors]", "", "sensors"),
    ],
)
def test_an_error_names_field_value_and_remedy(
    mapping_file: Path, tmp_path: Path, old: str, new: str, field: str, told: str
) -> None:
    text = mapping_file.read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        load_mapping(broken)
    message = str(caught.value).removeprefix(f"{broken}: ")
    assert message.startswith(field)
    assert told in message
    assert any(word in message for word in ("Use", "Set", "See", "Give", "Name", "Mend"))


@pytest.mark.parametrize("content", [b"[time", b"\xff\xfe", b"x = " + b"[" * 5_000, b"#" * 1_100_000])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.toml"
    file.write_bytes(content)
    with pytest.raises(MappingError, match=r"m\.toml"):
        load_mapping(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nowhere\.toml can't be read"):
        load_mapping(tmp_path / "nowhere.toml")
