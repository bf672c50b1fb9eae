from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.ingest.catalog_records import BoundingBox, ContactRecord, DatasetRecord
from node.ingest.dcat.datasets import Reading, read_datasets
from node.ingest.dcat.graph import read_graph
from node.ingest.errors import SourceError

PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix dcatde: <http://dcat-ap.de/def/dcatde/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix eu: <http://publications.europa.eu/resource/authority/> .
@base <https://city.example/> .
"""


@pytest.fixture
def read(tmp_path: Path):
    def parse(turtle: str) -> list[Reading]:
        file = tmp_path / "catalog.ttl"
        file.write_text(PREFIXES + turtle, encoding="utf-8")
        return list(read_datasets(read_graph(file)))

    return parse


def one(readings: list[Reading]) -> tuple[DatasetRecord, set[tuple[str, str]]]:
    assert len(readings) == 1
    assert readings[0].record is not None
    return readings[0].record, {(flaw.field, flaw.reason) for flaw in readings[0].flaws}


def test_a_whole_dataset(read) -> None:
    record, flaws = one(
        read("""
        <d/1> a dcat:Dataset ;
          dct:title "Traffic counts"@en, "Verkehrszählung"@de ; dct:description "Zählt Räder." ;
          dct:identifier "verkehr-1" ;
          dct:publisher [ a foaf:Agent ; foaf:name "Stadt Gießen" ; foaf:homepage <https://giessen.example/> ] ;
          dcat:contactPoint [ a vcard:Kind ; vcard:fn "Amt" ; vcard:hasEmail <mailto:amt@giessen.example> ;
            vcard:hasTelephone <tel:+49-641-1> ] ;
          dcat:theme <http://publications.europa.eu/resource/authority/data-theme/TRAN> ;
          dcat:keyword "Rad"@de, "Kfz"@de, "bike"@en ;
          dct:language <http://publications.europa.eu/resource/authority/language/DEU> ;
          dct:issued "2024-01-02"^^xsd:date ; dct:modified "2024-02-03T04:05:06Z"^^xsd:dateTime ;
          dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/DAILY> ;
          dct:temporal [ a dct:PeriodOfTime ; dcat:startDate "2023"^^xsd:gYear ; dcat:endDate "2023-12-31"^^xsd:date ] ;
          dct:spatial <http://dcat-ap.de/def/politicalGeocoding/municipalityKey/06531005>,
            [ a dct:Location ; dcat:bbox "POLYGON((8.6 50.5,8.8 50.5,8.8 50.7,8.6 50.7,8.6 50.5))" ] ;
          dct:accessRights "public" ;
          dcat:landingPage <https://giessen.example/rad> ;
          dcatap:applicableLegislation <http://data.europa.eu/eli/reg_impl/2023/138/oj> ;
          dcatap:hvdCategory <http://data.europa.eu/bna/c_b79e35eb> ;
          dcat:distribution <d/1/csv> .
        <d/1/csv> a dcat:Distribution ; dct:title "CSV" ;
          dcat:accessURL <https://giessen.example/rad> ; dcat:downloadURL <https://giessen.example/rad.csv> ;
          dct:license <https://www.govdata.de/dl-de/by-2-0> ; dcatde:licenseAttributionByText "Stadt Gießen" ;
          dct:format <http://publications.europa.eu/resource/authority/file-type/CSV> ; dcat:mediaType "text/csv" ;
          dcat:byteSize "6776.0"^^xsd:decimal ;
          dcatap:availability <http://publications.europa.eu/resource/authority/planned-availability/STABLE> .
        """)
    )
    assert flaws == set()
    assert (record.key, record.identifier, record.source_iri) == ("verkehr-1", "verkehr-1", "https://city.example/d/1")
    assert (record.title, record.description) == ("Verkehrszählung", "Zählt Räder.")
    assert record.publisher is not None
    assert (record.publisher.name, record.publisher.homepage) == ("Stadt Gießen", "https://giessen.example/")
    assert isinstance(record.contact, ContactRecord)
    assert (record.contact.email, record.contact.telephone) == ("amt@giessen.example", "+49-641-1")
    assert (record.themes, record.keywords, record.languages) == (("TRAN",), ("Kfz", "Rad"), ("DEU",))
    assert record.issued == datetime(2024, 1, 2, tzinfo=UTC)
    assert record.modified == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert record.temporal_start == datetime(2023, 1, 1, tzinfo=UTC)
    assert record.temporal_end == datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert record.bbox == BoundingBox(8.6, 50.5, 8.8, 50.7)
    assert record.spatial == ("http://dcat-ap.de/def/politicalGeocoding/municipalityKey/06531005",)
    assert (record.accrual_periodicity, record.access_rights) == ("DAILY", "PUBLIC")
    assert record.legal_basis == "http://data.europa.eu/eli/reg_impl/2023/138/oj"
    assert record.hvd_category == "http://data.europa.eu/bna/c_b79e35eb"
    (distribution,) = record.distributions
    assert distribution.licence is not None
    assert distribution.licence.uri == "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
    assert (distribution.format, distribution.media_type, distribution.byte_size) == ("CSV", "text/csv", 6776)
    assert (distribution.availability, distribution.licence_attribution) == ("STABLE", "Stadt Gießen")


@pytest.mark.parametrize(
    ("titles", "chosen"),
    [
        ('"en"@en, "de"@de, "plain"', "de"),
        ('"en"@en, "plain"', "plain"),
        ('"fr"@fr, "en"@en', "en"),
        ('"fr"@fr', "fr"),
        ('"de-AT"@de-AT, "en"@en', "de-AT"),
    ],
)
def test_the_language_of_a_title(read, titles: str, chosen: str) -> None:
    assert one(read(f"<d> a dcat:Dataset ; dct:title {titles} ."))[0].title == chosen


@pytest.mark.parametrize(
    ("triples", "field", "reason"),
    [
        ('dct:issued "neulich"', "issued", "date.unreadable"),
        ('dct:modified "2024-02-31"', "modified", "date.unreadable"),
        ('dcat:theme "Verkehr"', "theme", "theme.unknown"),
        ('dct:accrualPeriodicity "ab und zu"', "accrualPeriodicity", "frequency.unknown"),
        ('dct:language "Klingonisch"', "language", "language.unknown"),
        ('dct:accessRights "vielleicht"', "accessRights", "access-rights.unknown"),
        ("dcat:landingPage <javascript:alert(1)>", "landingPage", "url.invalid"),
        ('dcat:landingPage "https://city.example/a b"', "landingPage", "url.invalid"),
        ("dcatap:hvdCategory <https://city.example/hvd>", "hvdCategory", "hvd-category.unknown"),
        ('dct:spatial "Gießen"', "spatial", "spatial.unclear"),
        ('dct:spatial [ dcat:bbox "hier" ]', "spatial.geometry", "geometry.unreadable"),
        ('dct:temporal [ dcat:startDate "2024" ; dcat:endDate "2023" ]', "temporal", "temporal.reversed"),
        ('dct:temporal "2019/2020"', "temporal", "temporal.unclear"),
        ("dct:temporal <https://city.example/year/2020>", "temporal", "temporal.unclear"),
        (f"dcat:theme {', '.join(f'<urn:{n}>' for n in range(501))}", "theme", "value.too-many"),
        ('dct:temporal [ dcat:startDate "früher" ]', "temporal.startDate", "date.unreadable"),
        ("dct:publisher [ a foaf:Agent ]", "publisher", "publisher.name"),
        ('dcat:contactPoint [ vcard:fn "Amt" ; vcard:hasEmail <https://city.example/> ]', "contactPoint.email", "contact.email"),
        (f'dct:description "{"x" * 50_001}"', "description", "literal.too-long"),
        (f'dcat:keyword "{"x" * 201}"', "keyword", "literal.too-long"),
        ("dcat:distribution [ a dcat:Distribution ]", "distribution", "distribution.no-address"),
        ("dcat:distribution [ dcat:accessURL <https://a.example/> ]", "license", "licence.missing"),
        ('dcat:distribution [ dcat:accessURL <https://a.example/> ; dct:license "frei" ]', "license", "licence.unknown"),
        ('dcat:distribution [ dcat:accessURL <https://a.example/> ; dct:format "Zettel" ]', "format", "format.unknown"),
        ('dcat:distribution [ dcat:accessURL <https://a.example/> ; dcat:mediaType "Text" ]', "mediaType", "media-type.unknown"),
        ('dcat:distribution [ dcat:accessURL <https://a.example/> ; dcat:byteSize "viel" ]', "byteSize", "byte-size.invalid"),
        ('dcat:distribution [ dcat:accessURL <https://a.example/> ; dcat:byteSize "1.5" ]', "byteSize", "byte-size.invalid"),
        ("dct:identifier <urn:a>, <urn:b>", "identifier", "value.multiple"),
    ],
)  # fmt: skip
def test_a_flawed_field_is_quarantined_and_the_dataset_kept(read, triples: str, field: str, reason: str) -> None:
    record, flaws = one(read(f'<d> a dcat:Dataset ; dct:title "T" ; {triples} .'))
    assert (field, reason) in flaws
    assert record.title == "T"


def test_good_values_beside_bad_ones_are_kept(read) -> None:
    record, flaws = one(read('<d> a dcat:Dataset ; dct:title "T" ; dcat:theme "TRAN", "Verkehr", "envi" .'))
    assert record.themes == ("ENVI", "TRAN")
    assert flaws == {("theme", "theme.unknown")}


def test_a_dataset_without_title_or_identity_is_quarantined_as_a_whole(read) -> None:
    readings = read("""<d> a dcat:Dataset ; dct:description "x" .  [] a dcat:Dataset ; dct:title "T" .""")
    assert [reading.record for reading in readings] == [None, None]
    assert [flaw.reason for reading in readings for flaw in reading.flaws] == ["dataset.title", "dataset.identity"]


def test_the_second_of_two_datasets_with_one_identifier_is_quarantined(read) -> None:
    readings = read("""
        <a> a dcat:Dataset ; dct:title "A" ; dct:identifier "x" . <b> a dcat:Dataset ; dct:title "B" ; dct:identifier "x" .
    """)
    assert readings[0].record is not None
    assert readings[0].record.title == "A"
    assert readings[1].record is None
    assert [flaw.reason for flaw in readings[1].flaws] == ["identifier.duplicate"]


def test_the_order_of_triples_does_not_change_the_digest(read) -> None:
    parts = [
        'dcat:keyword "b", "a"',
        "dcat:distribution <y>, <x>, [ dcat:accessURL <https://a.example/3> ], [ dcat:accessURL <https://a.example/4> ]",
        'dcat:contactPoint [ vcard:fn "B" ], [ vcard:fn "A" ]',
    ]
    rest = "<x> dcat:accessURL <https://a.example/1> . <y> dcat:accessURL <https://a.example/2> ."
    one_way, _ = one(read(f'<d> a dcat:Dataset ; dct:title "T" ; {" ; ".join(parts)} . {rest}'))
    other = [part.split(" ", 1)[0] + " " + ", ".join(reversed(part.split(" ", 1)[1].split(", "))) for part in parts]
    other_way, _ = one(read(f'{rest} <d> {" ; ".join(reversed(other))} ; dct:title "T" ; a dcat:Dataset .'))
    assert one_way.digest == other_way.digest
    assert [distribution.access_url[-1] for distribution in one_way.distributions] == ["3", "4", "1", "2"]


def test_only_the_download_address_is_enough(read) -> None:
    record, _ = one(
        read("""<d> a dcat:Dataset ; dct:title "T" ;
        dcat:distribution [ dcat:downloadURL <https://a.example/1.csv> ; dct:license "cc0" ] .""")
    )
    assert record.distributions[0].access_url == "https://a.example/1.csv"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonld", b'{"@context": "https://www.w3.org/ns/dcat.jsonld", "@type": "Dataset"}', "never loaded"),
        ("a.jsonld", b'{"@context": {"@import": "https://a.example/c"}, "@id": "https://a.example/"}', "never loaded"),
        ("a.jsonld", b"[1,", "JSON-LD"),
        ("a.ttl", b"<a> <b", "Turtle"),
        ("a.rdf", b"<html>", "RDF/XML"),
        ("a.rdf", b"", "RDF/XML"),
        ("a.csv", b"a,b", "--format"),
        ("a.ttl", b"#" * 2_000_000, "--max-megabytes"),
    ],
)
def test_files_that_can_not_be_read(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SourceError, match=told):
        read_graph(file, max_bytes=1_000_000)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="can't be read"):
        read_graph(tmp_path / "nowhere.ttl")


