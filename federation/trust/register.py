"""The anchor's register: whom it vouches for. Pure, but for reading and writing its one file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from federation.errors import MembershipError
from federation.membership import MAX_MEMBERS, MemberStatus, check_names
from federation.trust.anchor import Vouched
from federation.trust.node_configuration import NodeConfiguration
from federation.trust.statements import Second, checked_keys, moment


class _Entry(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, rename={"since": "from"}):
    id: str
    name: str
    ags: str | None = None
    issuer: str
    status: MemberStatus
    since: Second
    until: Second | None = None
    note: str = ""
    jwks: dict[str, Any]


class _Register(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    anchor: str
    name: str
    published_at: Second = 0
    members: list[_Entry]


@dataclass(frozen=True)
class Entry:
    """A member, and why it is as it is."""

    vouched: Vouched
    note: str = ""


@dataclass(frozen=True)
class Register:
    """All members that the anchor knows. `published_at`: seconds since 1970, later with each publication."""

    anchor: str
    name: str
    entries: tuple[Entry, ...] = ()
    published_at: int = 0

    def find(self, member_id: str) -> Entry:
        """The member with this id. Raises MembershipError if there is none."""
        for entry in self.entries:
            if entry.vouched.id == member_id:
                return entry
        raise MembershipError(f"{member_id} is not in the register; see `verbund member list --anchor`")

    def put(self, entry: Entry) -> Register:
        """With this member in place of the one with its id.

        Raises:
            MembershipError: the issuer is another member's, or there are too many.
        """
        others = [known for known in self.entries if known.vouched.id != entry.vouched.id]
        if taken := [known.vouched.id for known in others if known.vouched.issuer == entry.vouched.issuer]:
            raise MembershipError(f"{entry.vouched.issuer} is the node of {taken[0]} already")
        if len(others) >= MAX_MEMBERS:
            raise MembershipError(f"there are {MAX_MEMBERS} members already")
        return replace(self, entries=tuple(sorted([*others, entry], key=lambda one: one.vouched.id)))

    def without(self, member_id: str) -> Register:
        """Without this member. Raises MembershipError if it is not there."""
        gone = self.find(member_id)
        return replace(self, entries=tuple(entry for entry in self.entries if entry is not gone))

    def admit(
        self, applicant: NodeConfiguration, fingerprint: str | None, since: datetime, until: datetime | None
    ) -> Register:
        """With a node that applies, or one whose keys change.

        A key that is in the register proves that the node itself asks for the change; else somebody must have compared
        the fingerprint with the city.

        Raises:
            MembershipError: the fingerprint is missing or another one, or the names are malformed or taken.
        """
        one = applicant.presented
        check_names(one.id, one.name, one.ags, applicant.issuer)
        known = next((entry.vouched for entry in self.entries if entry.vouched.id == one.id), None)
        own = fingerprint_of(applicant.federation_jwks)
        signer = next(key for key in applicant.federation_jwks["keys"] if key["kid"] == applicant.signed_by)
        # the key itself, not only its name: names are the applicant's to choose
        is_proven = known is not None and known.issuer == applicant.issuer and signer in known.jwks["keys"]
        if fingerprint is None and not is_proven:
            raise MembershipError(
                f"compare the fingerprint {own} with {one.id} by telephone, and give it: --fingerprint"
            )
        if fingerprint is not None and plain(fingerprint) != plain(own):
            raise MembershipError("the fingerprint is another one: this was not made by whom you have spoken with")
        start = known.valid_from if known is not None else since
        vouched = Vouched(
            one.id, one.name, one.ags, applicant.issuer, applicant.federation_jwks, MemberStatus.ACTIVE, start, until
        )
        if known is not None and is_proven and fingerprint is None:  # its keys change, and nothing else
            vouched = replace(known, name=one.name, jwks=applicant.federation_jwks)
        return self.put(Entry(vouched))


def fingerprint_of(jwks: dict[str, Any]) -> str:
    """128 bits that name these keys, to be read out on the telephone."""
    digest = hashlib.sha256("".join(sorted(_kids(jwks))).encode()).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def plain(fingerprint: str) -> str:
    """A fingerprint without the spaces and colons with which people write it."""
    return "".join(fingerprint.lower().replace(":", " ").split())


def read_register(path: Path) -> Register:
    """The register in a file.

    Raises:
        MembershipError: it can't be read, or an entry is wrong.
    """
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_Register)
    except OSError as error:
        raise MembershipError(
            f"{path} can't be read ({error.strerror}): make an anchor with `verbund anchor init`"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MembershipError(f"{path} is not a register: {error}") from None
    register = Register(file.anchor, file.name, (), file.published_at)
    for entry in file.members:
        check_names(entry.id, entry.name, entry.ags, entry.issuer)
        vouched = Vouched(
            entry.id,
            entry.name,
            entry.ags,
            entry.issuer,
            checked_keys(entry.jwks),
            entry.status,
            moment(entry.since),
            None if entry.until is None else moment(entry.until),
        )
        register = register.put(Entry(vouched, entry.note))
    return register


def write_register(path: Path, register: Register) -> None:
    """Write it in one step. Raises MembershipError if that can't be done."""
    file = _Register(
        anchor=register.anchor,
        name=register.name,
        published_at=register.published_at,
        members=[_entry(entry) for entry in register.entries],
    )
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
        part.replace(path)
    except OSError as error:
        raise MembershipError(f"{path} can't be written: {error.strerror}") from None


def next_publication(register: Register, now: datetime) -> datetime:
    """When the next publication is issued: now, but later than the one before, so that the order is clear."""
    last = moment(register.published_at)
    return max(now.replace(microsecond=0), last + timedelta(seconds=1))


def _entry(entry: Entry) -> _Entry:
    one = entry.vouched
    return _Entry(
        id=one.id,
        name=one.name,
        ags=one.ags,
        issuer=one.issuer,
        status=one.status,
        since=int(one.valid_from.timestamp()),
        until=None if one.valid_until is None else int(one.valid_until.timestamp()),
        note=entry.note,
        jwks=one.jwks,
    )


def _kids(jwks: dict[str, Any]) -> set[str]:
    return {key["kid"] for key in jwks["keys"]}
