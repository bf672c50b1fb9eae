import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ingest.catalog_records import BoundingBox
from node.ingest.dcat.geometry import read_bbox

BOX = BoundingBox(8.6, 50.5, 8.8, 50.7)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON((8.6 50.5, 8.8 50.5, 8.8 50.7, 8.6 50.7, 8.6 50.5))",
        "polygon ((8.6 50.5,8.8 50.5,8.8 50.7,8.6 50.7,8.6 50.5))",
        "MULTIPOLYGON(((8.6 50.5, 8.7 50.5, 8.7 50.6)), ((8.8 50.7, 8.7 50.6, 8.75 50.6)))",
        "LINESTRING Z (8.6 50.5 100, 8.8 50.7 120)",
        "ENVELOPE(8.6, 8.8, 50.7, 50.5)",
        "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POLYGON((8.6 50.5, 8.8 50.5, 8.8 50.7))",
        '{"type":"Polygon","coordinates":[[[8.6,50.5],[8.8,50.5],[8.8,50.7],[8.6,50.5]]]}',
        '{"type":"MultiPoint","coordinates":[[8.6,50.7],[8.8,50.5]]}',
        '{"type":"Feature","geometry":{"type":"LineString","coordinates":[[8.6,50.5],[8.8,50.7]]},"properties":{}}',
        (
            '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":'
            '{"type":"MultiPoint","coordinates":[[8.6,50.5],[8.8,50.7]]}}]}'
        ),
    ],
)
def test_wkt_and_geojson(text: str) -> None:
    assert read_bbox(text) == BOX


def test_numbers_may_begin_with_their_point() -> None:
    assert read_bbox("LINESTRING(-.25 51.5, .5 52)") == BoundingBox(-0.25, 51.5, 0.5, 52)


def test_a_point_is_a_box_without_extent() -> None:
    assert read_bbox("POINT(8.6 50.5)") == BoundingBox(8.6, 50.5, 8.6, 50.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Gießen",
        "POLYGON((8.6 50.5, 8.8",
        "POLYGON(())",
        "POINT(500000 5600000)",
        "POINT(8.6)",
        "POINT(8.6 50.5 1 2)",
        "CIRCLE(8.6 50.5)",
        "ENVELOPE(8.6, 8.8, 50.7)",
        "<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(50.5 8.6)",
        '{"type":"Polygon","coordinates":[]}',
        '{"type":"Point","coordinates":["a","b"]}',
        '{"type":"Point","coordinates":[8.6,NaN]}',
        '{"type":"Point"}',
        '{"type":"FeatureCollection"}',
        '{"type":"Point","coordinates":' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
)
def test_what_is_unclear_or_outside_of_wgs84(text: str) -> None:
    assert read_bbox(text) is None


@given(st.text(alphabet='POLYGNT(){}[]",:.0123456789 -<>eE', max_size=80))
def test_no_text_raises(text: str) -> None:
    read_bbox(text)
