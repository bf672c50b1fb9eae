from hypothesis import given
from hypothesis import strategies as st

from node.ingest.report import FIELD_LENGTH, LOCATION_LENGTH, VALUE_LENGTH, Flaw, Report
from node.ingest.report_text import report_lines


@given(st.text(min_size=0, max_size=2_000), st.text(max_size=10))
def test_a_bounded_flaw_fits_and_can_be_stored_and_shown(text: str, reason: str) -> None:
    flaw = Flaw(text, text, text, reason, text).bounded()
    assert len(flaw.location) <= LOCATION_LENGTH
    assert len(flaw.field) <= FIELD_LENGTH
    assert len(flaw.value) <= VALUE_LENGTH
    assert not any(ord(letter) < 32 for letter in flaw.value)
    flaw.value.encode("utf-8")
    assert flaw.bounded() == flaw


def test_long_places_that_differ_at_the_end_stay_apart() -> None:
    one, other = (Flaw("x" * 1_000 + end, "f", "v", "r", "m").bounded().location for end in "ab")
    assert one != other


def test_the_report_names_what_matters() -> None:
    report = Report("counts", "/data", run_id=7, read=1_000, written=990, rejected=10, ambiguous=4)
    report.quarantined.update({"time.nonexistent": 5})
    report.seconds = 2.0
    text = "\n".join(report_lines(report))
    for part in (
        "run 7",
        "1,000 observations",
        "990",
        "time.nonexistent",
        "SUSPECT",
        "500 observations per second",
        "--run 7",
    ):
        assert part in text
    assert report.exit_code == 3
    assert Report("dcat", "c.ttl").exit_code == 0
