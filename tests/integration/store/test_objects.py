"""Objects and nested connections: values, nulls, and paging inside."""

from __future__ import annotations


async def test_a_dataset_with_everything(store):
    seen, _ = await store.one("""{ dataset(id: "giessen:dataset:rad") {
        id city identifier title description tier publisher { name kind __typename } contactPoint { name } landingPage
        themes keywords issued modified accrualPeriodicity temporal { start end } spatial bbox { west south east north }
        legalBasis hvdCategory distributions { title accessURL byteSize licence { code uri } }
        datastreams(first: 1) { edges { node { id } } pageInfo { hasNextPage hasPreviousPage } federation { complete } __typename }
    } }""")
    assert seen == {
        "id": "giessen:dataset:rad",
        "city": "giessen",
        "identifier": None,
        "title": "Radverkehr",
        "description": "Gezählte Fahrräder",
        "tier": "OPEN",
        "publisher": {"name": "Amt für Verkehr", "kind": None, "__typename": "Publisher"},
        "contactPoint": None,
        "landingPage": None,
        "themes": ["TRAN"],
        "keywords": ["Rad", "Zählung"],
        "issued": None,
        "modified": "2026-01-03T00:00:00+00:00",
        "accrualPeriodicity": None,
        "temporal": {"start": "2025-01-01T00:00:00+00:00", "end": None},
        "spatial": [],
        "bbox": {"west": 8.6, "south": 50.5, "east": 8.7, "north": 50.6},
        "legalBasis": None,
        "hvdCategory": None,
        "distributions": [
            {
                "title": "CSV",
                "accessURL": "https://x.example/rad.csv",
                "byteSize": 10,
                "licence": {"code": "dl-by-de/2.0", "uri": "http://dcat-ap.de/def/licenses/dl-by-de/2.0"},
            },
            {"title": "JSON", "accessURL": "https://x.example/rad.json", "byteSize": 5000000000, "licence": None},
        ],
        "datastreams": {
            "edges": [{"node": {"id": "giessen:datastream:rad-aus"}}],
            "pageInfo": {"hasNextPage": True, "hasPreviousPage": False},
            "federation": None,
            "__typename": "DatastreamConnection",
        },
    }


async def test_absent_parts_are_null(store):
    seen, _ = await store.one(
        '{ dataset(id: "giessen:dataset:akten") { bbox { west } temporal { start } publisher { name } } }'
    )
    assert seen == {"bbox": None, "temporal": None, "publisher": None}
    seen, _ = await store.one('{ thing(id: "giessen:thing:s3") { location { longitude } } }')
    assert seen == {"location": None}


async def test_a_missing_value_is_null_and_says_so(store):
    seen, _ = await store.one("""{ datastream(id: "giessen:datastream:rad-aus") {
        observations(first: 1, orderBy: TIME_ASC) { nodes { phenomenonTime phenomenonEnd result quality } }
        latest { phenomenonTime result quality } } }""")
    assert seen["observations"]["nodes"] == [
        {
            "phenomenonTime": "2026-01-01T00:00:00+00:00",
            "phenomenonEnd": "2026-01-01T00:15:00+00:00",
            "result": None,
            "quality": "MISSING",
        }
    ]
    assert seen["latest"] == {"phenomenonTime": "2026-01-01T23:45:00+00:00", "result": 223, "quality": "RAW"}


async def test_nested_pages_go_on_from_their_cursor(store):
    document = """query ($after: String) { datastream(id: "giessen:datastream:rad-ein") {
        observations(first: 40, after: $after, orderBy: TIME_ASC,
                     during: {start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}) {
            nodes { phenomenonTime } pageInfo { endCursor hasNextPage startCursor hasPreviousPage } } } }"""
    seen, after, more = [], None, True
    while more:
        found, _ = await store.one(document, after=after)
        page = found["observations"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["phenomenonTime"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len(seen) == len(set(seen)) == 96
    assert seen == sorted(seen)


async def test_the_same_field_twice_under_two_names(store):
    seen, _ = await store.one("""{ datastream(id: "giessen:datastream:rad-ein") {
        old: observations(first: 1, orderBy: TIME_ASC) { nodes { result } }
        new: observations(first: 1, orderBy: TIME_DESC) { nodes { result } } a: name b: name } }""")
    assert seen == {
        "old": {"nodes": [{"result": 100}]},
        "new": {"nodes": [{"result": 123}]},
        "a": "Rad ein",
        "b": "Rad ein",
    }
