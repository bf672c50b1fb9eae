"""The authorization server's core: what it issues, and the attacks that it refuses."""

from __future__ import annotations

import base64
import json
import logging
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from federation.grants import ASSERTION_TYPE
from federation.jose import public_jwks, read_unverified, verify
from federation.membership import MemberStatus
from federation.proofs import ProofKey, read_proof
from node.auth.applications import Application
from node.auth.clients import ApplicationClient, OAuthClient, PeerClient
from node.auth.server import NodeAuthorizationServer, Reply
from node.auth.single_use import AssertionKind
from node.auth.token_check import TokenCheck
from node.auth.token_request import TokenRequest
from tests.unit.node.auth.world import (
    App,
    At,
    City,
    application_form,
    assertion,
    grant,
    membership_of,
    new_key,
    peer_form,
)

HOME, OWNER, THIRD, MALLORY = City("offenbach"), City("wetzlar"), City("fulda"), City("mallory")
APP = App()
SERVER = NodeAuthorizationServer(
    OWNER.identity, TokenCheck(OWNER.identity, lambda: membership_of(HOME, OWNER)).verified
)
ISSUER = OWNER.issuer
PROOF = read_proof(ProofKey.new().proof("POST", OWNER.identity.token_endpoint, int(time.time())))
CNF = {"jkt": PROOF.thumbprint}


def ask(form: dict[str, str], client: OAuthClient | None) -> tuple[Reply, TokenRequest]:
    request = TokenRequest(form, client, PROOF)
    return SERVER.create_token_response(request), request


def ask_as_app(proof: str | None = None, *, app: App = APP, **over: Any) -> Reply:
    proof = proof or assertion(app.id, app.key, ISSUER)
    return ask(application_form(proof, **over), ApplicationClient(app.registration))[0]


def ask_as_peer(a_grant: str | None = None, proof: str | None = None, *, peer: City = HOME, **over: Any) -> Reply:
    proof = proof or assertion(peer.issuer, peer.key, ISSUER)
    form = peer_form(OWNER, a_grant or grant(peer, OWNER), proof, **over)
    return ask(form, PeerClient(peer.member))[0]


