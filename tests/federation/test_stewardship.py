"""Stewards at the API: assessments with four eyes, agreements, explanations; and rules that change while a node runs."""

from __future__ import annotations

import asyncio
import re

import pytest
from click.testing import CliRunner

from federation.agreements import Terms
from federation.jose import public_jwks
from node.auth.applications import Application, add_application
from node.auth.keys import create_signing_key
from node.cli.main import cli
from node.store.engine import make_engine
from tests.assessed import agree, revoke
from tests.conftest import TEMPLATE
from tests.federation.cities import APP, Federation

SCOPES = ("data:read", "governance:read", "governance:write")
ASSESS = """mutation ($one: AssessmentInput!) { assessDataset(assessment: $one) {
  version author tier signedOffBy inForce obligations } }"""
SIGN = """mutation ($dataset: ID!, $version: Int!) { signOffAssessment(dataset: $dataset, version: $version) {
  version signedOffBy inForce } }"""
ONE = {
    "dataset": "wetzlar:dataset:akten",
    "tier": "OPEN",
    "reason": "geprüft",
    "legalBasis": "§ 1 HODaG",
    "licence": "dl-by-de/2.0",
    "reviewDue": "2027-06-01T00:00:00Z",
    "openObligations": ["without=Dataset.contactPoint"],
}
EXPLAIN = """query ($document: String!, $as: HypotheticalCaller, $purpose: ID) {
  explain(document: $document, as: $as, purpose: $purpose) { cost policyVersion
  owners { city state policyVersion cost reason } fields { field
    cities { city asked reason }
    datasets { city datasets count permit decidedBy matched obligations obligedBy
      ways { agreements terms rounds { plan permit rules } } } } } }"""
DATASETS = """{ datasets(cities: ["wetzlar"]) { nodes { id } } }"""


@pytest.fixture(scope="module")
def town(postgres_url, tmp_path_factory):
    formed = Federation(tmp_path_factory.mktemp("stewards"))
    for city in ("wetzlar", "fulda"):
        formed.add(city, postgres_url, TEMPLATE)
    formed.sign()
    wetzlar = formed["wetzlar"]
    engine = make_engine(wetzlar.database_url)
    for name in ("datenstelle", "datenschutz"):
        key = create_signing_key(wetzlar.keys / f"{name}.pem")
        add_application(engine, Application(name, name, public_jwks(key), SCOPES, ("operations", "ai-training")))
    engine.dispose()
    for city in ("wetzlar", "fulda"):
        formed[city].process.start()
    for city in ("wetzlar", "fulda"):
        formed[city].process.wait_ready()
    wetzlar.other = formed["fulda"]
    yield wetzlar
    formed.stop()


async def steward(town, name: str = "datenstelle") -> str:
    return await town.token(name, "operations", " ".join(SCOPES))


def explained(answer, key: str) -> dict:
    (field,) = answer.data["explain"]["fields"]
    return next(one for one in field["datasets"] if f"wetzlar:dataset:{key}" in one["datasets"])


async def test_an_assessment_takes_two_applications(town):
    author, second = await steward(town), await steward(town, "datenschutz")
    assert (await town.ask(ASSESS, variables={"one": ONE})).code == "FORBIDDEN"
    assert (await town.ask(ASSESS, await town.token(), {"one": ONE})).code == "FORBIDDEN"
    refused = await town.ask(ASSESS, author, {"one": ONE | {"licence": ""}})
    assert refused.code == "BAD_INPUT"
    assert "licence: is empty" in refused.body["errors"][0]["message"]
    written = (await town.ask(ASSESS, author, {"one": ONE})).data["assessDataset"]
    assert written == {
        "version": 1,
        "author": "wetzlar#datenstelle",
        "tier": "OPEN",
        "signedOffBy": None,
        "inForce": False,
        "obligations": [],
    }
    document = '{ dataset(id: "wetzlar:dataset:akten") { tier } }'
    assert (await town.ask(document)).code == "NOT_FOUND"
    todo = (await town.ask("{ worklist { dataset todo } }", author)).data["worklist"]
    assert {"dataset": "wetzlar:dataset:akten", "todo": ["UNSIGNED"]} in todo
    variables = {"dataset": ONE["dataset"], "version": 1}
    assert (await town.ask(SIGN, author, variables)).code == "BAD_INPUT"
    signed = await town.ask(SIGN, second, variables)
    assert signed.data["signOffAssessment"]["inForce"] is True
    assert (await town.ask(document)).data["dataset"] == {"tier": "OPEN"}
    (record,) = town.records(signed.trace)
    assert (record["field"], record["application"], record["rules"]) == (
        "signOffAssessment", "datenschutz", ["scope/governance:write"],
    )  # fmt: skip
    back = 'mutation { withdrawDataset(dataset: "wetzlar:dataset:akten", reason: "Fehler") }'
    assert (await town.ask(back, author)).data["withdrawDataset"] is True
    assert (await town.ask(document)).code == "NOT_FOUND"
    history = '{ assessments(dataset: "wetzlar:dataset:akten") { version signedOffBy inForce } }'
    assert (await town.ask(history, author)).data["assessments"] == [
        {"version": 1, "signedOffBy": "wetzlar#datenschutz", "inForce": False}
    ]


