from collections.abc import Callable
from pathlib import Path

import pytest

from node.ingest.dcat.importer import ingest_dcat
from node.ingest.errors import SourceError

PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
"""
RADVERKEHR = """
<https://city.example/1> a dcat:Dataset ; dct:identifier "radverkehr" ; dct:title "Übersicht: Radverkehr"@de ;
  dct:description "Zählungen" ; dcat:keyword "Fahrräder" ; dct:issued "2024-01-01" ;
  dct:publisher [ foaf:name "Stadt" ] ; dcat:contactPoint [ vcard:fn "Amt" ; vcard:hasEmail <mailto:a@city.example> ] ;
  dcat:distribution <https://city.example/1/csv>, <https://city.example/1/json> .
<https://city.example/1/csv> dcat:accessURL <https://city.example/1.csv> ; dct:license "dl-de/by-2-0" ; dct:format "CSV" .
<https://city.example/1/json> dcat:accessURL <https://city.example/1.json> ; dct:license "CC0" ; dct:format "JSON" .
"""
PARKEN = """
<https://city.example/2> a dcat:Dataset ; dct:title "Parken" .
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Callable[[str], Path]:
    def write(turtle: str) -> Path:
        file = tmp_path / "catalog.ttl"
        file.write_text(PREFIXES + turtle, encoding="utf-8")
        return file

    return write


def test_a_catalog_is_written_and_new_data_is_internal(database_url, catalog, rows) -> None:
    report = ingest_dcat(database_url, catalog(RADVERKEHR + PARKEN))
    assert (report.read, report.written, report.distributions, report.exit_code) == (2, 2, 2, 0)
    assert rows('select tier, title_sort from dataset order by title_sort collate "C"') == [
        ("INTERNAL", "parken"), ("INTERNAL", "ubersicht: radverkehr")
    ]  # fmt: skip
    assert rows("select key from dataset where identifier = 'radverkehr'") == ["radverkehr"]
    assert rows("select d.format, l.key from distribution d join licence l on l.id = d.licence_id order by position") == [
        ("CSV", "dl-by-de-2-0"), ("JSON", "cc-zero")
    ]  # fmt: skip
    assert rows("select p.name, c.email from dataset d join publisher p on p.id = publisher_id"
                " join contact c on c.id = contact_id") == [("Stadt", "a@city.example")]  # fmt: skip
    assert rows("select title from dataset where search @@ plainto_tsquery('german', 'Fahrrad')") == [
        "Übersicht: Radverkehr"
    ]


def test_the_same_catalog_again_rewrites_nothing(database_url, catalog, rows) -> None:
    state = (
        "select 'd', xmin::text, ctid::text from dataset union all select 'i', xmin::text, ctid::text from distribution"
        " union all select 'p', xmin::text, ctid::text from publisher union all"
        " select 'c', xmin::text, ctid::text from contact union all select 'e', epoch::text, '' from policy_epoch"
    )
    ingest_dcat(database_url, catalog(RADVERKEHR + PARKEN))
    before = rows(state)
    report = ingest_dcat(database_url, catalog(PARKEN + RADVERKEHR))
    assert (report.written, report.unchanged) == (0, 2)
    assert rows(state) == before


def test_a_changed_dataset_is_updated_and_others_are_left(database_url, catalog, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR + PARKEN))
    before = rows("select id, xmin::text from distribution order by id")
    report = ingest_dcat(database_url, catalog(RADVERKEHR.replace('"Zählungen"', '"Neu"') + PARKEN))
    assert (report.written, report.unchanged) == (1, 1)
    assert rows("select description, updated_at > created_at from dataset where key = 'radverkehr'") == [("Neu", True)]
    assert rows("select id, xmin::text from distribution order by id") == before


def test_changed_distributions_are_replaced(database_url, catalog, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR))
    ingest_dcat(database_url, catalog(RADVERKEHR.replace('"JSON"', '"XML"')))
    assert rows("select format from distribution order by position") == ["CSV", "XML"]


def test_an_import_never_changes_tier_or_governance(database_url, catalog, connection, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR))
    connection.execute(
        "update dataset set tier = 'PROTECTED', tier_reason = 'Vertrag', tier_set_by = 'x', tier_set_at = now(),"
        " data_owner = 'Amt', data_steward = 'S', personal_reference = 'NONE', legal_basis = 'HODaG',"
        " hvd_category = 'http://data.europa.eu/bna/c_1', review_due = now()"
    )
    governed = (
        "select tier, tier_reason, tier_set_by, tier_set_at, data_owner, data_steward, personal_reference, legal_basis,"
        " hvd_category, review_due from dataset"
    )
    before = rows(governed)
    changed = RADVERKEHR.replace(
        'dct:issued "2024-01-01"',
        'dct:accessRights "public" ; <http://data.europa.eu/r5r/applicableLegislation> <https://law.example/1> ;'
        " <http://data.europa.eu/r5r/hvdCategory> <http://data.europa.eu/bna/c_2>",
    )
    assert ingest_dcat(database_url, catalog(changed)).written == 1
    assert rows(governed) == before


