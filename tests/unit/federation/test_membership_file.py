"""The membership list on disk: what is served while files and time change."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from federation.errors import MembershipError
from federation.jose import public_jwks, thumbprint_key
from federation.membership import Member, sign_membership
from federation.membership_file import MembershipFile

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANCHOR = thumbprint_key(ECKey.generate_key("P-256"))
JWKS = public_jwks(ANCHOR)


class Desk:
    """The folder, and a clock that is turned by hand."""

    def __init__(self, folder: Path, *, allow_plain_http: bool = False) -> None:
        self.list = folder / "members.jwt"
        self.anchor = folder / "anchor.json"
        self.anchor.write_text(json.dumps(JWKS))
        self.seconds = 0.0
        self.file = MembershipFile(
            self.list,
            self.anchor,
            allow_plain_http=allow_plain_http,
            now=lambda: START + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
        )

    def publish(
        self, *ids: str, days: int = 1, at: float = 0.0, key: ECKey = ANCHOR, issuer: str = "https://{}.example"
    ) -> None:
        members = [Member(name, name.title(), None, issuer.format(name), JWKS) for name in ids]
        issued_at = START + timedelta(seconds=at)
        self.list.write_bytes(sign_membership(members, key, issued_at, timedelta(days=days)))

    def served(self) -> list[str]:
        return [member.id for member in self.file.current().members]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_list_is_served(desk: Desk) -> None:
    desk.publish("giessen", "fulda")
    assert desk.served() == ["giessen", "fulda"]


def test_a_new_list_is_seen_within_a_second(desk: Desk) -> None:
    desk.publish("giessen")
    assert desk.served() == ["giessen"]
    desk.publish("giessen", "marburg", at=1)
    desk.seconds = 0.5
    assert desk.served() == ["giessen"], "looked at once a second at most"
    desk.seconds = 1.0
    assert desk.served() == ["giessen", "marburg"]


def test_an_unchanged_list_is_not_read_again(desk: Desk) -> None:
    desk.publish("giessen")
    first = desk.file.current()
    desk.seconds = 100
    assert desk.file.current() is first


@pytest.mark.parametrize("content", [b"", b"rubbish", b"a.b.c"])
def test_a_broken_list_does_not_replace_a_good_one(
    desk: Desk, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    desk.publish("giessen")
    desk.served()
    desk.list.write_bytes(content)
    desk.seconds = 5
    with caplog.at_level(logging.WARNING):
        assert desk.served() == ["giessen"]
        desk.seconds = 100
        assert desk.served() == ["giessen"]
    (record,) = caplog.records  # told once, not every second
    assert "is not taken over" in record.message


def test_a_list_of_a_stranger_does_not_replace_a_good_one(desk: Desk) -> None:
    desk.publish("giessen")
    desk.served()
    desk.publish("mallory", key=thumbprint_key(ECKey.generate_key("P-256")), at=2)
    desk.seconds = 5
    assert desk.served() == ["giessen"]


def test_an_older_list_does_not_replace_a_newer_one(desk: Desk) -> None:
    desk.publish("giessen", at=10)
    desk.seconds = 10
    desk.served()
    desk.publish("giessen", "thrown-out", at=0)
    desk.seconds = 20
    assert desk.served() == ["giessen"]


def test_it_is_served_until_it_ends_and_refused_afterwards(desk: Desk) -> None:
    desk.publish("giessen")
    desk.served()
    desk.list.unlink()
    desk.seconds = 86_399
    assert desk.served() == ["giessen"]
    desk.seconds = 86_400
    with pytest.raises(MembershipError, match="ended on 2026-11-24"):
        desk.served()


def test_after_its_end_a_new_one_is_taken(desk: Desk) -> None:
    desk.publish("giessen")
    desk.served()
    desk.seconds = 90_000
    desk.publish("fulda", at=90_000)
    assert desk.served() == ["fulda"]


def test_without_files_there_is_a_reason_with_a_remedy(desk: Desk) -> None:
    with pytest.raises(MembershipError, match=r"members\.jwt can't be read .*: put the signed list"):
        desk.served()


def test_the_first_list_may_come_later(desk: Desk) -> None:
    with pytest.raises(MembershipError):
        desk.served()
    desk.publish("giessen")
    desk.seconds = 1
    assert desk.served() == ["giessen"]


def test_the_anchors_new_key_set_is_seen_too(desk: Desk) -> None:
    following = thumbprint_key(ECKey.generate_key("P-256"))
    desk.publish("giessen", key=following)
    with pytest.raises(MembershipError, match="kid"):
        desk.served()
    desk.anchor.write_text(json.dumps(public_jwks(ANCHOR, following)))
    desk.seconds = 1
    assert desk.served() == ["giessen"]


@pytest.mark.parametrize("content", ["", "{", "[" * 5_000, '{"keys": []}'])
def test_a_broken_anchor_file_is_named(desk: Desk, content: str) -> None:
    desk.publish("giessen")
    desk.anchor.write_text(content)
    with pytest.raises(MembershipError, match="anchor"):
        desk.served()


def test_a_list_from_a_clock_ahead_is_tried_again(desk: Desk) -> None:
    desk.publish("giessen", at=90)
    with pytest.raises(MembershipError, match="future"):
        desk.served()
    desk.seconds = 31
    assert desk.served() == ["giessen"]


def test_members_without_tls_are_refused_unless_allowed(tmp_path: Path) -> None:
    strict = Desk(tmp_path)
    strict.publish("giessen", issuer="http://{}.example")
    with pytest.raises(MembershipError, match="not encrypted"):
        strict.served()
    assert Desk.served(_lenient(tmp_path)) == ["giessen"]


def _lenient(folder: Path) -> Desk:
    desk = Desk(folder, allow_plain_http=True)
    desk.publish("giessen", issuer="http://{}.example")
    return desk


@pytest.mark.parametrize("host", ["127.0.0.1:8101", "localhost:8101", "[::1]:8101"])
def test_members_on_this_machine_need_no_tls(desk: Desk, host: str) -> None:
    desk.publish("giessen", issuer=f"http://{host}")
    assert desk.served() == ["giessen"]
