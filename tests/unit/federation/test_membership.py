"""The signed membership list: what is accepted, and every reason why not."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from federation.errors import FederationError, MembershipError
from federation.jose import public_jwks, sign, thumbprint_key
from federation.membership import MAX_LIST_BYTES, Member, MemberStatus, sign_membership, verify_membership
from tests.work import calls

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def new_key() -> ECKey:
    return thumbprint_key(ECKey.generate_key("P-256"))


ANCHOR = new_key()
ANCHOR_JWKS = public_jwks(ANCHOR)
KEY = new_key()


def member(name: str = "giessen", /, **over: Any) -> Member:
    made = Member(name, name.title(), "06531005", f"https://daten.{name}.example", public_jwks(KEY))
    return dataclasses.replace(made, **over)


def signed(*members: Member, key: ECKey = ANCHOR) -> bytes:
    return sign_membership(members or [member()], key, NOW, DAY)


def raw(key: ECKey = ANCHOR, typ: str = "membership+jwt", **over: Any) -> bytes:
    """A list that `sign_membership` would not sign."""
    start = int(NOW.timestamp())
    entry = {"id": "giessen", "name": "Gießen", "issuer": "https://g.example", "status": "ACTIVE"}
    claims = {"iat": start, "exp": start + 3_600, "members": [{**entry, "jwks": public_jwks(KEY)}], **over}
    return sign(claims, key, typ).encode()


def entry(**over: Any) -> dict[str, Any]:
    made = {"id": "giessen", "name": "Gießen", "issuer": "https://g.example", "status": "ACTIVE"}
    return {**made, "jwks": public_jwks(KEY), **over}


def refused(token: bytes, match: str, *, now: datetime = NOW, anchor: object = ANCHOR_JWKS) -> None:
    with pytest.raises(MembershipError, match=match) as caught:
        verify_membership(token, anchor, now)
    assert caught.value.code == "MEMBERSHIP_INVALID"
    assert isinstance(caught.value, FederationError)


def test_what_was_signed_comes_back_in_order() -> None:
    members = [member("wetzlar", ags=None), member("giessen", status=MemberStatus.SUSPENDED), member("fulda")]
    membership = verify_membership(signed(*members), ANCHOR_JWKS, NOW)
    assert list(membership.members) == members
    assert (membership.issued_at, membership.expires_at) == (NOW, NOW + DAY)


def test_members_are_found_by_id_and_issuer() -> None:
    membership = verify_membership(signed(member("wetzlar"), member("fulda")), ANCHOR_JWKS, NOW)
    assert membership.by_id("fulda") == membership.by_issuer("https://daten.fulda.example") == member("fulda")
    assert membership.by_id("gotham") is None
    assert membership.by_issuer("https://daten.fulda.example/") is None


def test_a_suspended_member_is_not_active() -> None:
    assert member().is_active
    assert not member(status=MemberStatus.SUSPENDED).is_active


def test_a_members_keys_check_its_signatures() -> None:
    (found,) = verify_membership(signed(member()), ANCHOR_JWKS, NOW).members
    assert [key.kid for key in found.keys] == [KEY.kid]


def test_the_digest_names_the_list() -> None:
    one, other = signed(), signed()
    assert verify_membership(one, ANCHOR_JWKS, NOW).digest == verify_membership(one + b"\n", ANCHOR_JWKS, NOW).digest
    assert verify_membership(one, ANCHOR_JWKS, NOW).digest != verify_membership(other, ANCHOR_JWKS, NOW).digest


def test_either_key_of_an_anchor_that_changes_its_key() -> None:
    following = new_key()
    both = public_jwks(ANCHOR, following)
    for key in (ANCHOR, following):
        assert verify_membership(signed(key=key), both, NOW).members


def test_four_hundred_members() -> None:
    members = [member(f"city-{number}", name="Musterstadt am Großen Fluss") for number in range(400)]
    token = signed(*members)
    assert len(token) > 128_000, "larger than the library's default limit"
    assert len(verify_membership(token, ANCHOR_JWKS, NOW).members) == 400
    few = signed(*members[:100])
    work = [calls(lambda given=given: verify_membership(given, ANCHOR_JWKS, NOW)) for given in (few, token)]
    assert work[1] < 5 * work[0], "grows with the members, no faster"


class TestRefused:
    def test_unknown_kid(self) -> None:
        refused(signed(key=new_key()), "kid")

    def test_wrong_signature(self) -> None:
        forged = ECKey.import_key(new_key().raw_value, {"kid": ANCHOR.kid})
        refused(signed(key=forged), "signature")

    def test_changed_by_one_bit(self) -> None:
        token = bytearray(signed())
        token[len(token) // 2] = ord("A") if token[len(token) // 2] != ord("A") else ord("B")
        refused(bytes(token), "signature|JSON")

    @pytest.mark.parametrize("typ", ["JWT", "at+jwt", "entity-statement+jwt"])
    def test_wrong_type(self, typ: str) -> None:
        refused(raw(typ=typ), "typ must be membership")

    def test_expired(self) -> None:
        refused(signed(), "ended on 2026-11-24 12:00:00Z", now=NOW + DAY)

    def test_not_expired_a_second_before(self) -> None:
        assert verify_membership(signed(), ANCHOR_JWKS, NOW + DAY - timedelta(seconds=1))

    def test_from_the_future(self) -> None:
        refused(signed(), "future", now=NOW - timedelta(minutes=2))

    def test_a_clock_may_differ_a_little(self) -> None:
        assert verify_membership(signed(), ANCHOR_JWKS, NOW - timedelta(seconds=50))

    def test_valid_for_years(self) -> None:
        start = int(NOW.timestamp())
        refused(raw(exp=start + 10 * 366 * 86_400), "366 days")

    @pytest.mark.parametrize("exp", [0, -5, int(NOW.timestamp()), 10**18])
    def test_a_period_that_is_none(self, exp: int) -> None:
        refused(raw(exp=exp), "valid for more than 0")

    @pytest.mark.parametrize("token", [b"", b"x", b"a.b.c", b"....", b"\xff\xfe", b"a.b"])
    def test_no_token(self, token: bytes) -> None:
        refused(token, "not a signed JWT")

    def test_beyond_all_size(self) -> None:
        refused(b"a" * (MAX_LIST_BYTES + 1), "longer than")

    @pytest.mark.parametrize(
        "over",
        [
            {"members": None},
            {"members": {}},
            {"members": ["giessen"]},
            {"iat": "today"},
            {"exp": None},
            {"members": [{"id": "giessen"}]},
        ],
    )
    def test_malformed(self, over: dict[str, Any]) -> None:
        refused(raw(**over), "malformed")

    @pytest.mark.parametrize("twice", [{"id": "wetzlar"}, {"issuer": "https://w.example"}])
    def test_a_member_twice(self, twice: dict[str, str]) -> None:
        entries = [entry(**twice), entry(**{"id": "other", "issuer": "https://o.example", **twice})]
        refused(raw(members=entries), "twice")

    @pytest.mark.parametrize("member_id", ["", "G", "Giessen", "1st", "a" * 40, "gießen", "a b", "a:b", "a\n"])
    def test_a_malformed_id(self, member_id: str) -> None:
        refused(raw(members=[entry(id=member_id)]), "id must be")

    @pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb", "a\x00"])
    def test_a_malformed_name(self, name: str) -> None:
        refused(raw(members=[entry(name=name)]), "name must be")

    @pytest.mark.parametrize("ags", ["", "6531005", "065310055", "0653100x", "٠٦٥٣١٠٠٥"])
    def test_a_malformed_ags(self, ags: str) -> None:
        refused(raw(members=[entry(ags=ags)]), "ags")

    def test_an_unknown_status(self) -> None:
        refused(raw(members=[entry(status="PENDING")]), "malformed")

    @pytest.mark.parametrize(
        "issuer",
        [
            "",
            "daten.giessen.example",
            "ftp://giessen.example",
            "file:///etc/passwd",
            "https://giessen.example/",
            "https://giessen.example/node",
            "https://giessen.example?x=1",
            "https://giessen.example#x",
            "https://user:pw@giessen.example",
            "https://giessen.example:99999",
            "https://giessen.example:x",
            "https://Giessen.example",
            "HTTPS://giessen.example",
            "https://gießen.example",
            "https://giessen.example\\@evil.example",
            "https://giessen example",
            "https://",
            "https://-x",
            "https://giessen.example:",
            "https://giessen.example\n",
            "https://[::1",
        ],
    )
    def test_an_issuer_that_is_no_origin(self, issuer: str) -> None:
        refused(raw(members=[entry(issuer=issuer)]), "issuer must be")

    @pytest.mark.parametrize("issuer", ["http://127.0.0.1:8101", "https://[::1]:8443", "https://a.b-c.example:8443"])
    def test_issuers_with_a_port(self, issuer: str) -> None:
        assert verify_membership(raw(members=[entry(issuer=issuer)]), ANCHOR_JWKS, NOW).by_issuer(issuer)


def changed(**over: Any) -> dict[str, Any]:
    (key,) = public_jwks(KEY)["keys"]
    return {"keys": [{name: value for name, value in {**key, **over}.items() if value is not None}]}


@pytest.mark.parametrize(
    ("jwks", "match"),
    [
        ({"keys": [KEY.as_dict(private=True)]}, "private"),
        ({"keys": [OctKey.generate_key(256).as_dict(private=True)]}, "private"),
        ({"keys": [RSAKey.generate_key(2048).as_dict(private=False)]}, "kty EC"),
        ({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}, "kty EC"),
        ({"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}, "P-256"),
        ({"keys": []}, "1 to 8"),
        ({"keys": [public_jwks(new_key())["keys"][0] for _ in range(9)]}, "1 to 8"),
        ({"keys": public_jwks(KEY)["keys"] * 2}, "same kid"),
        ({"keys": ["x"]}, "object"),
        ({}, "key set"),
        (changed(kid=None), "kid"),
        (changed(kid=7), "kid"),
        (changed(kid='a"b'), "kid"),
        (changed(use="enc"), "signatures"),
        (changed(alg="ES512"), "signatures"),
        (changed(x="AAAA"), "x and y"),
        (changed(y=None), "x and y"),
        (changed(y="A" * 43), "point"),
    ],
)
def test_key_sets_that_are_refused(jwks: dict[str, Any], match: str) -> None:
    refused(raw(members=[entry(jwks=jwks)]), match)
    refused(signed(), "anchor's key set is not usable", anchor=jwks)


def test_a_symmetric_key_can_not_sign_a_list() -> None:
    secret = OctKey.import_key("0" * 32)
    token = jwt.encode({"alg": "HS256", "kid": ANCHOR.kid, "typ": "membership+jwt"}, {"members": []}, secret)
    refused(token.encode(), "ES256")


def test_the_anchor_signs_no_list_that_would_be_refused() -> None:
    for bad in (
        [member(), member()],
        [member(issuer="https://x/")],
        [member(jwks={"keys": [KEY.as_dict(private=True)]})],
    ):
        with pytest.raises(MembershipError):
            sign_membership(bad, ANCHOR, NOW, DAY)
    with pytest.raises(MembershipError, match="366 days"):
        sign_membership([member()], ANCHOR, NOW, timedelta(days=400))