def test_access_rights_do_not_give_a_tier(database_url, catalog, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR.replace("dct:issued", 'dct:accessRights "public" ; dct:issued')))
    assert rows("select tier from dataset") == ["INTERNAL"]


def test_flaws_are_quarantined_and_leave_when_they_are_mended(database_url, catalog, rows) -> None:
    flawed = RADVERKEHR.replace('"2024-01-01"', '"neulich"').replace('"CC0"', '"frei"')
    flawed += '<https://city.example/3> a dcat:Dataset ; dcat:theme "A", "B" .'
    report = ingest_dcat(database_url, catalog(flawed))
    assert (report.read, report.written, report.rejected, report.exit_code) == (2, 1, 1, 3)
    assert rows("select location, field, value, reason from quarantine order by reason") == [
        ("https://city.example/3", "title", "", "dataset.title"),
        ("https://city.example/1", "issued", "neulich", "date.unreadable"),
        ("https://city.example/1/json", "license", "frei", "licence.unknown"),
    ]
    assert ingest_dcat(database_url, catalog(RADVERKEHR)).exit_code == 0
    assert rows("select count(*) from quarantine") == [0]


def test_values_with_the_same_flaw_share_an_entry(database_url, catalog, rows) -> None:
    report = ingest_dcat(database_url, catalog(PARKEN.replace("dct:title", 'dcat:theme "A", "B" ; dct:title')))
    assert report.quarantined == {"theme.unknown": 1}
    assert rows("select value from quarantine") == ["A | B"]


def test_contacts_that_nobody_names_are_forgotten(database_url, catalog, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR))
    ingest_dcat(database_url, catalog(RADVERKEHR.replace("mailto:a@", "mailto:b@")))
    assert rows("select email from contact") == ["b@city.example"]


def test_a_key_that_belongs_to_another_dataset_is_not_taken_over(database_url, catalog, connection, rows) -> None:
    ingest_dcat(database_url, catalog(RADVERKEHR))
    connection.execute("update dataset set identifier = 'someone else', title = 'Anderes'")
    report = ingest_dcat(database_url, catalog(RADVERKEHR))
    assert (report.rejected, report.quarantined) == (1, {"identifier.taken": 1})
    assert rows("select title from dataset") == ["Anderes"]


def test_hostile_literals_are_stored_as_text(database_url, catalog, rows) -> None:
    title = "'); drop table dataset; -- \\u0000<script>"
    report = ingest_dcat(database_url, catalog(PARKEN.replace("Parken", title)))
    assert report.written == 1
    assert rows("select title from dataset") == ["'); drop table dataset; -- <script>"]
    long = PARKEN.replace("example/2", f"example/{'x' * 5_000}").replace(
        '"Parken"', '"T" ; dct:issued "\\u0000neulich"'
    )
    assert ingest_dcat(database_url, catalog(long)).quarantined == {"date.unreadable": 1}


def test_json_ld_with_its_own_context(database_url, tmp_path, rows) -> None:
    file = tmp_path / "catalog.data"
    file.write_text(
        '{"@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},'
        ' "@id": "https://city.example/1", "@type": "dcat:Dataset", "dct:title": {"@value": "Titel", "@language": "de"}}',
        encoding="utf-8",
    )
    assert ingest_dcat(database_url, file, format_name="json-ld").written == 1
    assert rows("select title from dataset") == ["Titel"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ttl", '<https://city.example/1> a <http://www.w3.org/ns/dcat#Dataset> ; <http://purl.org/dc/terms/title> "Ä".'),
        ("a.json", '{"@id": "urn:1", "@type": "http://www.w3.org/ns/dcat#Dataset", "http://purl.org/dc/terms/title": "Ä"}'),
    ],
)  # fmt: skip
def test_a_byte_order_mark_is_no_part_of_the_text(database_url, tmp_path, rows, name, text) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert ingest_dcat(database_url, tmp_path / name).written == 1
    assert rows("select title from dataset") == ["Ä"]


def test_a_file_without_datasets_is_refused(database_url, catalog, rows) -> None:
    with pytest.raises(SourceError, match=r"no dcat:Dataset"):
        ingest_dcat(database_url, catalog("<https://city.example/> a dcat:Catalog ."))
    assert rows("select count(*) from ingest_run") == [0]
