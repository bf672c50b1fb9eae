"""Each attack on each kind of signed message: the receiver refuses it, in the way in which it refuses.

The names of the cases say which attack failed on which message: `test_another_algorithm[receipt-HS256]`.
"""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from federation.jose import public_jwks, sign_parts
from tests.kinds import KINDS, LARGEST, Kind, Refused
from tests.unit.node.auth.world import new_key

each = pytest.mark.parametrize("kind", KINDS, ids=str)
RSA, P384, OTHER = RSAKey.generate_key(2048), ECKey.generate_key("P-384"), new_key()
MARGIN_S = 5  # between making and checking
DROPPED = object()


def refused(kind: Kind, token: str) -> None:
    with pytest.raises(Refused):
        kind.check(token)


def parts(kind: Kind, header: dict[str, Any]) -> tuple[str, str]:
    """Header and claims, encoded."""
    return tuple(urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (header, kind.said()))


@each
def test_a_good_one_is_accepted(kind: Kind) -> None:
    kind.check(kind.make())
    kind.check(kind.signed())


@each
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None])
def test_no_algorithm(kind: Kind, alg: str | None) -> None:
    head, body = parts(kind, kind.header() | {"alg": alg})
    for signature in ("", "AA", kind.make().split(".")[2]):
        refused(kind, f"{head}.{body}.{signature}")


@each
@pytest.mark.parametrize("alg", ["HS256", "RS256", "PS256", "ES384", "ES512", "EdDSA", "Ed25519"])
def test_another_algorithm(kind: Kind, alg: str) -> None:
    """With a signature that is good by that algorithm where the header could bring about that it is asked."""
    secret = OctKey.import_key(json.dumps(public_jwks(kind.key)["keys"][0]))
    key = {"HS256": secret, "RS256": RSA, "PS256": RSA, "ES384": P384}.get(alg)
    head, body = parts(kind, kind.header() | {"alg": alg})
    if key is None:
        refused(kind, f"{head}.{body}.{kind.make().split('.')[2]}")
        return
    registry = jws.JWSRegistry(algorithms=[alg])
    registry.strict_check_header = False
    header = json.loads(urlsafe_b64decode(head.encode()))
    refused(kind, jws.serialize_compact(header, urlsafe_b64decode(body.encode()), key, registry=registry))


@each
@pytest.mark.parametrize("typ", sorted({kind.typ for kind in KINDS} | {"JWT", "jwt", "", "at+jwt ", "AT+JWT"}))
def test_another_type(kind: Kind, typ: str) -> None:
    """So no kind passes for another one, whoever signed it."""
    token = kind.signed(header={"typ": typ})
    if typ == kind.typ or typ in kind.may_be:
        kind.check(token)
    else:
        refused(kind, token)


@each
def test_no_type(kind: Kind) -> None:
    token = kind.signed(header={"typ": None})
    if kind.untyped:
        kind.check(token)
    else:
        refused(kind, token)


@each
@pytest.mark.parametrize("other", KINDS, ids=str)
def test_another_kind(kind: Kind, other: Kind) -> None:
    """A good message of another kind. Those that share a type differ in their signers or in their claims."""
    if other is not kind:
        refused(kind, other.make())


@each
@pytest.mark.parametrize("kid", [None, "", "another", OTHER.kid, 7, ["x"], {}], ids=range(7))
def test_another_kid(kind: Kind, kid: Any) -> None:
    if kind.carries_key and kid is None:
        pytest.skip("a proof carries its key: it has no kid that could be left out")
    refused(kind, kind.signed(header={"kid": kid}))


@each
def test_another_key_under_the_right_name(kind: Kind) -> None:
    refused(kind, kind.signed(key=ECKey.import_key(OTHER.raw_value, {"kid": kind.key.kid})))


@each
@pytest.mark.parametrize(
    "brought",
    [
        {"jwk": public_jwks(OTHER)["keys"][0]},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/chain"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"trust_chain": ["a.b.c"]},
    ],
    ids="-".join,
)
def test_a_header_that_brings_something_along(kind: Kind, brought: dict[str, Any]) -> None:
    refused(kind, kind.signed(header=brought, key=OTHER if "jwk" in brought else None))