async def test_without_its_record_nothing_is_decided(town):
    author = await steward(town)
    state = "select count(*), max(version) from assessment"
    before = town.sql(state)
    town.sql(
        "create function no_records() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$"
    )
    town.sql("create trigger no_records before insert on access_record execute function no_records()")
    try:
        refused = await town.ask(ASSESS, author, {"one": ONE})
    finally:
        town.sql("drop trigger no_records on access_record")
        town.sql("drop function no_records()")
    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert town.sql(state) == before


async def test_what_a_token_does_not_reach_is_recorded_as_denied(town):
    reader = await town.token()
    asked = {
        "{ worklist { dataset } }": ("worklist", "governance:read"),
        'mutation { withdrawDataset(dataset: "wetzlar:dataset:akten", reason: "x") }': (
            "withdrawDataset", "governance:write",
        ),
        '{ accessTotals(matching: "", by: [CITY]) { requests } }': ("accessTotals", "audit:read"),
        "{ accessLog { nodes { at } } }": ("accessLog", "audit:read"),
    }  # fmt: skip
    for document, (field, scope) in asked.items():
        refused = await town.ask(document, reader)
        assert refused.code == "FORBIDDEN"
        (record,) = town.records(refused.trace)
        assert (record["field"], record["decision"], record["rules"], record["application"]) == (
            field, "DENY", [f"scope/{scope}"], APP,
        )  # fmt: skip


async def test_how_much_stewards_are_told_is_recorded(town):
    told = await town.ask("{ worklist(all: true) { dataset } }", await steward(town))
    (record,) = town.records(told.trace)
    assert record["rows"] == len(told.data["worklist"]) > 0


EVERYTHING = {
    "dataset": "wetzlar:dataset:akten",
    "tier": "SHARED",
    "reason": "für die Verkehrsplanung",
    "personalReference": "INDIRECT",
    "anonymisation": "nur gezählt, keine Kennzeichen",
    "confidentiality": "HIGH",
    "integrity": "VERY_HIGH",
    "availability": "NORMAL",
    "legalBasis": "http://data.europa.eu/eli/reg/2022/868/oj",
    "purposes": ["ai-training", "research"],
    "licence": "dl-by-de/2.0",
    "consent": "GIVEN",
    "consentReference": "Az. 12/2026",
    "hvdCategory": "http://data.europa.eu/bna/c_b79e35eb",
    "dataOwner": "Tiefbauamt",
    "dataSteward": "Datenstelle",
    "reviewDue": "2027-06-01T00:00:00+00:00",
    "retention": ["PT15M=P2Y", "PT1H=P10Y"],
    "referenceClass": "verkehr/radverkehr/messung",
    "obligations": ["minimum-count=5"],
    "openObligations": ["time=PT1H"],
}