def claims_of(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply.body
    return verify(reply.body["access_token"], OWNER.identity.public_keys, {"at+jwt"})


def refused(reply: Reply, error: str, text: str = "") -> None:
    assert (reply.status, reply.body["error"]) == (400, error), reply.body
    assert text in reply.body["error_description"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert set(reply.body) == {"error", "error_description"}
    allowed = set(string.printable[:95]) - set('"\\')
    assert set(reply.body["error_description"]) <= allowed, "RFC 6749 §5.2 allows these characters only"


class TestApplicationToken:
    def test_claims_are_those_of_rfc_9068_and_ours(self) -> None:
        claims = claims_of(ask_as_app(scope="data:read"))
        assert {name: claims[name] for name in claims if name not in {"iat", "exp", "jti"}} == {
            "iss": ISSUER,
            "aud": f"{ISSUER}/graphql",
            "sub": "verkehrsmodell",
            "client_id": "verkehrsmodell",
            "scope": "data:read",
            "city": "wetzlar",
            "application": "verkehrsmodell",
            "purpose": "traffic-planning",
            "cnf": CNF,
        }
        assert len(claims["jti"]) >= 20

    def test_it_lives_300_seconds_and_not_the_ten_days_of_the_library(self) -> None:
        reply = ask_as_app()
        claims = claims_of(reply)
        assert claims["exp"] - claims["iat"] == reply.body["expires_in"] == 300
        assert "refresh_token" not in reply.body

    def test_its_header_says_type_and_key(self) -> None:
        header = read_unverified(ask_as_app().body["access_token"]).header
        assert header == {"typ": "at+jwt", "alg": "ES256", "kid": OWNER.key.kid}

    def test_the_active_key_signs_always(self) -> None:
        kids = {read_unverified(ask_as_app().body["access_token"]).header["kid"] for _ in range(20)}
        assert kids == {OWNER.key.kid}

    def test_the_answer_must_not_be_stored(self) -> None:
        reply = ask_as_app()
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.body["token_type"] == "DPoP"

    def test_without_scope_the_registered_ones_count(self) -> None:
        assert ask_as_app().body["scope"] == "data:read audit:read"

    def test_a_single_registered_purpose_need_not_be_named(self) -> None:
        app = App(purposes=("statistics",))
        assert claims_of(ask_as_app(app=app, purpose=None))["purpose"] == "statistics"

    def test_the_spent_assertion_is_handed_out_for_committing(self) -> None:
        _, request = ask(
            application_form(assertion(APP.id, APP.key, ISSUER, jti="j" * 16)), ApplicationClient(APP.registration)
        )
        (use,) = request.spent
        assert (use.kind, use.issuer, use.jti) == (AssertionKind.CLIENT, APP.id, "j" * 16)

    def test_the_resource_may_be_named(self) -> None:
        assert claims_of(ask_as_app(resource=f"{ISSUER}/graphql"))["aud"] == f"{ISSUER}/graphql"

    @pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
    def test_usual_types_are_accepted(self, typ: str) -> None:
        assert ask_as_app(assertion(APP.id, APP.key, ISSUER, typ=typ)).status == 200

    def test_an_assertion_without_type_is_accepted_as_many_clients_send_none(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        bare = jwt.encode({"alg": "ES256", "kid": APP.key.kid}, claims, APP.key, default_type=None)
        assert ask_as_app(bare).status == 200

    def test_each_registered_key_is_accepted(self) -> None:
        old, new = new_key(), new_key()
        registered = Application(APP.id, "x", public_jwks(old, new), APP.scopes, APP.purposes)
        for key in (old, new):
            form = application_form(assertion(APP.id, key, ISSUER))
            assert ask(form, ApplicationClient(registered))[0].status == 200


def test_requests_share_nothing() -> None:
    """The library keeps a client authentication that all requests share; two of them here don't even meet."""
    others = [App(f"app-{number}") for number in range(3)]
    requests = [(app, ApplicationClient(app.registration)) for app in others]
    for _ in range(2):
        for app, client in requests:
            key = ProofKey.new()
            proof = read_proof(key.proof("POST", OWNER.identity.token_endpoint, int(time.time())))
            request = TokenRequest(application_form(assertion(app.id, app.key, ISSUER)), client, proof)
            claims = claims_of(SERVER.create_token_response(request))
            assert (claims["client_id"], claims["cnf"]) == (app.id, {"jkt": key.thumbprint})
            assert [use.issuer for use in request.spent] == [app.id]
    assert "_client_auth" not in vars(SERVER) or SERVER._client_auth is None


def test_no_token_is_written_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        tokens = [ask_as_app().body["access_token"], ask_as_peer().body["access_token"]]
    assert not any(token in record.getMessage() for token in tokens for record in caplog.records)


class TestApplicationRefused:
    def test_missing_purpose_names_the_choices(self) -> None:
        refused(ask_as_app(purpose=None), "invalid_request", "traffic-planning statistics")

    @pytest.mark.parametrize("purpose", ["research", "world-domination", 'x"\\y'])
    def test_a_purpose_that_is_not_registered(self, purpose: str) -> None:
        refused(ask_as_app(purpose=purpose), "invalid_request", "traffic-planning statistics")

    @pytest.mark.parametrize("scope", ["admin", "data:read admin", "DATA:READ", "data:read,audit:read"])
    def test_a_scope_that_is_not_registered(self, scope: str) -> None:
        refused(ask_as_app(scope=scope), "invalid_scope", "data:read audit:read")

    def test_a_known_scope_that_is_not_registered_for_it(self) -> None:
        refused(ask_as_app(app=App(scopes=("data:read",)), scope="audit:read"), "invalid_scope")

    @pytest.mark.parametrize(
        "resource", ["https://daten.fulda.example/graphql", ISSUER, f"{ISSUER}/graphql/", f"{ISSUER}/graphql "]
    )
    def test_another_resource(self, resource: str) -> None:
        refused(ask_as_app(resource=resource), "invalid_target", f"{ISSUER}/graphql")

    def test_a_code_without_a_registered_redirect_uri(self) -> None:
        refused(ask_as_app(grant_type="authorization_code", code="x"), "unauthorized_client")

    @pytest.mark.parametrize("grant_type", ["password", "refresh_token", 'x"y', "implicit"])
    def test_another_grant_type(self, grant_type: str) -> None:
        refused(ask_as_app(grant_type=grant_type), "unsupported_grant_type")

    def test_no_grant_type(self) -> None:
        refused(ask_as_app(grant_type=None), "invalid_request", "grant_type")

    def test_an_application_can_not_use_the_grant_of_nodes(self) -> None:
        proof = assertion(APP.id, APP.key, ISSUER)
        reply, _ = ask(peer_form(OWNER, grant(HOME, OWNER), proof), ApplicationClient(APP.registration))
        refused(reply, "invalid_grant")

    def test_suspended(self) -> None:
        refused(ask_as_app(app=App(status="SUSPENDED")), "invalid_client", "suspended")

    def test_suspension_is_told_to_nobody_else(self) -> None:
        app = App(status="SUSPENDED")
        forged = assertion(app.id, new_key(), ISSUER)
        assert ask_as_app(forged, app=app).body == ask_as_app(assertion(APP.id, new_key(), ISSUER)).body


class TestClientAuthentication:
    def test_unknown_client_and_wrong_key_can_not_be_told_apart(self) -> None:
        unknown, _ = ask(application_form(assertion("nobody", new_key(), ISSUER)), None)
        refused(unknown, "invalid_client", "unknown here")
        wrong = new_key()
        wrong_key = ask_as_app(assertion(APP.id, wrong, ISSUER))
        same_kid = ECKey.import_key(wrong.raw_value, {"kid": APP.key.kid})
        wrong_key_right_kid = ask_as_app(assertion(APP.id, same_kid, ISSUER))
        assert unknown.body == wrong_key.body == wrong_key_right_kid.body

    @pytest.mark.parametrize(
        ("over", "text"),
        [
            ({"aud": f"{ISSUER}/oauth/token"}, "aud"),
            ({"aud": [ISSUER]}, "aud"),
            ({"aud": [ISSUER, "https://x.example"]}, "aud"),
            ({"aud": HOME.issuer}, "aud"),
            ({"aud": ISSUER + "/"}, "aud"),
            ({"aud": None}, "aud"),
            ({"exp": At(600)}, "60 seconds"),
            ({"iat": At(-100), "exp": At(20)}, "60 seconds"),
            ({"iat": At(-200), "exp": At(-150)}, "expired"),
            ({"iat": At(300), "exp": At(330)}, "ahead"),
            ({"nbf": At(300)}, "nbf"),
            ({"exp": None}, "exp"),
            ({"iat": None}, "iat"),
            ({"iat": True}, "iat"),
            ({"exp": 1e10}, "exp"),
            ({"exp": "9999999999"}, "exp"),
            ({"exp": At(-10), "iat": At(0)}, "after iat"),
            ({"exp": 10**30, "iat": 10**30 - 1}, "ahead"),
            ({"iat": -(10**30)}, "60 seconds"),
            ({"jti": None}, "jti"),
            ({"jti": "short"}, "jti"),
            ({"jti": "j" * 129}, "jti"),
            ({"jti": "null\0" * 5}, "jti"),
            ({"jti": 12345678901234567890}, "jti"),
            ({"iss": "somebody-else"}, ""),
            ({"iss": None}, "iss"),
            ({"sub": None}, "sub"),
            ({"sub": ["verkehrsmodell"]}, "sub"),
        ],
    )
    def test_a_wrong_claim(self, over: dict[str, Any], text: str) -> None:
        refused(ask_as_app(assertion(APP.id, APP.key, ISSUER, **over)), "invalid_client", text)

    @pytest.mark.parametrize("ahead", [0, 8])
    def test_clocks_may_differ_a_little(self, ahead: int) -> None:
        now = int(time.time())
        assert ask_as_app(assertion(APP.id, APP.key, ISSUER, iat=now + ahead, exp=now + ahead + 60)).status == 200

    def test_expired_within_leeway(self) -> None:
        now = int(time.time())
        assert ask_as_app(assertion(APP.id, APP.key, ISSUER, iat=now - 80, exp=now - 20)).status == 200

    @pytest.mark.parametrize("typ", ["authorization-grant+jwt", "at+jwt", "membership+jwt", 'x"y', "", "ä"])
    def test_another_type(self, typ: str) -> None:
        refused(ask_as_app(assertion(APP.id, APP.key, ISSUER, typ=typ)), "invalid_client")

    def test_algorithm_none(self) -> None:
        signed = assertion(APP.id, APP.key, ISSUER)
        header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"x"}').rstrip(b"=").decode()
        for signature in ("", "AA", signed.split(".")[2]):
            refused(ask_as_app(f"{header}.{signed.split('.')[1]}.{signature}"), "invalid_client")

    def test_hmac_with_the_public_key_as_secret(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        secret = OctKey.import_key(json.dumps(public_jwks(APP.key)["keys"][0]))
        refused(ask_as_app(jwt.encode({"alg": "HS256", "kid": APP.key.kid}, claims, secret)), "invalid_client", "ES256")

    def test_rsa(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        key = RSAKey.generate_key(2048)
        refused(ask_as_app(jwt.encode({"alg": "RS256", "kid": APP.key.kid}, claims, key)), "invalid_client", "ES256")

    def test_a_key_in_the_header_proves_nothing(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        own = new_key()
        header = {"alg": "ES256", "kid": APP.key.kid, "jwk": {"kty": "EC"}}
        token = jwt.encode(header, claims, own)
        refused(ask_as_app(token), "invalid_client", "alg, kid and typ")

    @pytest.mark.parametrize("extra", [{"jku": "https://x.example"}, {"crit": ["exp"]}, {"b64": True}])
    def test_other_header_names(self, extra: dict[str, Any]) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        head, body = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in ({"alg": "ES256", "kid": APP.key.kid, **extra}, claims)
        )
        refused(ask_as_app(f"{head}.{body}.AAAA"), "invalid_client", "alg, kid and typ")

    def test_no_kid(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        bare = ECKey.import_key(APP.key.raw_value)
        refused(ask_as_app(jwt.encode({"alg": "ES256"}, claims, bare)), "invalid_client", "kid")

    def test_a_huge_header(self) -> None:
        claims = read_unverified(assertion(APP.id, APP.key, ISSUER)).claims
        header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": "k" * 600}).encode()).rstrip(b"=").decode()
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        refused(ask_as_app(f"{header}.{body}.AAAA"), "invalid_client", "512 bytes")

    def test_a_huge_token(self) -> None:
        refused(ask_as_app(assertion(APP.id, APP.key, ISSUER, more="x" * 7_000)), "invalid_client", "8192 bytes")

    def test_a_changed_claim(self) -> None:
        head, body, signature = assertion(APP.id, APP.key, ISSUER).split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        changed = base64.urlsafe_b64encode(json.dumps(claims | {"x": 1}).encode()).rstrip(b"=").decode()
        refused(ask_as_app(f"{head}.{changed}.{signature}"), "invalid_client", "unknown here")

    @pytest.mark.parametrize(
        "token", ["x", "a.b", "a.b.c", "a.b.c.d", "..", "eyJhbGciOiJFUzI1NiJ9..AA", "é.b.c", "[[[[" * 500]
    )
    def test_no_token_at_all(self, token: str) -> None:
        refused(ask_as_app(token), "invalid_client")

    def test_nested_beyond_measure(self) -> None:
        deep = base64.urlsafe_b64encode(b"[" * 5_000).rstrip(b"=").decode()
        head = assertion(APP.id, APP.key, ISSUER).split(".")[0]
        refused(ask_as_app(f"{head}.{deep}.AAAA"), "invalid_client", "JSON")
        refused(ask_as_app(f"{deep[:600]}.{deep}.AAAA"), "invalid_client")

    @pytest.mark.parametrize("payload", [b"1", b'"alg"', b"[]", b"null", b"{", b"\xff", b"NaN", b""])
    def test_claims_that_are_no_object(self, payload: bytes) -> None:
        head = assertion(APP.id, APP.key, ISSUER).split(".")[0]
        body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
        refused(ask_as_app(f"{head}.{body}.AAAA"), "invalid_client")
        refused(ask_as_app(f"{body}.{body}.AAAA"), "invalid_client")

    def test_a_secret_is_not_accepted(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": APP.id, "client_secret": "hunter2hunter2"}
        reply, _ = ask(form, ApplicationClient(APP.registration))
        refused(reply, "invalid_client", "private_key_jwt is required")
        refused(ask_as_app(client_secret="x"), "invalid_client", "shared secrets")

    def test_another_assertion_type(self) -> None:
        refused(ask_as_app(client_assertion_type="urn:saml"), "invalid_client", ASSERTION_TYPE)

    def test_a_client_id_beside_the_assertion_must_be_its_own(self) -> None:
        assert ask_as_app(client_id=APP.id).status == 200
        refused(ask_as_app(client_id="other"), "invalid_client", "client_id")

    def test_the_assertion_of_another_application(self) -> None:
        other = App("other-app")
        reply, _ = ask(application_form(assertion(other.id, other.key, ISSUER)), ApplicationClient(APP.registration))
        refused(reply, "invalid_client")

    def test_nothing_is_spent_by_a_refused_assertion(self) -> None:
        _, request = ask(application_form(assertion(APP.id, new_key(), ISSUER)), ApplicationClient(APP.registration))
        assert request.spent == []


class TestPeerToken:
    def test_claims(self) -> None:
        claims = claims_of(ask_as_peer(grant(HOME, OWNER, legal_basis="§ 3 HDSIG", trace_id="0af7651916cd43dd" * 2)))
        assert {name: claims[name] for name in claims if name not in {"iat", "exp", "jti"}} == {
            "iss": ISSUER,
            "aud": f"{ISSUER}/graphql",
            "sub": f"{HOME.issuer}#verkehrsmodell",
            "client_id": HOME.issuer,
            "scope": "data:read",
            "city": "offenbach",
            "application": "verkehrsmodell",
            "purpose": "traffic-planning",
            "legal_basis": "§ 3 HDSIG",
            "act": {"sub": HOME.issuer},
            "cnf": CNF,
        }

    def test_it_lives_300_seconds(self) -> None:
        claims = claims_of(ask_as_peer())
        assert claims["exp"] - claims["iat"] == 300

    def test_a_caller_without_token(self) -> None:
        claims = claims_of(ask_as_peer(grant(HOME, OWNER, sub=f"{HOME.issuer}#anonymous", purpose=None)))
        assert (claims["application"], claims["city"]) == ("anonymous", "offenbach")
        assert "purpose" not in claims

    def test_both_assertions_are_spent(self) -> None:
        proof = assertion(HOME.issuer, HOME.key, ISSUER)
        _, request = ask(peer_form(OWNER, grant(HOME, OWNER), proof), PeerClient(HOME.member))
        assert [use.kind for use in request.spent] == [AssertionKind.CLIENT, AssertionKind.GRANT]
        assert {use.issuer for use in request.spent} == {HOME.issuer}

    def test_the_scope_is_that_of_the_grant(self) -> None:
        assert claims_of(ask_as_peer())["scope"] == "data:read"
        assert claims_of(ask_as_peer(scope="data:read"))["scope"] == "data:read"

    def test_what_the_application_invokes_crosses_over(self) -> None:
        claims = claims_of(ask_as_peer(grant(HOME, OWNER, legal_basis="§ 3 HDSIG", agreement="verkehr-2026")))
        assert (claims["legal_basis"], claims["agreement"]) == ("§ 3 HDSIG", "verkehr-2026")
        own = claims_of(ask_as_app(legal_basis="Art. 6 DSGVO", agreement="verkehr-2026"))
        assert (own["legal_basis"], own["agreement"]) == ("Art. 6 DSGVO", "verkehr-2026")


def test_there_is_no_token_without_a_key() -> None:
    form = application_form(assertion(APP.id, APP.key, ISSUER))
    request = TokenRequest(form, ApplicationClient(APP.registration))
    refused(SERVER.create_token_response(request), "invalid_dpop_proof", "DPoP header")


class TestPeerAttacks:
    @pytest.mark.parametrize("typ", ["JWT", "oauth-id-jag+jwt", "client-authentication+jwt", "at+jwt", 'x"\\y', "é"])
    def test_wrong_type(self, typ: str) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, typ=typ)), "invalid_grant", "authorization-grant+jwt")

    def test_no_type(self) -> None:
        claims = read_unverified(grant(HOME, OWNER)).claims
        bare = jwt.encode({"alg": "ES256", "kid": HOME.key.kid}, claims, HOME.key, default_type=None)
        refused(ask_as_peer(bare), "invalid_grant", "typ")

    def test_grant_for_another_owner(self) -> None:
        refused(ask_as_peer(grant(HOME, THIRD)), "invalid_grant", "aud")

    @pytest.mark.parametrize("aud", [[ISSUER], [ISSUER, THIRD.issuer], f"{ISSUER}/oauth/token", f"{ISSUER}/graphql"])
    def test_audience_that_is_not_me_alone(self, aud: Any) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, aud=aud)), "invalid_grant")

    def test_foreign_signer(self) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, key=MALLORY.key)), "invalid_grant", "kid")

    def test_foreign_signer_with_the_right_kid(self) -> None:
        forged = ECKey.import_key(MALLORY.key.raw_value, {"kid": HOME.key.kid})
        refused(ask_as_peer(grant(HOME, OWNER, key=forged)), "invalid_grant", "signature")

    @pytest.mark.parametrize(
        "sub",
        [
            f"{THIRD.issuer}#verkehrsmodell",
            "verkehrsmodell",
            f"{HOME.issuer}.evil.example#app",
            f"{HOME.issuer}#",
            f"{HOME.issuer}#app#app",
            f"{HOME.issuer}#../admin",
            f"{HOME.issuer}#App",
            f"{HOME.issuer}/#app",
            f"{HOME.issuer}",
            f"{HOME.issuer}#app\n",
            f"{HOME.issuer}#" + "a" * 100,
        ],
    )
    def test_a_city_speaks_for_its_own_applications_only(self, sub: str) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, sub=sub)), "invalid_grant")

    def test_unknown_issuer(self) -> None:
        proof = assertion(MALLORY.issuer, MALLORY.key, ISSUER)
        reply, _ = ask(peer_form(OWNER, grant(MALLORY, OWNER), proof), None)
        refused(reply, "invalid_client", "unknown here")

    def test_a_member_presenting_anothers_grant(self) -> None:
        stolen = grant(THIRD, OWNER)
        refused(ask_as_peer(stolen), "invalid_grant", "iss must be the node that presents it")

    def test_a_member_minting_in_anothers_name(self) -> None:
        refused(ask_as_peer(grant(THIRD, OWNER, key=HOME.key)), "invalid_grant")

    def test_a_grant_made_out_to_another_client(self) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, client_id=THIRD.issuer)), "invalid_grant", "client_id")

    def test_client_assertion_used_as_grant(self) -> None:
        refused(ask_as_peer(assertion(HOME.issuer, HOME.key, ISSUER)), "invalid_grant", "typ")

    def test_grant_used_as_client_assertion(self) -> None:
        refused(ask_as_peer(proof=grant(HOME, OWNER, sub=HOME.issuer)), "invalid_client", "typ")

    def test_access_token_used_as_grant(self) -> None:
        refused(ask_as_peer(ask_as_peer().body["access_token"]), "invalid_grant")

    @pytest.mark.parametrize(
        ("over", "text"),
        [
            ({"exp": At(3_600)}, "60 seconds"),
            ({"iat": At(-3_600), "exp": At(-3_590)}, ""),
            ({"iat": At(300), "exp": At(330)}, ""),
            ({"jti": "short"}, "jti"),
            ({"jti": None}, "jti"),
            ({"iat": None}, "iat"),
            ({"exp": None}, "exp"),
            ({"client_id": None}, "client_id"),
            ({"sub": None}, "sub"),
            ({"iss": None}, "iss"),
            ({"iss": [HOME.issuer]}, "iss"),
            ({"scope": None}, "scope"),
            ({"scope": ["data:read"]}, "scope"),
            ({"scope": " "}, "scope"),
            ({"purpose": None}, "purpose"),
            ({"purpose": "world-domination"}, "traffic-planning"),
            ({"purpose": ["statistics"]}, "purpose"),
            ({"sub": f"{HOME.issuer}#anonymous"}, "no purpose"),
            ({"cnf": {"jkt": "x"}}, "cnf"),
            ({"legal_basis": "x" * 201}, "legal_basis"),
            ({"legal_basis": {"a": 1}}, "legal_basis"),
            ({"trace_id": "xyz"}, "trace_id"),
        ],
    )
    def test_a_wrong_claim(self, over: dict[str, Any], text: str) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, **over)), "invalid_grant", text)

    def test_scope_beyond_the_grant(self) -> None:
        refused(ask_as_peer(scope="data:read audit:read"), "invalid_scope")

    @pytest.mark.parametrize("scope", ["admin", "data:read admin", "audit:read"])
    def test_scope_that_peers_do_not_get(self, scope: str) -> None:
        refused(ask_as_peer(grant(HOME, OWNER, scope=scope)), "invalid_scope", "data:read")
        refused(ask_as_peer(grant(HOME, OWNER, scope=scope), scope=scope), "invalid_scope")

    @pytest.mark.parametrize("resource", [None, f"{THIRD.issuer}/graphql", ISSUER])
    def test_foreign_or_missing_resource(self, resource: str | None) -> None:
        refused(ask_as_peer(resource=resource), "invalid_target", f"{ISSUER}/graphql")

    def test_no_grant(self) -> None:
        proof = assertion(HOME.issuer, HOME.key, ISSUER)
        form = peer_form(OWNER, "", proof)
        del form["assertion"]
        refused(ask(form, PeerClient(HOME.member))[0], "invalid_request", "assertion")

    def test_no_client_authentication(self) -> None:
        form = peer_form(OWNER, grant(HOME, OWNER), "x", client_assertion=None)
        refused(ask(form, PeerClient(HOME.member))[0], "invalid_client", "private_key_jwt is required")

    def test_a_node_has_no_client_credentials_elsewhere(self) -> None:
        form = application_form(assertion(HOME.issuer, HOME.key, ISSUER))
        refused(ask(form, PeerClient(HOME.member))[0], "unauthorized_client")

    def test_a_suspended_member(self) -> None:
        suspended = City("marburg", status=MemberStatus.SUSPENDED)
        refused(ask_as_peer(peer=suspended), "invalid_client", "suspended")

    def test_nothing_is_spent_by_a_forged_grant(self) -> None:
        proof = assertion(HOME.issuer, HOME.key, ISSUER)
        reply, request = ask(peer_form(OWNER, grant(HOME, OWNER, key=MALLORY.key), proof), PeerClient(HOME.member))
        assert reply.status == 400
        assert AssertionKind.GRANT not in {use.kind for use in request.spent}


TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
GRANT_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "purpose", "cnf", "legal_basis"]


@given(st.dictionaries(st.sampled_from(GRANT_CLAIMS), JSON, min_size=1, max_size=3))
def test_whatever_a_signed_grant_says_there_is_an_answer(over: dict[str, Any]) -> None:
    reply = ask_as_peer(grant(HOME, OWNER, **over))
    assert reply.status in {200, 400}
    if reply.status == 200:
        claims = claims_of(reply)
        assert claims["act"] == {"sub": HOME.issuer}
        assert claims["sub"].startswith(f"{HOME.issuer}#")
        assert set(claims["scope"].split()) <= {"data:read"}


@given(st.dictionaries(st.sampled_from(GRANT_CLAIMS), JSON, min_size=1, max_size=3))
def test_whatever_a_signed_client_assertion_says_there_is_an_answer(over: dict[str, Any]) -> None:
    reply = ask_as_app(assertion(APP.id, APP.key, ISSUER, **over))
    assert reply.status in {200, 400}


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_stands_for_an_assertion_there_is_an_answer(proof: str, a_grant: str) -> None:
    form = peer_form(OWNER, a_grant, proof or "x")
    assert ask(form, PeerClient(HOME.member))[0].status == 400
    assert ask_as_peer(a_grant or "x").status == 400
