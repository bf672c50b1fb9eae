import pytest

from node.ingest import vocabularies

EU = "http://publications.europa.eu/resource/authority"


@pytest.mark.parametrize(
    ("function", "written", "code"),
    [
        ("theme", f"{EU}/data-theme/TRAN", "TRAN"),
        ("theme", "tran", "TRAN"),
        ("theme", "Verkehr", None),
        ("theme", f"{EU}/data-theme/XYZ", None),
        ("theme", f"{EU}/file-type/TRAN", None),
        ("frequency", f"{EU}/frequency/DAILY", "DAILY"),
        ("frequency", "http://purl.org/cld/freq/monthly", "MONTHLY"),
        ("frequency", "wöchentlich", "WEEKLY"),
        ("frequency", "P1Y", "ANNUAL"),
        ("frequency", "ab und zu", None),
        ("access_right", "public", "PUBLIC"),
        ("access_right", f"{EU}/access-right/NON_PUBLIC", "NON_PUBLIC"),
        ("access_right", "non-public", "NON_PUBLIC"),
        ("access_right", "vielleicht", None),
        ("availability", f"{EU}/planned-availability/STABLE", "STABLE"),
        ("availability", "https://www.dcat-ap.de/def/plannedAvailability/temporary", "TEMPORARY"),
        ("availability", "https://evil.example/stable", None),
        ("language", f"{EU}/language/DEU", "DEU"),
        ("language", "de-DE", "DEU"),
        ("language", "klingonisch", None),
        ("file_type", f"{EU}/file-type/GEOJSON", "GEOJSON"),
        ("file_type", ".csv", "CSV"),
        ("file_type", "text/csv", "CSV"),
        ("file_type", "Shape", "SHP"),
        ("file_type", "https://www.iana.org/assignments/media-types/application/json", "JSON"),
        ("file_type", "irgendwas", None),
        ("media_type", "https://www.iana.org/assignments/media-types/text/csv", "text/csv"),
        ("media_type", "application/vnd.geo+json", "application/vnd.geo+json"),
        ("media_type", "CSV", None),
        ("media_type", "text/csv; charset=utf-8 <script>", None),
    ],
)
def test_codes_are_found_or_left(function: str, written: str, code: str | None) -> None:
    assert getattr(vocabularies, function)(written) == code