async def test_every_finding_comes_back_as_it_was_written(town):
    author, second = await steward(town), await steward(town, "datenschutz")
    wanted = " ".join([*EVERYTHING, "completeness timeliness plausibility authoredAt author version"])
    write = f"mutation ($one: AssessmentInput!) {{ assessDataset(assessment: $one) {{ {wanted} }} }}"
    written = (await town.ask(write, author, {"one": EVERYTHING})).data["assessDataset"]
    assert {name: written[name] for name in EVERYTHING} == EVERYTHING
    assert written["authoredAt"]
    signed = {"dataset": EVERYTHING["dataset"], "version": written["version"]}
    assert (await town.ask(SIGN, second, signed)).data["signOffAssessment"]["inForce"]
    history = f'{{ assessments(dataset: "{EVERYTHING["dataset"]}") {{ {" ".join(EVERYTHING)} inForce }} }}'
    newest, *_ = (await town.ask(history, author)).data["assessments"]
    assert newest == EVERYTHING | {"inForce": True}
    shown = await run(town, "assessment", "show", "akten")
    for text in ("Tiefbauamt", "PT15M=P2Y, PT1H=P10Y", "verkehr/radverkehr/messung", "Az. 12/2026", "VERY_HIGH"):
        assert text in shown
    back = 'mutation { withdrawDataset(dataset: "wetzlar:dataset:akten", reason: "Versuch") }'
    await town.ask(back, author)
    todo = (await town.ask("{ worklist { dataset todo } }", author)).data["worklist"]
    assert {"dataset": "wetzlar:dataset:akten", "todo": ["UNASSESSED"]} in todo, "what was taken back is assessed anew"


async def test_a_mutation_is_not_for_get(town):
    path = "/graphql?query=mutation%7BwithdrawDataset(dataset:%22wetzlar:dataset:rad%22,reason:%22x%22)%7D"
    answer = await town.get(path)
    assert answer.status == 405


OFFER = """mutation ($offer: OfferInput!) { offerAgreement(offer: $offer) { state undelivered english odrl } }"""


async def test_agreements_at_the_api(town):
    token = await steward(town)
    offer = {
        "id": "api-1",
        "member": "fulda",
        "datasets": ["kfz"],
        "purposes": ["traffic-planning"],
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2090-01-01T00:00:00Z",
        "obligations": ["minimum-count=5"],
    }
    made = (await town.ask(OFFER, token, {"offer": offer})).data["offerAgreement"]
    assert (made["state"], made["undelivered"]) == ("offered", None)
    assert "Counts of 1 to 4 are hidden" in made["english"]
    assert made["odrl"]["permission"][0]["duty"] == [{"action": "verbund:minimum-count", "verbund:value": "5"}]
    assert town.other.sql("select owner from agreement where id = 'api-1'") == [("wetzlar",)]
    assert (await town.ask(OFFER, token, {"offer": offer | {"member": "bonn", "id": "api-2"}})).code == "BAD_INPUT"
    revoke = 'mutation { revokeAgreement(id: "api-1") { state } }'
    assert (await town.ask(revoke, token)).data["revokeAgreement"]["state"].startswith("revoked")
    assert town.other.sql("select revoked_by from agreement where id = 'api-1'") == [("wetzlar",)]
    listed = (await town.ask("{ agreements { id state } }", token)).data["agreements"]
    assert [one["id"] for one in listed] == ["api-1"]


async def test_callers_learn_of_their_own_rights_only(town):
    mine = await town.ask(EXPLAIN, variables={"document": DATASETS})
    (field,) = mine.data["explain"]["fields"]
    assert field["cities"] == [{"city": "wetzlar", "asked": True, "reason": None}]
    assert all(one["permit"] and one["decidedBy"] == ["open-tier"] for one in field["datasets"])
    assert mine.data["explain"]["cost"]["requested"] > 0
    for more in ({"as": {"city": "fulda"}}, {"purpose": "research"}):
        assert (await town.ask(EXPLAIN, variables={"document": DATASETS, **more})).code == "FORBIDDEN"
    assert (await town.ask(EXPLAIN, variables={"document": "{ nothing }"})).code == "BAD_INPUT"


async def test_stewards_see_why_somebody_is_denied(town):
    token = await steward(town)
    guest = {"city": "fulda", "application": "portal", "purpose": "research"}
    answer = await town.ask(EXPLAIN, token, {"document": DATASETS, "as": guest})
    assert explained(answer, "kfz")["decidedBy"] == ["default-deny"]
    assert explained(answer, "akten")["decidedBy"] == ["internal-stays-home"]
    assert explained(answer, "melde")["decidedBy"] == ["protected-never-leaves"]
    assert explained(answer, "rad")["permit"] is True
    home = await town.ask(EXPLAIN, token, {"document": DATASETS, "purpose": "ai-training"})
    assert explained(home, "rad")["decidedBy"] == ["ai-only-if-assessed"]


