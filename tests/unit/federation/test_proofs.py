"""DPoP proofs: what a client makes is accepted once it is for this request, and nothing else is."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from federation.jose import encoded_header, sign_parts, thumbprint_key
from federation.proofs import ProofError, ProofKey, check_proof, content_digest, read_proof, token_digest

KEY = thumbprint_key(ECKey.generate_key("P-256"))
URL = "https://daten.wetzlar.example/graphql"
NOW = int(time.time())
JWK = {name: value for name, value in KEY.as_dict(private=False).items() if name in {"kty", "crv", "x", "y"}}


def proof(header: dict[str, Any] | None = None, key: ECKey = KEY, **over: Any) -> str:
    claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": URL, "iat": NOW, **over}
    claims = {name: value for name, value in claims.items() if value is not None}
    members = {"typ": "dpop+jwt", "jwk": JWK, **(header or {})}
    return sign_parts(encoded_header(**members), json.dumps(claims).encode(), key)


def test_what_a_client_makes_is_accepted() -> None:
    made = ProofKey(KEY).proof("POST", URL, NOW, token="abc", nonce="n", body=b"body")
    read = read_proof(made)
    check_proof(read, "POST", URL, NOW, token_digest("abc"))
    assert (read.thumbprint, read.nonce, read.content_digest) == (KEY.thumbprint(), "n", content_digest(b"body"))


def test_the_digests_are_those_of_the_standards() -> None:
    assert token_digest("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_each_proof_is_another_one() -> None:
    made = [read_proof(ProofKey(KEY).proof("GET", URL, NOW)).digest for _ in range(20)]
    assert len(set(made)) == 20


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"htm": "GET"}, "htm"),
        ({"htm": "post"}, "htm"),
        ({"htu": "https://daten.wetzlar.example/graphql/"}, "htu"),
        ({"htu": "https://daten.giessen.example/graphql"}, "htu"),
        ({"htu": "http://daten.wetzlar.example/graphql"}, "htu"),
        ({"iat": NOW + 11}, "ahead"),
        ({"iat": NOW - 61}, "ago"),
        ({"ath": None}, "ath"),
        ({"ath": token_digest("another")}, "ath"),
    ],
)
def test_a_proof_for_something_else(over: dict[str, Any], reason: str) -> None:
    read = read_proof(proof(**{"ath": token_digest("abc"), **over}))
    with pytest.raises(ProofError, match=reason):
        check_proof(read, "POST", URL, NOW, token_digest("abc"))


@pytest.mark.parametrize("over", [{"iat": NOW + 10}, {"iat": NOW - 60}, {"htu": f"{URL}?a=b#c"}])
def test_a_proof_within_the_bounds(over: dict[str, Any]) -> None:
    check_proof(read_proof(proof(**over)), "POST", URL, NOW)


@pytest.mark.parametrize(
    "over",
    [
        {"jti": None},
        {"jti": "short"},
        {"jti": "x" * 129},
        {"jti": "with space and more"},
        {"jti": 7},
        {"htm": None},
        {"htu": None},
        {"htu": ["x"]},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": -1},
        {"iat": 1e300},
        {"ath": "short"},
        {"nonce": 7},
        {"content_digest": {}},
    ],
)
def test_malformed_claims(over: dict[str, Any]) -> None:
    with pytest.raises(ProofError, match="claims"):
        read_proof(proof(**over))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"jwk": None},
        {"jwk": "x"},
        {"jwk": {}},
        {"jwk": KEY.as_dict(private=True)},
        {"jwk": OctKey.generate_key().as_dict()},
        {"jwk": ECKey.generate_key("P-384").as_dict(private=False)},
        {"jwk": {**JWK, "x": "A" * 43}},
        {"jwk": {**JWK, "alg": "ES512"}},
        {"kid": "x"},
        {"jku": "https://evil.example/keys"},
        {"crit": ["b64"], "b64": False},
    ],
)
def test_a_header_that_is_not_accepted(header: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        read_proof(proof(header))


def test_a_larger_key_does_not_fit_into_the_header() -> None:
    with pytest.raises(ProofError, match="512 bytes"):
        read_proof(proof({"jwk": RSAKey.generate_key(4096).as_dict(private=False)}))


def test_a_proof_of_another_key_than_the_one_it_shows() -> None:
    with pytest.raises(ProofError, match="signature"):
        read_proof(proof(key=thumbprint_key(ECKey.generate_key("P-256"))))


def test_a_changed_proof() -> None:
    header, _, signature = proof().split(".")
    other = proof(htm="GET").split(".")[1]
    with pytest.raises(ProofError, match="signature"):
        read_proof(f"{header}.{other}.{signature}")


def test_a_signature_has_one_spelling() -> None:
    made = proof()
    last = made[-1]
    others = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if letter != last]
    for letter in others:
        with pytest.raises(ProofError, match="signature"):
            read_proof(made[:-1] + letter)


def test_hmac_with_the_public_key_as_secret() -> None:
    secret = OctKey.import_key(json.dumps(JWK))
    header = {"alg": "HS256", "typ": "dpop+jwt", "jwk": JWK}
    registry = jws.JWSRegistry(algorithms=["HS256"])
    registry.strict_check_header = False
    with pytest.raises(ProofError, match="ES256"):
        read_proof(jws.serialize_compact(header, json.dumps({"jti": "x" * 16}).encode(), secret, registry=registry))


def test_a_huge_proof() -> None:
    with pytest.raises(ProofError, match="2048 bytes"):
        read_proof(proof(more="x" * 2_000))


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(ProofError):
        read_proof(text)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_parts_are_refused_and_nothing_breaks(header: bytes, payload: bytes) -> None:
    for head in (encoded_header(typ="dpop+jwt", jwk=JWK), base64.urlsafe_b64encode(header).rstrip(b"=")):
        with pytest.raises(ProofError):
            read_proof(sign_parts(head, payload, KEY))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "content_digest", "x"])


@given(st.dictionaries(_NAMES, _JSON), st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid", "x"]), _JSON))
def test_whatever_a_signed_proof_says_nothing_breaks(claims: dict[str, Any], header: dict[str, Any]) -> None:
    try:
        check_proof(read_proof(proof(header, **claims)), "POST", URL, NOW)
    except ProofError as error:
        assert error.reason.isascii()
        assert error.reason.isprintable()