@pytest.mark.parametrize(
    ("entities", "used"),
    [
        ('<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">', "&b;"),
        (f'<!ENTITY a "{"a" * 10_000}">', "&a;" * 10_000),
        ('<!ENTITY a SYSTEM "file:///etc/hostname">', "&a;"),
    ],
)
def test_xml_entities_can_not_blow_up_or_read_files(tmp_path: Path, entities: str, used: str) -> None:
    file = tmp_path / "a.rdf"
    file.write_text(
        f"<!DOCTYPE rdf:RDF [{entities}]>"
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e.example/">'
        f'<rdf:Description rdf:about="http://e.example/1"><e:p>{used}</e:p></rdf:Description></rdf:RDF>',
        encoding="utf-8",
    )
    with pytest.raises(SourceError):
        read_graph(file, max_bytes=1_000_000)


def test_a_catalog_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.rdf"
    start = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e.example/">'
    part = '<rdf:Description rdf:about="http://e.example/1"><e:p>x</e:p></rdf:Description>'
    file.write_text(start + part, encoding="utf-8")
    with pytest.raises(SourceError, match="cut off"):
        read_graph(file)


def test_namespace_entities_stay_allowed(tmp_path: Path) -> None:
    file = tmp_path / "a.rdf"
    file.write_text(
        '<!DOCTYPE rdf:RDF [<!ENTITY e "http://e.example/">]>'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e.example/">'
        '<rdf:Description rdf:about="&e;1"><e:p>x</e:p></rdf:Description></rdf:RDF>',
        encoding="utf-8",
    )
    assert len(read_graph(file)) == 1
