"""The negative suite of entity statements: every way in which one may be wrong, and that it is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.util import urlsafe_b64encode

from federation.errors import MembershipError
from federation.jose import public_jwks, sign
from federation.trust.anchor import read_anchor, read_members
from federation.trust.node_configuration import read_configuration, read_self_signed
from federation.trust.statements import MAX_STATEMENT_BYTES, TYP, WELL_KNOWN
from tests.unit.federation.trust.world import ANKER, DAY, NOW, Anchor, City, new_key, tampered

GIESSEN = City("giessen")
ANCHOR = Anchor()


def claims(**over: Any) -> dict[str, Any]:
    """The claims of a good configuration, changed; None leaves one out."""
    from federation.jose import read_unverified

    good = read_unverified(GIESSEN.configuration(), MAX_STATEMENT_BYTES).claims
    return {name: value for name, value in (good | over).items() if value is not None}


def signed(key: ECKey | None = None, typ: str = TYP, **over: Any) -> str:
    return sign(claims(**over), key or GIESSEN.federation[0], typ)


def with_header(header: dict[str, Any], signature: str = "AAAA") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims()).encode())
    return ".".join((*(urlsafe_b64encode(part).decode() for part in parts), signature))


def read(token: str, city: City = GIESSEN, now=NOW):
    return read_configuration(token, city.issuer, city.vouched.jwks, now)


def refused(token: str, match: str, now=NOW) -> None:
    with pytest.raises(MembershipError, match=match):
        read(token, now=now)


def test_a_good_configuration_is_read():
    found = read(GIESSEN.configuration())
    assert found.jwks == public_jwks(*GIESSEN.signing)
    assert found.federation_jwks == GIESSEN.vouched.jwks
    assert (found.issuer, found.presented.id) == (GIESSEN.issuer, "giessen")


KID = GIESSEN.federation[0].kid


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", None, 1])
def test_alg_none_is_refused(alg):
    refused(with_header({"alg": alg, "kid": KID, "typ": TYP}, ""), "not a signed JWT|must be signed with ES256")
    refused(with_header({"alg": alg, "kid": KID, "typ": TYP}), "must be signed with ES256")


@pytest.mark.parametrize("alg", ["HS256", "RS256", "ES384", "ES512", "PS256", "EdDSA", "Ed25519"])
def test_a_swapped_algorithm_is_refused(alg):
    refused(with_header({"alg": alg, "kid": KID, "typ": TYP}), "must be signed with ES256")


def test_the_public_key_is_not_taken_for_a_shared_secret():
    from joserfc import jws

    public = json.dumps(GIESSEN.vouched.jwks["keys"][0])
    forged = jws.serialize_compact(
        {"alg": "HS256", "kid": KID, "typ": TYP}, json.dumps(claims()).encode(), OctKey.import_key(public)
    )
    refused(forged, "must be signed with ES256")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {}},
        {"jku": "https://evil.example"},
        {"x5u": "x"},
        {"x5c": []},
        {"crit": ["b64"], "b64": False},
        {"trust_chain": []},
    ],
)
def test_a_header_that_brings_its_own_key_is_refused(header):
    refused(with_header({"alg": "ES256", "kid": KID, "typ": TYP, **header}), "may hold alg, kid and typ only")


@pytest.mark.parametrize(
    "typ", ["JWT", "jwt", "at+jwt", "application/entity-statement+jwt", "entity-statement+JWT", "trust-mark+jwt", ""]
)
def test_a_wrong_typ_is_refused(typ):
    refused(signed(typ=typ), "typ must be entity-statement")


def test_a_missing_typ_is_refused():
    refused(with_header({"alg": "ES256", "kid": KID}), "typ must be")


def test_a_wrong_kid_is_refused():
    key = ECKey.import_key(GIESSEN.federation[0].as_dict(private=True), {"kid": "other"})
    refused(sign(claims(), key, TYP), "kid names no key")


def test_a_missing_kid_is_refused():
    refused(with_header({"alg": "ES256", "typ": TYP}), "kid is missing")


def test_the_right_kid_with_another_key_is_refused():
    forged = ECKey.import_key(ECKey.generate_key("P-256").as_dict(private=True), {"kid": KID})
    refused(sign(claims(), forged, TYP), "signature is wrong")


def test_no_key_of_a_set_is_taken_at_random():
    """With several keys, the one that `kid` names must have signed: not just any of them."""
    city = City("fulda", federation=[new_key() for _ in range(8)])
    for key in city.federation:
        assert read(city.configuration(federation_key=key), city).signed_by == key.kid
    swapped = ECKey.import_key(city.federation[0].as_dict(private=True), {"kid": city.federation[1].kid})
    for _ in range(20):
        with pytest.raises(MembershipError, match="signature is wrong"):
            read(city.configuration(federation_key=swapped), city)


def test_tampered_claims_are_refused():
    refused(tampered(GIESSEN.configuration(), exp=claims()["exp"] + 1), "signature is wrong")


@pytest.mark.parametrize("name", ["iss", "sub", "iat", "exp", "jwks", "metadata", "verbund_member"])
def test_a_missing_claim_is_refused(name):
    refused(signed(**{name: None}), "malformed")


@pytest.mark.parametrize("value", ["https://daten.fulda.example", "", "giessen", GIESSEN.issuer + "/"])
def test_a_wrong_iss_is_refused(value):
    refused(signed(iss=value), "iss is another entity")


@pytest.mark.parametrize("value", ["https://daten.fulda.example", "", GIESSEN.issuer.upper()])
def test_a_wrong_sub_is_refused(value):
    refused(signed(sub=value), "sub is another entity")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", [GIESSEN.issuer]),
        ("sub", {"a": 1}),
        ("iat", "1"),
        ("iat", True),
        ("exp", 1.5),
        ("exp", -1),
        ("exp", 10**30),
        ("jwks", []),
        ("metadata", "x"),
        ("crit", "x"),
    ],
)
def test_a_claim_of_the_wrong_type_is_refused(name, value):
    refused(signed(**{name: value}), "malformed")


def at(seconds: int) -> int:
    return int(NOW.timestamp()) + seconds


@pytest.mark.parametrize("ahead", [0, 30, 60])
def test_a_clock_ahead_of_ours_within_the_skew_is_forgiven(ahead):
    assert read(signed(iat=at(ahead), exp=at(ahead + 100)))


@pytest.mark.parametrize("ahead", [61, 3_600])
def test_a_statement_of_the_future_beyond_the_skew_is_refused(ahead):
    refused(signed(iat=at(ahead), exp=at(ahead + 100)), "issued in the future")


@pytest.mark.parametrize("ago", [0, 1, 30, 3_600])
def test_nothing_is_forgiven_at_the_end(ago):
    assert read(signed(iat=at(-7_200), exp=at(1)))
    refused(signed(iat=at(-7_200), exp=at(-ago)), "ended on")


@pytest.mark.parametrize(("start", "end"), [(0, 0), (10, 5), (-10, 31 * 86_400)])
def test_a_lifetime_that_is_none_or_too_long_is_refused(start, end):
    refused(signed(iat=at(start), exp=at(end)), "at most 31 days")


def test_unknown_critical_claims_are_refused():
    refused(signed(crit=["metadata_policy"], metadata_policy={}), "critical claims")
    refused(signed(crit=["verbund_member"]), "critical claims")


def test_a_huge_statement_is_refused_unread():
    refused(signed(padding="x" * MAX_STATEMENT_BYTES), f"longer than {MAX_STATEMENT_BYTES} bytes")


def test_a_huge_header_is_refused():
    refused(with_header({"alg": "ES256", "kid": "k" * 600, "typ": TYP}), "header is longer than 512")


def test_another_city_can_not_speak_for_this_one():
    fulda = City("fulda")
    refused(fulda.configuration(issuer=GIESSEN.issuer), "kid names no key")


def test_a_configuration_must_hold_the_key_that_signed_it():
    refused(signed(jwks=public_jwks(new_key())), "does not hold the key")


@pytest.mark.parametrize("issuer", ["https://evil.example", GIESSEN.issuer + "/x"])
def test_metadata_of_another_issuer_is_refused(issuer):
    metadata = claims()["metadata"]
    metadata["oauth_authorization_server"]["issuer"] = issuer
    refused(signed(metadata=metadata), "another issuer")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example/oauth/token",
        GIESSEN.issuer + "@evil.example/oauth/token",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        GIESSEN.issuer + "/oauth/token?x",
    ],
)
def test_a_token_endpoint_elsewhere_is_refused(endpoint):
    metadata = claims()["metadata"]
    metadata["oauth_authorization_server"]["token_endpoint"] = endpoint
    refused(signed(metadata=metadata), "token endpoint")


def _poisoned() -> list[tuple[str, dict[str, Any]]]:
    good = public_jwks(new_key())["keys"][0]
    private = new_key().as_dict(private=True)
    return [
        ("no keys", {"keys": []}),
        ("too many", {"keys": [good | {"kid": f"k{number}"} for number in range(9)]}),
        ("a shared secret", {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}),
        ("RSA", {"keys": [RSAKey.generate_key(2048).as_dict(private=False) | {"kid": "a"}]}),
        ("another curve", {"keys": [ECKey.generate_key("P-384").as_dict(private=False) | {"kid": "a"}]}),
        ("a private key", {"keys": [private]}),
        ("twice the same kid", {"keys": [good, good]}),
        ("no kid", {"keys": [{name: value for name, value in good.items() if name != "kid"}]}),
        ("for encryption", {"keys": [good | {"use": "enc"}]}),
        ("another algorithm", {"keys": [good | {"alg": "HS256"}]}),
        ("no point", {"keys": [good | {"x": "A" * 43}]}),
        ("infinity", {"keys": [good | {"x": "A" * 43, "y": "A" * 43}]}),
        ("keys are no list", {"keys": good}),
        ("a key is no object", {"keys": ["x"]}),
        ("a kid with a path", {"keys": [good | {"kid": "../../x"}]}),
    ]


@pytest.mark.parametrize("jwks", [pytest.param(jwks, id=what) for what, jwks in _poisoned()])
class TestPoisonedKeySets:
    def test_of_a_node(self, jwks):
        metadata = claims()["metadata"]
        metadata["oauth_client"]["jwks"] = jwks
        refused(signed(metadata=metadata), "key set is not usable|malformed")

    def test_of_a_nodes_federation_keys(self, jwks):
        refused(signed(jwks=jwks), "key set is not usable|malformed")

    def test_of_an_applicant(self, jwks):
        with pytest.raises(MembershipError):
            read_self_signed(signed(jwks=jwks), NOW)

    def test_of_an_anchor(self, jwks):
        token = ANCHOR.files()[ANKER + WELL_KNOWN].decode()
        from federation.jose import read_unverified

        poisoned = read_unverified(token, MAX_STATEMENT_BYTES).claims | {"jwks": jwks}
        with pytest.raises(MembershipError, match=r"key set is not usable|malformed"):
            read_anchor(sign(poisoned, ANCHOR.keys[0], TYP), ANKER, ANCHOR.pin.jwks, NOW)


class TestAnchors:
    def anchor(self, *cities: City, **options):
        files = ANCHOR.files(*cities, **options)
        configuration = read_anchor(files[ANKER + WELL_KNOWN], ANKER, ANCHOR.pin.jwks, NOW)
        (document,) = [content for url, content in files.items() if "/members/" in url]
        return configuration, document

    def test_its_members_are_read(self):
        suspended = City("fulda", status="SUSPENDED")
        configuration, document = self.anchor(GIESSEN, suspended)
        assert list(read_members(document, configuration, NOW)) == [GIESSEN.vouched, suspended.vouched]

    def test_a_document_that_it_does_not_name_is_refused(self):
        _, old = self.anchor(GIESSEN)
        configuration, _ = self.anchor()
        with pytest.raises(MembershipError, match="not the one that the anchor's configuration names"):
            read_members(old, configuration, NOW)

    def test_an_anchor_that_is_not_trusted_is_refused(self):
        token = Anchor().files()[ANKER + WELL_KNOWN]
        with pytest.raises(MembershipError, match="kid names no key"):
            read_anchor(token, ANKER, ANCHOR.pin.jwks, NOW)

    def test_another_anchors_configuration_is_refused(self):
        token = Anchor("https://other.example", ANCHOR.keys).files()["https://other.example" + WELL_KNOWN]
        with pytest.raises(MembershipError, match="iss is another entity"):
            read_anchor(token, ANKER, ANCHOR.pin.jwks, NOW)

    def test_a_node_is_no_anchor_and_an_anchor_no_node(self):
        with pytest.raises(MembershipError, match="malformed"):
            read_anchor(GIESSEN.configuration(), GIESSEN.issuer, GIESSEN.vouched.jwks, NOW)
        with pytest.raises(MembershipError, match="malformed"):
            read_configuration(ANCHOR.files()[ANKER + WELL_KNOWN], ANKER, ANCHOR.pin.jwks, NOW)

    @pytest.mark.parametrize("document", [b"", b"{}", b"[1]", b"[[]]", b"[" * 100_000, b'["x"]', b"\xff", b"null"])
    def test_a_document_that_is_none_is_refused(self, document):
        import hashlib
        from dataclasses import replace

        configuration, _ = self.anchor()
        named = replace(configuration, digest=hashlib.sha256(document).hexdigest())
        with pytest.raises(MembershipError):
            read_members(document, named, NOW)

    @pytest.mark.parametrize("cities", [(GIESSEN, City("giessen")), (GIESSEN, GIESSEN)])
    def test_a_member_twice_is_refused(self, cities):
        import hashlib
        from dataclasses import replace

        from federation.trust.anchor import members_document, sign_member

        document = members_document([sign_member(ANKER, one.vouched, ANCHOR.keys[0], NOW, DAY) for one in cities])
        named = replace(self.anchor()[0], digest=hashlib.sha256(document).hexdigest())
        with pytest.raises(MembershipError, match="two members have the same id"):
            read_members(document, named, NOW)

    @pytest.mark.parametrize(
        "over",
        [
            {"id": "Gießen"},
            {"id": ""},
            {"name": ""},
            {"name": "a\nb"},
            {"name": "x" * 201},
            {"ags": "123"},
            {"ags": "١٢٣٤٥٦٧٨"},
            {"issuer": "https://x.example/path"},
            {"issuer": "ftp://x.example"},
            {"issuer": "https://user@x.example"},
        ],
    )
    def test_a_member_with_a_malformed_name_is_refused(self, over):
        import hashlib
        from dataclasses import replace

        from federation.trust.anchor import members_document, sign_member

        bad = replace(GIESSEN.vouched, **over)
        document = members_document([sign_member(ANKER, bad, ANCHOR.keys[0], NOW, DAY)])
        named = replace(self.anchor()[0], digest=hashlib.sha256(document).hexdigest())
        with pytest.raises(MembershipError, match="member"):
            read_members(document, named, NOW)

    def test_foreign_software_is_told_to_refuse_a_suspended_member(self):
        from federation.jose import read_unverified
        from federation.trust.anchor import sign_member

        for city, critical in (
            (GIESSEN, None),
            (City("a1", status="SUSPENDED"), ["verbund_member"]),
            (City("a2", until=NOW - timedelta(hours=1)), ["verbund_member"]),
            (City("a3", since=NOW + timedelta(hours=1)), ["verbund_member"]),
        ):
            token = sign_member(ANKER, city.vouched, ANCHOR.keys[0], NOW, DAY)
            assert read_unverified(token, MAX_STATEMENT_BYTES).claims.get("crit") == critical
