"""The catalog for harvesters: what leaves is what the caller may see, and an importer reads it as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from node.ingest.dcat.datasets import read_datasets
from node.ingest.dcat.graph import read_graph
from node.ingest.dcat.importer import ingest_dcat
from node.web.export import pages
from policy.licences import find_licence
from policy.model import Tier
from tests.assessed import set_tier
from tests.conftest import TEMPLATE
from tests.federation.cities import Federation

CATALOG = Path(pages.__file__).parents[2] / "demo" / "catalogs" / "fulda.ttl"
OPEN = ("radverkehrszaehlung", "schulen", "spielplaetze", "fulda-pegel")
SHARED = "kfz-verkehrszaehlung"
ODRL = "http://www.w3.org/ns/odrl/2/"
FORMS = {"ttl": RdfFormat.TURTLE, "jsonld": RdfFormat.JSON_LD, "rdf": RdfFormat.RDF_XML}


@pytest.fixture(scope="module")
def fulda(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("export"))
    town = formed.add("fulda", postgres_url, TEMPLATE, seed=False)
    ingest_dcat(town.database_url, CATALOG)
    for key in OPEN:
        set_tier(town.database_url, key, Tier.OPEN, purposes=frozenset({"research", "ai-training"}))
    set_tier(town.database_url, SHARED, Tier.SHARED, ("minimum-count=5",), purposes=frozenset({"research"}))
    formed.sign()
    town.process.start()
    town.process.wait_ready()
    yield town
    formed.stop()


async def fetched(town, form: str, token=None, **headers: str) -> tuple[int, bytes, CIMultiDict[str]]:
    url = f"{town.settings.issuer}/catalog.{form}"
    headers |= token.headers("GET", url) if token is not None else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.read(), response.headers.copy()


def read(content: bytes, form: str, folder: Path) -> dict:
    file = folder / f"catalog.{form}"
    file.write_bytes(content)
    readings = list(read_datasets(read_graph(file)))
    assert not [flaw for reading in readings for flaw in reading.flaws]
    return {reading.record.key: reading.record for reading in readings}


def bare(record):
    """Without what the catalog and the API name differently: IRIs of their own, and what an assessment has replaced."""
    distributions = [replace(one, licence=one.licence or find_licence("dl-by-de/2.0")) for one in record.distributions]
    publisher = record.publisher and replace(record.publisher, key="")
    return replace(
        record, source_iri=None, publisher=publisher, legal_basis=None, hvd_category=None, access_rights=None,
        distributions=tuple(sorted(distributions, key=repr)),
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_an_importer_reads_what_the_city_has_imported(fulda, form, tmp_path):
    status, content, headers = await fetched(fulda, form)
    assert (status, headers["Cache-Control"]) == (200, "public, no-cache")
    exported = read(content, form, tmp_path)
    original = {reading.record.key: reading.record for reading in read_datasets(read_graph(CATALOG))}
    assert exported.keys() == set(OPEN), "nothing but the open tier, to anybody"
    for key, record in exported.items():
        assert bare(record) == bare(original[key])
        assert (record.access_rights, record.legal_basis) == ("PUBLIC", "§ 1 HODaG")
        assert all(one.licence for one in record.distributions)


async def test_a_tag_spares_what_has_not_changed_and_a_tier_holds_at_once(fulda):
    _, first, headers = await fetched(fulda, "ttl")
    tag = headers["etag"]
    status, content, again = await fetched(fulda, "ttl", **{"If-None-Match": tag})
    assert (status, content, again["etag"]) == (304, b"", tag)
    assert (await fetched(fulda, "jsonld"))[2]["etag"] != tag
    set_tier(fulda.database_url, "schulen", Tier.INTERNAL)
    status, content, _ = await fetched(fulda, "ttl", **{"If-None-Match": tag})
    assert status == 200
    assert b"/fulda/schulen>" in first
    assert b"/fulda/schulen>" not in content
    set_tier(fulda.database_url, "schulen", Tier.OPEN)


def policies(content: bytes) -> dict[str, dict[str, set[str]]]:
    """By dataset: the class of its policy, and the purposes of permission and prohibition."""
    triples = list(parse(content, format=RdfFormat.TURTLE))

    def objects(subject, name: str):
        return [one.object for one in triples if one.subject == subject and one.predicate.value.endswith(name)]

    found = {}
    for one in triples:
        if one.predicate == NamedNode(f"{ODRL}hasPolicy"):
            told = {"is": {kind.value.removeprefix(ODRL) for kind in objects(one.object, "#type")}}
            for kind in ("permission", "prohibition"):
                rules = objects(one.object, f"/{kind}")
                constraints = [node for rule in rules for node in objects(rule, "/constraint")]
                told[kind] = {o.value.rpartition(":")[2] for c in constraints for o in objects(c, "/rightOperand")}
                told["duties"] = {
                    value.value
                    for rule in objects(one.object, "/permission")
                    for duty in objects(rule, "/duty")
                    for value in objects(duty, ":value")
                    if isinstance(value, Literal)
                }
            found[one.subject.value.rpartition("/")[2]] = told
    return found


async def test_who_may_see_shared_data_sees_what_is_offered(fulda):
    open_to_all = policies((await fetched(fulda, "ttl"))[1])
    assert open_to_all["radverkehrszaehlung"] == {
        "is": {"Set"}, "permission": set(), "prohibition": {"ai-assistance"}, "duties": set()
    }  # fmt: skip
    assert SHARED not in open_to_all
    status, content, headers = await fetched(fulda, "ttl", await fulda.token())
    assert (status, headers["Cache-Control"]) == (200, "private, no-cache")
    assert policies(content)[SHARED] == {
        "is": {"Offer"}, "permission": {"research"}, "prohibition": set(), "duties": {"5"}
    }  # fmt: skip
    status, *_ = await fetched(fulda, "ttl", Authorization="DPoP nonsense")
    assert status == 401


async def test_the_api_tells_of_purposes_and_ai(fulda):
    document = "{ dataset(id: %s) { use { purposes aiTraining aiAssistance licence obligations withoutAgreement } } }"
    answer = await fulda.ask(document % '"fulda:dataset:radverkehrszaehlung"')
    assert answer.data["dataset"]["use"] == {
        "purposes": ["ai-training", "research"], "aiTraining": True, "aiAssistance": False, "licence": "dl-by-de/2.0",
        "obligations": [], "withoutAgreement": [],
    }  # fmt: skip
    back = await fulda.ask(document % f'"fulda:dataset:{SHARED}"', await fulda.token())
    assert back.data["dataset"]["use"]["obligations"] == ["minimum-count=5"]


async def test_every_export_leaves_records(fulda):
    before = fulda.sql("select count(*) from access_record")[0][0]
    async with asyncio.TaskGroup() as group:
        for form in FORMS:
            group.create_task(fetched(fulda, form))
    assert fulda.sql("select count(*) from access_record")[0][0] - before == len(FORMS)
