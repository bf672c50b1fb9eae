"""The anchor's list of members before it is signed: a TOML file that people edit, one `[[member]]` per city.

`jwks` is the key set itself, or the name of a JSON file beside the list.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from federation.errors import MembershipError
from federation.membership import Member, MemberStatus, checked_member

FIELDS = frozenset({"id", "name", "ags", "issuer", "jwks", "status"})
REQUIRED = ("id", "name", "issuer", "jwks")


def read_roster(path: Path) -> list[Member]:
    """The members in the order of the file.

    Raises:
        MembershipError: the file can't be read, or an entry is wrong; the text names entry and field.
    """
    try:
        content = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise MembershipError(f"{path} is not valid TOML: {error}") from None
    entries = content.get("member")
    if set(content) != {"member"} or not isinstance(entries, list) or not entries:
        raise MembershipError(f"{path} must hold one [[member]] table per city, and nothing else")
    return [_member(entry, number, path) for number, entry in enumerate(entries, start=1)]


def describe_member(member: Member) -> str:
    """The member's entry in TOML, to be appended to the anchor's list."""
    lines = ["[[member]]"]
    for name in ("id", "name", "ags", "issuer", "status"):
        value = getattr(member, name)
        if value is not None:
            lines.append(f"{name} = {_quoted(str(value))}")
    for key in member.jwks["keys"]:
        lines += ["[[member.jwks.keys]]", *(f"{name} = {_quoted(value)}" for name, value in key.items())]
    return "\n".join(lines) + "\n"


def _member(entry: Any, number: int, path: Path) -> Member:
    where = f"{path}, member {number}"
    if not isinstance(entry, dict):
        raise MembershipError(f"{where}: must be a table; write [[member]] above its fields")
    if unknown := set(entry) - FIELDS:
        raise MembershipError(f"{where}: {min(unknown)!r} is not a field; there are {', '.join(sorted(FIELDS))}")
    if missing := [name for name in REQUIRED if name not in entry]:
        raise MembershipError(f"{where}: {missing[0]} is missing")
    if wrong := [name for name in FIELDS - {"jwks"} if not isinstance(entry.get(name, ""), str)]:
        raise MembershipError(f"{where}: {wrong[0]} must be text in quotation marks")
    if entry.get("status", MemberStatus.ACTIVE) not in set(MemberStatus):
        raise MembershipError(f"{where}: status must be ACTIVE or SUSPENDED")
    status = MemberStatus(entry.get("status", MemberStatus.ACTIVE))
    jwks = _jwks(entry["jwks"], path.parent, where)
    try:
        return checked_member(Member(entry["id"], entry["name"], entry.get("ags"), entry["issuer"], jwks, status))
    except MembershipError as error:
        raise MembershipError(f"{path}: {error.reason}") from None


def _jwks(value: Any, folder: Path, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(_text(folder / value))
        except (ValueError, RecursionError):
            raise MembershipError(f"{where}: the file named by jwks is not JSON") from None
    if not isinstance(value, dict):
        raise MembershipError(f"{where}: jwks must be a key set or the name of a JSON file")
    return value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise MembershipError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MembershipError(f"{path} is not text in UTF-8") from None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a TOML basic string escapes like JSON does
