import pytest

from policy.licences import LICENCES, find_licence


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("https://www.dcat-ap.de/def/licenses/cc-zero", "cc-zero"),
        ("http://dcat-ap.de/def/licenses/dl-by-de/2.0", "dl-by-de/2.0"),
        ("http://dcat-ap.de/def/licenses/officialwork", "officialWork"),
        ("http://dcat-ap.de/def/licenses/geonutz/20131001", "geoNutz/20131001"),
        ("https://creativecommons.org/licenses/by/4.0/", "cc-by/4.0"),
        ("http://creativecommons.org/licenses/by/4.0/deed.de", "cc-by/4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/legalcode", "cc-by-sa/4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.de", "cc-zero"),
        ("https://www.govdata.de/dl-de/by-2-0", "dl-by-de/2.0"),
        ("http://www.govdata.de/dl-de/zero-2-0/", "dl-zero-de/2.0"),
        ("https://opendatacommons.org/licenses/odbl/1-0/", "odbl"),
        ("http://publications.europa.eu/resource/authority/licence/CC_BY_4_0", "cc-by/4.0"),
        ("http://publications.europa.eu/resource/authority/licence/CC0", "cc-zero"),
        ("dl-de/by-2-0", "dl-by-de/2.0"),
        ("CC BY 4.0", "cc-by/4.0"),
        ("CC-BY-4.0", "cc-by/4.0"),
        (" cc0 ", "cc-zero"),
        ("ODbL", "odbl"),
        ("Datenlizenz Deutschland – Namensnennung – Version 2.0", "dl-by-de/2.0"),
    ],
)
def test_the_usual_spellings_are_understood(written: str, path: str) -> None:
    licence = find_licence(written)
    assert licence is not None
    assert licence.uri == f"http://dcat-ap.de/def/licenses/{path}"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "frei",
        "siehe Nutzungsbedingungen",
        "https://creativecommons.org/licenses/by/3.0/",
        "https://evil.example/dcat-ap.de/def/licenses/cc-zero",
        "http://dcat-ap.de/def/licenses/unknown/9.9",
        "Namensnennung",
    ],
)
def test_what_is_not_clear_is_not_guessed(written: str) -> None:
    assert find_licence(written) is None


def test_every_licence_is_found_by_its_own_iri_and_has_its_own_key() -> None:
    assert all(find_licence(licence.uri) is licence for licence in LICENCES.values())
    assert len({licence.key for licence in LICENCES.values()}) == len(LICENCES) == 34