async def run(town, *words: str, exit_code: int = 0) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["--home", str(town.settings.home), *words])
    assert result.exit_code == exit_code, result.output
    return result.output


async def version(town) -> str:
    """Of the rules; what follows is the epoch of the facts."""
    answer = await town.ask(EXPLAIN, variables={"document": DATASETS})
    return answer.data["explain"]["policyVersion"].partition("-")[0]


async def changed(town, before: str) -> str:
    async with asyncio.timeout(20):
        while (now := await version(town)) == before:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
    return now


async def test_rules_change_in_a_running_node(town):
    """What is refused, and that the rules before stay, is in tests/unit/node/gate/test_rules.py."""
    folder = town.settings.policies_directory
    folder.mkdir()
    before = await version(town)
    (folder / "nachts.cedar").write_text(
        '@id("no-places") @obligation("plan.without contains \\"Thing.location\\"")\n'
        'forbid (principal, action, resource) when { !context.plan.without.contains("Thing.location") };\n'
    )
    with_rule = await changed(town, before)
    things = "{ things { nodes { city location { longitude } } federation { cities { city obligations } } } }"
    page = (await town.ask(things)).data["things"]
    assert {"city": "wetzlar", "location": None} in page["nodes"]
    assert {"city": "wetzlar", "obligations": ["without=Thing.location"]} in page["federation"]["cities"]
    (folder / "nachts.cedar").write_text('@id("x")\npermit (principal, action, resource) when { resource.colour };\n')
    assert "nachts.cedar:2: x: " in await run(town, "policy", "test", exit_code=1)
    (folder / "nachts.cedar").unlink()
    assert await changed(town, with_rule) == before
    assert "is valid and decides as expected" in await run(town, "policy", "test")


ALL = "{ datasets(first: 100) { nodes { id city } } }"


async def test_each_owner_explains_what_the_caller_could_learn_by_asking(town):
    home = town.other
    agreed = Terms(
        id="expl", owner="wetzlar", member="fulda", datasets=("kfz",), purposes=("traffic-planning",), valid_from=1,
        valid_until=4_000_000_000, obligations=("time=PT1H",),
    )  # fmt: skip
    agree(town.database_url, agreed)
    folder = town.settings.policies_directory
    folder.mkdir(exist_ok=True)
    before = await version(town)
    (folder / "rund.cedar").write_text(
        '@id("secret-name") @obligation("plan.roundTo >= 10")\nforbid (principal, action, resource)\n'
        "when { context.plan.roundTo < 10 };\n"
    )
    after = await changed(town, before)
    answer = await home.ask(EXPLAIN, await home.token(), {"document": ALL})
    told = answer.data["explain"]
    assert [(one["city"], one["state"]) for one in told["owners"]] == [("fulda", "OK"), ("wetzlar", "OK")]
    assert all(one["cost"]["requested"] > 0 for one in told["owners"])
    assert told["owners"][1]["policyVersion"].startswith(f"{after}-")
    (field,) = told["fields"]
    assert all(one["permit"] for one in field["datasets"])
    ids = {id_ for one in field["datasets"] for id_ in one["datasets"]}
    seen = (await home.ask(ALL, await home.token())).data["datasets"]["nodes"]
    assert ids == {node["id"] for node in seen}, "no more and no less than asking tells"
    kfz = next(one for one in field["datasets"] if "wetzlar:dataset:kfz" in one["datasets"])
    assert (kfz["city"], kfz["decidedBy"]) == ("wetzlar", ["agreement/expl/traffic-planning"])
    assert kfz["obligations"] == ["time=PT1H", "round=10"]
    assert "own-rule" in kfz["obligedBy"], "whoever has made which rules is the city's affair"
    assert "secret-name" not in str(told)
    assert any(way["agreements"] == ["expl"] for way in kfz["ways"])
    (record,) = [one for one in town.records(answer.trace) if one["role"] == "OWNER"]
    assert (record["field"], record["counterpart"], record["decision"]) == ("explain", "fulda", "PERMIT")
    assert "wetzlar:dataset:kfz" in record["datasets"]
    ours = {(one["role"], one["counterpart"]) for one in home.records(answer.trace)}
    assert ours == {("OWNER", None), ("CONSUMER", "wetzlar")}
    at_stewards = await town.ask(EXPLAIN, await steward(town), {"document": DATASETS})
    assert "secret-name" in str(at_stewards.data), "the city's own stewards are told"
    (folder / "rund.cedar").unlink()
    await changed(town, after)
    revoke(town.database_url, "expl")


