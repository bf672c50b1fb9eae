"""Clients and identity providers by others, going by nothing but published metadata: oauth4webapi and oidc-provider."""

from __future__ import annotations

from federation.jose import read_unverified
from tests.foreign.conftest import APPLICATION, RETURN


def test_a_foreign_application_finds_everything_out_and_uses_its_token(scene):
    told = scene.run()
    assert (told["token_type"], told["expires_in"]) == ("dpop", 300)
    assert told["answer"]["body"]["data"] == {"dataset": {"id": "giessen:dataset:kfz"}}
    assert (told["claims"]["sub"], told["claims"]["client_id"]) == (APPLICATION, APPLICATION)
    assert told["requests"] == [
        "/.well-known/oauth-protected-resource/graphql",
        "/.well-known/oauth-authorization-server",
        "/oauth/token",
        "/graphql",
        "/oauth/jwks",
        "/oauth/revoke",
        "/oauth/introspect",
        "/graphql",
    ], "no round trip for a nonce"


def test_what_it_revokes_counts_no_more(scene):
    told = scene.run()
    assert told["introspected"] is False
    (challenge,) = told["refused"]["challenges"]
    assert (challenge["scheme"], challenge["parameters"]["error"]) == ("dpop", "invalid_token")
    assert challenge["parameters"]["resource_metadata"].endswith("/.well-known/oauth-protected-resource/graphql")


def test_somebody_signs_in_through_a_foreign_identity_provider(scene):
    told = scene.run(redirect_uri=RETURN)
    assert told["answer"]["body"]["data"] == {"dataset": {"id": "giessen:dataset:kfz"}}
    claims = told["claims"]
    assert claims["client_id"] == APPLICATION
    assert claims["sub"].startswith("person-")
    assert "lovelace" not in str(told)
    assert told["second_use"] == "invalid_grant"
    assert scene.run(redirect_uri=RETURN)["claims"]["sub"] == claims["sub"], "the same person, the same pseudonym"


def test_a_foreign_application_pushes_its_request(scene):
    """PAR (RFC 9126), as FAPI 2.0 asks for: nothing of the request is in the browser."""
    told = scene.run(redirect_uri=RETURN, push=True)
    assert told["answer"]["body"]["data"] == {"dataset": {"id": "giessen:dataset:kfz"}}
    assert told["claims"]["sub"].startswith("person-")
    assert "/oauth/par" in told["requests"]


def test_somebody_signs_in_with_the_documented_settings_for_keycloak(realm):
    """Discovery, addresses, claims and roles in Keycloak's form; roles and names don't get into the node's token."""
    told = realm.run(redirect_uri=RETURN)
    assert told["answer"]["body"]["data"] == {"dataset": {"id": "giessen:dataset:kfz"}}
    assert told["claims"]["sub"].startswith("person-")
    stated = read_unverified((realm.town.settings.home.parent / "id_token").read_text())
    assert stated.claims["iss"].endswith("/realms/verwaltung")
    assert (stated.header["alg"], stated.claims["azp"], stated.claims["typ"]) == ("ES256", "verbund", "ID")
    assert len(stated.claims["realm_access"]["roles"]) > 40
    assert stated.claims["resource_access"]["verbund"] == {"roles": ["verbund-steward"]}
    assert not {"realm_access", "resource_access", "preferred_username", "email"} & told["claims"].keys()
    for private in ("lovelace", "fachverfahren"):
        assert private not in str(told).lower()
        assert private not in realm.town.process.log_file.read_text(encoding="utf-8").lower()
