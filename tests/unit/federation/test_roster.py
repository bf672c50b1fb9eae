"""The list that the anchor's office edits: what a node describes, the anchor can read and sign."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from federation.errors import MembershipError
from federation.jose import public_jwks, thumbprint_key
from federation.membership import Member, MemberStatus, sign_membership, verify_membership
from federation.roster import describe_member, read_roster

KEY = thumbprint_key(ECKey.generate_key("P-256"))
JWKS = public_jwks(KEY)
GIESSEN = Member("giessen", "Gießen", "06531005", "https://daten.giessen.example", JWKS)
FULDA = Member("fulda", 'Fulda "am\\Main"', None, "https://fulda.example:8443", JWKS, MemberStatus.SUSPENDED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "members.toml"


def test_descriptions_one_after_the_other_are_a_list(path: Path) -> None:
    path.write_text(describe_member(GIESSEN) + "\n" + describe_member(FULDA), encoding="utf-8")
    assert read_roster(path) == [GIESSEN, FULDA]


@given(name=st.text(min_size=1, max_size=200).filter(lambda text: text.strip() and text.isprintable()))
def test_any_name_survives(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("roster") / "members.toml"
    member = Member("giessen", name, None, "https://g.example", JWKS)
    path.write_text(describe_member(member), encoding="utf-8")
    assert read_roster(path) == [member]


def test_keys_may_stand_in_a_file_beside_the_list(path: Path) -> None:
    (path.parent / "giessen.json").write_text(json.dumps(JWKS))
    path.write_text(
        '[[member]]\nid = "giessen"\nname = "Gießen"\nags = "06531005"\n'
        'issuer = "https://daten.giessen.example"\njwks = "giessen.json"\n',
        encoding="utf-8",
    )
    assert read_roster(path) == [GIESSEN]


def test_what_is_read_can_be_signed_and_verified(path: Path) -> None:
    path.write_text(describe_member(GIESSEN), encoding="utf-8")
    now = datetime.now(UTC)
    token = sign_membership(read_roster(path), KEY, now, timedelta(days=1))
    assert verify_membership(token, JWKS, now).by_id("giessen") == GIESSEN


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "one \\[\\[member\\]\\]"),
        ("= 1", "not valid TOML"),
        ('member = "x"', "one \\[\\[member\\]\\]"),
        ("member = [1]", "member 1: must be a table"),
        ("other = 1", "one \\[\\[member\\]\\]"),
        ('[[member]]\nid = "x"', "member 1: name is missing"),
        ('[[member]]\nid = "x"\ncolour = "red"', "'colour' is not a field"),
        ('[[member]]\nid = 7\nname = "x"\nissuer = "https://x.example"\njwks = "x"', "id must be text"),
        ('[[member]]\nid = "x"\nname = "x"\nissuer = "https://x.example"\njwks = 1', "jwks must be"),
        ('[[member]]\nid = "x"\nname = "x"\nissuer = "https://x.example"\njwks = "no.json"', "can't be read"),
        ('[[member]]\nid = "x"\nname = "x"\nissuer = "https://x.example"\njwks = "members.toml"', "not JSON"),
        ('[[member]]\nid = "x"\nname = "x"\nissuer = "https://x"\nstatus = "OFF"\njwks = {}', "ACTIVE or SUSPENDED"),
        ('[[member]]\nid = "x"\nname = "x"\nissuer = "https://x.example/"\njwks = {}', "member 'x': the id"),
        ('[[member]]\nid = "xx"\nname = "x"\nissuer = "https://x.example/"\njwks = {}', "member xx: the issuer"),
        ('[[member]]\nid = "xx"\nname = "x"\nissuer = "https://x.example"\njwks = {}', "member xx: a key set"),
    ],
)  # fmt: skip
def test_mistakes_are_named(path: Path, text: str, match: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MembershipError, match=match):
        read_roster(path)


def test_a_file_that_is_missing_or_no_text(path: Path) -> None:
    with pytest.raises(MembershipError, match="can't be read"):
        read_roster(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(MembershipError, match="UTF-8"):
        read_roster(path)