async def test_who_asks_on_behalf_of_others_is_not_explained_elsewhere(town):
    token = await steward(town)
    answer = await town.ask(EXPLAIN, token, {"document": ALL, "as": {"city": "wetzlar", "application": "x"}})
    owners = {one["city"]: one for one in answer.data["explain"]["owners"]}
    assert (owners["wetzlar"]["state"], owners["fulda"]["state"]) == ("OK", "SKIPPED")
    assert "own rights only" in owners["fulda"]["reason"]
    one = '{ dataset(id: "fulda:dataset:rad") { id } }'
    fields = (await town.ask(EXPLAIN, variables={"document": one})).data["explain"]["fields"]
    assert fields[0]["cities"] == [{"city": "fulda", "asked": True, "reason": None}]
    assert {one["city"] for one in fields[0]["datasets"]} == {"fulda"}


async def test_lists_of_cities_and_what_is_waited_for_are_explained_too(town):
    document = """{ all: cities { id name log { state } d: datasets(first: 1) { nodes { id } } }
        node { city { datasets(first: 1) { nodes { id } } } }
        newObservations(datastreams: ["fulda:datastream:rad-ein"]) { cursor } }"""
    told = (await town.ask(EXPLAIN, variables={"document": document})).data["explain"]
    assert {one["city"]: one["state"] for one in told["owners"]} == {"fulda": "OK", "wetzlar": "OK"}
    fields = {one["field"]: one for one in told["fields"]}
    asked = {key: {one["city"] for one in field["cities"] if one["asked"]} for key, field in fields.items()}
    assert asked == {
        "all.d": {"fulda", "wetzlar"},
        "node.city.datasets": {"wetzlar"},
        "newObservations": {"fulda"},
    }
    for key, cities in asked.items():
        assert {one["city"] for one in fields[key]["datasets"]} == cities
    refused = await town.ask(EXPLAIN, variables={"document": "mutation { __typename }"})
    assert refused.code == "BAD_INPUT"


async def test_an_owner_that_is_silent_is_told(town):
    town.other.freeze()
    try:
        answer = await town.ask(EXPLAIN, variables={"document": ALL})
    finally:
        town.other.thaw()
    owners = {one["city"]: one["state"] for one in answer.data["explain"]["owners"]}
    assert owners == {"wetzlar": "OK", "fulda": "TIMEOUT"}


async def test_the_command_explains_documents_by_owner(town, tmp_path):
    document = tmp_path / "alle.graphql"
    document.write_text(ALL)
    told = await run(town, "policy", "explain", "--document", str(document))
    assert re.search(
        r"  fulda: (asked; policy \w+-\d+; cost \d+ of \d+\n.*fulda:dataset:rad|asked, and has not)", told, re.DOTALL
    )
    assert re.search(r"  wetzlar: asked; policy \w+-\d+; cost \d+ of \d+", told)
    assert "permitted by open-tier" in told
    key = str(town.keys / "datenstelle.pem")
    mine = await run(
        town, "policy", "explain", "--document", str(document), "--client-id", "datenstelle", "--key", key,
        "--purpose", "operations",
    )  # fmt: skip
    assert "wetzlar:dataset:akten" in mine
    assert "belong together" in await run(
        town, "policy", "explain", "--document", str(document), "--key", key, exit_code=1
    )
    assert "KEY: name" in await run(town, "policy", "explain", exit_code=1)


async def test_the_command_explains_as_well(town):
    told = await run(town, "policy", "explain", "kfz", "--city", "fulda", "--application", "x", "--purpose", "research")
    assert told.startswith("kfz: denied by default-deny\n  without an agreement; terms: none\n    plan as it is: deny")
    assert "permitted by open-tier" in await run(town, "policy", "explain", "rad")
    assert "does not exist" in await run(town, "policy", "explain", "nichts", exit_code=1)
    assert "protected-never-leaves" in await run(town, "policy", "list")
