import pytest

from node.ingest.counts.cells import NO_STATUS, NULL, CellFlaw, CellReader, Reading


@pytest.mark.parametrize(
    ("value", "status", "result", "quality"),
    [
        ("12", "0", "12", "RAW"),
        ("0", "0", "0", "RAW"),
        ("12", NO_STATUS, "12", "RAW"),
        ("12.0", "0", "12.0", "RAW"),
        (" 12 ", " 0 ", "12", "RAW"),
        ("12", "4", "12", "SUSPECT"),
        ("", "", NULL, "MISSING"),
        ("", "0", NULL, "MISSING"),
        ("", NO_STATUS, NULL, "MISSING"),
        ("12", "kaputt", NULL, "MISSING"),
    ],
)
def test_sound_cells(make_mapping, value: str, status: str, result: str, quality: str) -> None:
    assert CellReader(make_mapping()).read(value, status) == Reading(result, quality)


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        ("12", "9", "status.unknown"),
        ("12", "", "status.unknown"),
        ("", "9", "status.unknown"),
        ("-1", "0", "value.negative"),
        ("zwölf", "0", "value.unreadable"),
        ("1e5", "0", "value.unreadable"),
        ("nan", "0", "value.unreadable"),
        ("inf", "0", "value.unreadable"),
        ("١٢", "0", "value.unreadable"),
        ("1,5", "0", "value.unreadable"),
        ("1\\N", "0", "value.unreadable"),
        ("9" * 16, "0", "value.unreadable"),
        ("1.5", "0", "value.fraction"),
        ("1000001", "0", "value.implausible"),
    ],
)
def test_flawed_cells(make_mapping, value: str, status: str, reason: str) -> None:
    found = CellReader(make_mapping()).read(value, status)
    assert isinstance(found, CellFlaw)
    assert found.reason == reason
    assert found.message


def test_decimal_commas(make_mapping) -> None:
    rules = {"key": "tempo", "name": "Tempo", "observation_type": "https://example.org/OM_Measurement"}
    cells = CellReader(make_mapping(value={"decimal": ","}, observed_property=rules))
    assert cells.read("48,5", "0") == Reading("48.5", "RAW")
    assert isinstance(cells.read("48.5", "0"), CellFlaw)
