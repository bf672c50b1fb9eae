"""The check of access tokens: who is let in as whom, and the attacks that are not let in at all."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from federation.errors import MembershipError
from federation.jose import public_jwks, read_unverified, sign
from federation.membership import Membership, MemberStatus
from node.auth import token_check
from node.auth.key_directory import OneKey
from node.auth.token_check import InvalidToken, TokenCheck
from policy.model import Caller
from tests.unit.node.auth.world import At, City, membership_of, new_key, resolved
from tests.work import calls

OWN, HOME, SUSPENDED = City("wetzlar"), City("offenbach"), City("fulda", status=MemberStatus.SUSPENDED)
MEMBERS = membership_of(OWN, HOME, SUSPENDED)
API = OWN.identity.graphql_url


class Node:
    """A resource server with a clock and a membership list that tests can change."""

    def __init__(self) -> None:
        self.now = time.time()
        self.members: Membership | None = MEMBERS
        self.tokens = TokenCheck(OWN.identity, self.membership, clock=lambda: self.now)

    def membership(self) -> Membership:
        if self.members is None:
            raise MembershipError("none")
        return self.members

    def caller(self, token: str) -> Caller:
        return self.tokens.verified(token).caller


@pytest.fixture
def node() -> Node:
    return Node()


def token(*, key: ECKey | None = None, typ: str = "at+jwt", **over: Any) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": OWN.issuer,
        "aud": API,
        "sub": "app-1",
        "client_id": "app-1",
        "scope": "data:read audit:read",
        "iat": now,
        "exp": now + 300,
        "jti": "t" * 22,
        "city": OWN.id,
        "application": "app-1",
        "purpose": "statistics",
        "cnf": {"jkt": "k" * 43},
    }
    return sign(resolved({**claims, **over}, now), key or OWN.key, typ)


def peer_token(home: City = HOME, **over: Any) -> str:
    claims = {"sub": f"{home.issuer}#app-1", "client_id": home.issuer, "city": home.id, "act": {"sub": home.issuer}}
    return token(**{**claims, "scope": "data:read", **over})


def test_an_own_application(node: Node) -> None:
    assert node.caller(token()) == Caller(
        city="wetzlar",
        application="app-1",
        purpose="statistics",
        scopes=frozenset({"data:read", "audit:read"}),
        peer=None,
        token_id="t" * 22,
    )


def test_what_the_caller_invokes(node: Node) -> None:
    caller = node.caller(token(legal_basis="§ 3 HDSIG", agreement="verkehr-2026"))
    assert (caller.legal_basis, caller.agreement) == ("§ 3 HDSIG", "verkehr-2026")


def test_an_application_of_another_city(node: Node) -> None:
    assert node.caller(peer_token()) == Caller(
        city="offenbach",
        application="app-1",
        purpose="statistics",
        scopes=frozenset({"data:read"}),
        peer="offenbach",
        token_id="t" * 22,
    )


def test_a_caller_without_token_at_another_city(node: Node) -> None:
    caller = node.caller(peer_token(application="anonymous", purpose=None, sub=f"{HOME.issuer}#anonymous"))
    assert caller.is_anonymous
    assert (caller.city, caller.peer, caller.purpose) == ("offenbach", "offenbach", None)


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"iss": HOME.issuer}, "not from this node"),
        ({"iss": None}, "not from this node"),
        ({"aud": f"{HOME.issuer}/graphql"}, "not meant for"),
        ({"aud": [API]}, "not meant for"),
        ({"aud": [API, f"{HOME.issuer}/graphql"]}, "not meant for"),
        ({"aud": OWN.issuer}, "not meant for"),
        ({"aud": None}, "not meant for"),
        ({"exp": At(-1), "iat": At(-200)}, "expired"),
        ({"exp": None}, "no exp"),
        ({"exp": "soon"}, "no exp"),
        ({"exp": True}, "no exp"),
        ({"exp": 1e10}, "no exp"),
        ({"exp": At(864_000)}, "times"),
        ({"iat": At(100), "exp": At(300)}, "times"),
        ({"iat": None}, "no iat"),
        ({"sub": None}, "no sub"),
        ({"client_id": None}, "no client_id"),
        ({"jti": None}, "no jti"),
        ({"scope": None}, "no scope"),
        ({"scope": ["data:read"]}, "no scope"),
        ({"city": None}, "no city"),
        ({"city": "fulda"}, "another city"),
        ({"application": None}, "no application"),
        ({"application": "anonymous"}, "no application"),
        ({"application": "A B"}, "malformed"),
        ({"purpose": None}, "no purpose"),
        ({"act": None, "city": "offenbach"}, "another city"),
        ({"cnf": None}, "not bound"),
        ({"cnf": {}}, "not bound"),
        ({"cnf": "x"}, "not bound"),
        ({"cnf": {"jkt": 7}}, "not bound"),
        ({"cnf": {"jkt": "short"}}, "not bound"),
        ({"legal_basis": 7}, "no legal_basis"),
        ({"agreement": ""}, "no agreement"),
        ({"act": {}}, "act"),
        ({"act": "x"}, "act"),
        ({"act": {"sub": HOME.issuer, "act": {"sub": "x"}}}, "act"),
        ({"act": {"sub": ["x"]}}, "act"),
    ],
)
def test_a_wrong_claim(node: Node, over: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        node.caller(token(**over))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "authorization-grant+jwt", ""])
def test_another_type(node: Node, typ: str) -> None:
    with pytest.raises(InvalidToken, match="typ"):
        node.caller(token(typ=typ))


def test_no_type_at_all_which_the_library_would_accept(node: Node) -> None:
    bare = jwt.encode({"alg": "ES256", "kid": OWN.key.kid}, read_unverified(token()).claims, OWN.key, default_type=None)
    assert "typ" not in read_unverified(bare).header
    with pytest.raises(InvalidToken, match="typ"):
        node.caller(bare)


def test_another_key(node: Node) -> None:
    with pytest.raises(InvalidToken, match="no key of this node"):
        node.caller(token(key=new_key()))


def test_another_key_under_the_right_name(node: Node) -> None:
    forged = ECKey.import_key(new_key().raw_value, {"kid": OWN.key.kid})
    with pytest.raises(InvalidToken, match="signature"):
        node.caller(token(key=forged))


def test_a_token_that_another_city_issued(node: Node) -> None:
    with pytest.raises(InvalidToken, match=f"get one at {OWN.issuer}$"):
        node.caller(token(key=HOME.key, iss=HOME.issuer, aud=f"{HOME.issuer}/graphql"))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "none", "kid": "x", "typ": "at+jwt"}, {"alg": "NoNe"}])
def test_algorithm_none(node: Node, header: dict[str, str]) -> None:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    for signature in ("", "AA"):
        with pytest.raises(InvalidToken):
            node.caller(f"{head}.{token().split('.')[1]}.{signature}")


def test_hmac_with_the_public_key_as_secret(node: Node) -> None:
    secret = OctKey.import_key(json.dumps(public_jwks(OWN.key)["keys"][0]))
    header = {"alg": "HS256", "kid": OWN.key.kid, "typ": "at+jwt"}
    with pytest.raises(InvalidToken, match="ES256"):
        node.caller(jwt.encode(header, read_unverified(token()).claims, secret))


def test_a_key_brought_along_in_the_header(node: Node) -> None:
    own = new_key()
    header = {"alg": "ES256", "kid": own.kid, "typ": "at+jwt", "jwk": own.as_dict(private=False)}
    with pytest.raises(InvalidToken):
        node.caller(jwt.encode(header, read_unverified(token()).claims, own))


def test_a_changed_claim(node: Node) -> None:
    head, body, signature = token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"purpose": "research"}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken, match="signature"):
        node.caller(f"{head}.{changed}.{signature}")


def test_a_huge_token(node: Node) -> None:
    with pytest.raises(InvalidToken, match="4096 bytes"):
        node.caller(token(more="x" * 4_000))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(InvalidToken):
        Node().caller(text)


class TestPeersMembership:
    def test_a_suspended_member(self, node: Node) -> None:
        with pytest.raises(InvalidToken, match="not an active member"):
            node.caller(peer_token(SUSPENDED))

    def test_a_stranger(self, node: Node) -> None:
        with pytest.raises(InvalidToken, match="not an active member"):
            node.caller(peer_token(City("gotham")))

    def test_a_city_that_is_not_the_actors(self, node: Node) -> None:
        with pytest.raises(InvalidToken, match="not an active member"):
            node.caller(peer_token(city="fulda"))

    def test_suspension_counts_for_a_token_that_is_known_already(self, node: Node) -> None:
        known = peer_token()
        assert node.caller(known).peer == "offenbach"
        node.members = membership_of(OWN, City("offenbach", key=HOME.key, status=MemberStatus.SUSPENDED))
        with pytest.raises(InvalidToken, match="not an active member"):
            node.caller(known)

    def test_without_a_membership_list_only_own_applications(self, node: Node) -> None:
        known = peer_token()
        node.caller(known)
        node.members = None
        assert node.caller(token()).application == "app-1"
        with pytest.raises(InvalidToken, match="membership list"):
            node.caller(known)


class TestRemembering:
    def test_a_known_token_is_not_verified_again(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        known = token()
        first = node.caller(known)
        monkeypatch.setattr(token_check, "verify", None)
        assert node.caller(known) is first

    def test_it_ends_all_the_same(self, node: Node) -> None:
        known = token()
        node.caller(known)
        node.now += 299
        assert node.caller(known)
        node.now += timedelta(seconds=2).total_seconds()
        with pytest.raises(InvalidToken, match="expired"):
            node.caller(known)

    def test_a_refused_token_is_not_remembered(self, node: Node) -> None:
        for _ in range(2):
            with pytest.raises(InvalidToken, match="no key of this node"):
                node.caller(token(key=HOME.key))

    def test_there_is_a_bound(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(token_check, "REMEMBERED", 3)
        for number in range(10):
            node.caller(token(jti=f"token-{number:016}"))
        assert len(node.tokens._remembered) == 3

    def test_little_is_done_for_a_known_token(self, node: Node) -> None:
        known = token()
        first = calls(lambda: node.caller(known))
        assert calls(lambda: node.caller(known)) < first / 4


def test_a_subscription_ends_with_the_key_that_signed_its_token() -> None:
    old = new_key()
    keys = SimpleNamespace(public_keys=OneKey(old).public_keys)
    tokens = TokenCheck(replace(OWN.identity, keys=keys), lambda: MEMBERS)
    verified = tokens.verified(token(key=old))
    tokens.check_still(verified)
    keys.public_keys = OneKey(new_key()).public_keys
    with pytest.raises(InvalidToken, match="no key of this node"):
        tokens.check_still(verified)