@each
def test_changed_claims(kind: Kind) -> None:
    head, body, signature = kind.make().split(".")
    for name in kind.claims:
        claims = {known: value for known, value in kind.said().items() if known != name}
        changed = urlsafe_b64encode(json.dumps(claims).encode()).decode()
        refused(kind, f"{head}.{changed}.{signature}")
    refused(kind, f"{head}.{body}A.{signature}")


@each
def test_a_signature_of_another_message(kind: Kind) -> None:
    head, body, _ = kind.make().split(".")
    refused(kind, f"{head}.{body}.{kind.signed(claims={'more': 1}).split('.')[2]}")


@each
def test_a_signature_in_another_spelling(kind: Kind) -> None:
    token = kind.make()
    for letter in sorted(set(string.ascii_letters + string.digits + "-_=") - {token[-1]}):
        refused(kind, token[:-1] + letter)
    refused(kind, token + "=")


@each
def test_a_missing_claim(kind: Kind) -> None:
    for name in kind.claims:
        refused(kind, kind.signed(claims={name: None}))


@each
@pytest.mark.parametrize("value", [True, -1, 1e300, 10**400, "", [], {}, [[]]], ids=lambda value: str(value)[:8])
def test_a_claim_of_another_type(kind: Kind, value: Any) -> None:
    for name in kind.claims:
        if (name, value) != ("keys", []):  # there need be no former keys
            refused(kind, kind.signed(claims={name: value}))


@each
def test_a_claim_that_names_somebody_else(kind: Kind) -> None:
    for name in kind.ours:
        value = kind.said()[name]
        for other in (
            "https://daten.fulda.example",
            f"{value}x",
            f"{value}/",
            str(value).upper(),
            [value],
            [value, "x"],
        ):
            if other != value:
                refused(kind, kind.signed(claims={name: other}))


@each
def test_a_clock_ahead_of_ours(kind: Kind) -> None:
    if kind.ahead is None:
        pytest.skip("its time is told, and decides nothing")
    said = kind.said()

    def ahead(seconds: int) -> str:
        return kind.signed(claims={name: said[name] + seconds for name in ("iat", "exp") if name in said})

    kind.check(ahead(max(kind.ahead - MARGIN_S, 0)))
    refused(kind, ahead(kind.ahead + MARGIN_S))


@each
def test_one_that_has_ended(kind: Kind) -> None:
    if kind.late is None:
        pytest.skip("it has no end of its own")
    said = kind.said()

    def ended(seconds: int) -> str:
        """It ended so many seconds ago."""
        by = said["exp"] - said["iat"] + seconds
        return kind.signed(claims={"iat": said["iat"] - by, "exp": said["exp"] - by})

    kind.check(ended(kind.late - MARGIN_S))
    refused(kind, ended(kind.late + MARGIN_S))


@each
def test_one_that_lives_too_long_or_backwards(kind: Kind) -> None:
    if kind.late is None:
        pytest.skip("it has no end of its own")
    said = kind.said()
    for seconds in (0, -1, 40 * 86_400):
        refused(kind, kind.signed(claims={"exp": said["iat"] + seconds}))


@each
def test_a_huge_one(kind: Kind) -> None:
    refused(kind, kind.signed(claims={"more": "x" * LARGEST}))
    refused(kind, kind.signed(header={"typ": kind.typ + " " * 600}))


@each
@pytest.mark.parametrize(
    "payload", [b"", b"1", b"[]", b"null", b"{", b"\xff", b"NaN", b"[" * 5_000, b'{"a":' * 5_000, b'"\\ud800"'], ids=str
)
def test_no_claims_at_all(kind: Kind, payload: bytes) -> None:
    refused(kind, sign_parts(urlsafe_b64encode(json.dumps(kind.header()).encode()), payload, kind.key))


@each
@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b.c", "é.b.c", "\0", "\ud800.a.b", "a.b.c.d", " "], ids=ascii
)
def test_no_message_at_all(kind: Kind, token: str) -> None:
    if "\ud800" in token and kind.name in {"summary", "keys of a log", "DPoP proof"}:
        pytest.skip("it comes as bytes: this text can't be written")
    refused(kind, token)
