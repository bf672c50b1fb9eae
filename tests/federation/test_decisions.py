"""The owner decides: tiers, agreements, purposes; what is denied does not exist, and leaves a record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from joserfc import jwt

from federation.addresses import everywhere
from node.auth.keys import create_signing_key, load_signing_key
from policy.model import Tier
from tests.assessed import revoke, set_tier
from tests.federation.cities import Answer

KFZ = '{ dataset(id: "%s:dataset:kfz") { id title } }'


async def test_shared_data_under_an_agreement(federation):
    home = federation["offenbach"]
    answer = await home.ask(KFZ % "giessen", await home.token())
    assert answer.data["dataset"]["title"] == "Kfz-Verkehr giessen"
    (asked,) = home.records(answer.trace)
    (answered,) = federation["giessen"].records(answer.trace)
    assert (asked["role"], asked["counterpart"], asked["decision"], asked["state"]) == (
        "CONSUMER",
        "giessen",
        "NONE",
        "OK",
    )
    assert (answered["role"], answered["counterpart"], answered["decision"]) == ("OWNER", "offenbach", "PERMIT")
    assert answered["caller_city"] == "offenbach"
    assert (answered["application"], answered["purpose"]) == ("verkehrsportal", "traffic-planning")
    assert answered["datasets"] == ["giessen:dataset:kfz"]
    assert answered["rules"] == ["agreement/giessen-offenbach/traffic-planning"]
    assert answered["action"] == "peer:dataset:read"
    assert answered["token_id"]


@pytest.mark.parametrize(
    ("owner", "purpose"),
    [("fulda", "traffic-planning"), ("giessen", "research")],
    ids=["no agreement", "wrong purpose"],
)
async def test_without_permission_it_is_not_found_and_recorded(federation, owner, purpose):
    home = federation["offenbach"]
    answer = await home.ask(KFZ % owner, await home.token(purpose=purpose))
    absent = await home.ask(
        '{ dataset(id: "%s:dataset:nothing") { id title } }' % owner, await home.token(purpose=purpose)
    )
    for one in (answer, absent):
        assert one.status == 200
        assert one.code == "NOT_FOUND"
        assert one.body["data"] == {"dataset": None}
    strip = lambda text: text.replace("kfz", "X").replace("nothing", "X")
    assert strip(answer.body["errors"][0]["message"]) == strip(absent.body["errors"][0]["message"])
    (denied,) = federation[owner].records(answer.trace)
    assert (denied["decision"], denied["state"], denied["rows"]) == ("DENY", "NOT_FOUND", 0)
    assert denied["datasets"] == [f"{owner}:dataset:kfz"]
    assert denied["purpose"] == purpose


@pytest.mark.parametrize("key", ["akten", "melde"])
async def test_internal_and_protected_are_never_for_others(federation, key):
    for entry in ("offenbach", "giessen"):
        home = federation[entry]
        answer = await home.ask('{ dataset(id: "giessen:dataset:%s") { id } }' % key, await home.token())
        if (entry, key) == ("giessen", "akten"):
            assert answer.data["dataset"]["id"] == "giessen:dataset:akten"
        else:
            assert answer.code == "NOT_FOUND"


async def test_lists_and_nested_lists_show_only_what_is_permitted(federation):
    home = federation["offenbach"]
    document = '{ datasets(filter: {themes: ["TRAN"]}, first: 50) { nodes { id } } things { nodes { city datastreams { nodes { name } } } } }'
    seen = (await home.ask(document, await home.token())).data
    assert {node["id"] for node in seen["datasets"]["nodes"]} == {
        *(f"{city}:dataset:rad" for city in federation.towns),
        "giessen:dataset:kfz",
        "wetzlar:dataset:kfz",
        "offenbach:dataset:kfz",
    }
    names = {node["city"]: [d["name"] for d in node["datastreams"]["nodes"]] for node in seen["things"]["nodes"]}
    assert names["giessen"] == ["kfz-ein", "rad-ein"]
    assert names["fulda"] == ["rad-ein"]


async def test_a_change_of_tier_holds_from_the_next_query_on(federation):
    owner, home = federation["wetzlar"], federation["fulda"]
    document = '{ dataset(id: "wetzlar:dataset:offen-3") { tier } }'
    assert (await home.ask(document)).data["dataset"] == {"tier": "OPEN"}
    set_tier(owner.database_url, "offen-3", Tier.INTERNAL)
    assert (await home.ask(document)).code == "NOT_FOUND"
    set_tier(owner.database_url, "offen-3", Tier.OPEN)
    assert (await home.ask(document)).data["dataset"] == {"tier": "OPEN"}


async def test_a_revoked_agreement_holds_no_longer_although_the_token_lives(federation):
    home = federation["offenbach"]
    federation.agree("fulda", "offenbach", purposes=("research",), id_="kurz")
    token = await home.token(purpose="research")
    assert (await home.ask(KFZ % "fulda", token)).data["dataset"]["id"] == "fulda:dataset:kfz"
    revoke(federation["fulda"].database_url, "kurz")
    assert (await home.ask(KFZ % "fulda", token)).code == "NOT_FOUND"


async def test_expired_and_forged_tokens_are_rejected(federation, tmp_path):
    home = federation["offenbach"]
    good = await home.token()
    _, payload, _ = good.token.split(".")
    claims = jwt.decode(good.token, load_signing_key(home.settings.signing_key_file)).claims
    header = {"alg": "ES256", "typ": "at+jwt"}
    own = load_signing_key(home.settings.signing_key_file)
    forger = create_signing_key(tmp_path / "keys" / "forger.pem")
    now = int(datetime.now(UTC).timestamp())
    past = claims | {"iat": now - 600, "exp": now - 300}
    bad = {
        "expired": jwt.encode({**header, "kid": own.kid}, past, own),
        "forged": jwt.encode({**header, "kid": own.kid}, claims, forger),
        "other kid": jwt.encode({**header, "kid": forger.kid}, claims, forger),
        "of another node": (await federation["giessen"].token()).token,
        "garbage": "abc",
        "unsigned": f"eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.",
    }
    for name, token in bad.items():
        answer = await home.ask("{ datasets { nodes { id } } }", replace(good, token=token))
        assert answer.status == 401, name
        assert answer.code == "UNAUTHENTICATED", name
        assert answer.headers["WWW-Authenticate"].startswith("DPoP "), name
        assert "data" not in answer.body
    assert (await home.ask("{ datasets { nodes { id } } }", good)).status == 200


async def test_a_peer_is_answered_for_this_city_alone(federation):
    from federation.membership import Member
    from federation.tokens import PeerTokens
    from federation.transport import PeerTransport
    from policy.model import ANONYMOUS

    home, owner = federation["offenbach"], federation["giessen"]
    member = Member("giessen", "Gießen", None, owner.settings.issuer, {})
    key = load_signing_key(home.settings.signing_key_file)
    async with PeerTransport(allows=everywhere) as transport:
        tokens = PeerTokens(home.settings.issuer, lambda: key, transport)

        async def ask(document: str) -> Answer:
            body = orjson.dumps({"query": document})
            authorized = tokens.authorize(member, token, "POST", owner.settings.graphql_url, body)
            return await owner.post(body, headers=authorized.headers)

        token = await tokens.token_for(member, ANONYMOUS, "data:read", 5)
        document = "{ datasets(cities: %s) { nodes { city } federation { cities { city } } } }"
        assert (await ask(document % '["fulda"]')).code == "FORBIDDEN"
        assert (await ask(document % "null")).data["datasets"]["federation"]["cities"] == [{"city": "giessen"}]
        answer = await ask('{ dataset(id: "fulda:dataset:rad") { id } }')
        assert answer.code == "NOT_FOUND"
        await tokens.close()


async def test_a_suspended_city_is_told_and_not_asked(federation):
    home = federation["offenbach"]
    try:
        federation.sign(frozenset({"fulda"}))
        await federation.settled("offenbach", fulda="SUSPENDED")
        answer = await home.ask(
            "{ datasets(first: 99) { nodes { city } federation { complete cities { city state reason } } } }"
        )
        page = answer.data["datasets"]
        assert {node["city"] for node in page["nodes"]} == {"giessen", "offenbach", "wetzlar"}
        assert page["federation"]["complete"] is False
        (fulda,) = [row for row in page["federation"]["cities"] if row["city"] == "fulda"]
        assert (fulda["state"], fulda["reason"]) == ("DENIED", "its membership is suspended")
    finally:
        federation.sign()
        await federation.settled(fulda="ACTIVE")
