"""docs/settings.md, made from the settings themselves. Pure; `verbund settings reference` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from node.settings.desk import Desk
from node.settings.limits import Limits
from node.settings.model import Settings
from node.settings.portal import Portal

_INTRODUCTION = """\
# Settings

In `verbund.toml` in the node's home directory; a variable `VERBUND_<NAME>` overrides a setting,
`VERBUND_LIMITS_<NAME>` a limit, `VERBUND_PORTAL_<NAME>` a text of the pages, `VERBUND_DESK_<NAME>` who works at the
desks. The home is `--home`, else `VERBUND_HOME`, else the current directory. All settings are checked at start; unknown
ones are refused. `verbund settings show` tells which hold.

This page is made from the code: `make settings`.
"""
_LIMITS = """\
## Limits

`[limits]` in the file. `{ node { limits { … } } }` shows those that callers need.
"""
_AFTER_LIMITS = """\
Documents that another node sends may be larger (four times the tokens, twice the selections and aliases, two levels
deeper): the home node has checked its caller's document and spread the fragments since.
"""
_PORTAL = """\
## Pages

`[portal]` in the file: what a city tells on its [pages](web.md). What is missing is marked there as still to be filled.
"""
_DESK = """\
## Desks

`[desk]` in the file: which claims of the [identity provider](sign-in.md#desks) let people work at the node's
[desks](web.md#desks).
"""
_FILES = """\
## Files in the home directory

| file | meaning |
| --- | --- |
| `verbund.toml` | the settings, readable by the owner only |
| `keys/` | the node's private keys ([keys](keys.md)); the node refuses to start if others can read them |
| `anchors/` | the anchors that the node trusts, one `*.json` each; changes hold within seconds, without a restart |
| `policies/*.cedar` | the city's own rules, optional; read again when they change |
| `policies/expectations.toml` | what the rules have to decide, optional; checked before they come into force |
| `documents/*.graphql` | [trusted documents](http.md#trusted-documents), optional |
| `postgres/` | the embedded database |
| `run/` | figures that the workers hand to the page of metrics |
"""
_KINDS = {
    inspect.StrType: "text",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true, false",
    inspect.VarTupleType: "list of texts",
}


def reference() -> str:
    """The page."""
    parts = [
        _INTRODUCTION,
        _table("setting", Settings),
        _LIMITS,
        _table("limit", Limits),
        _AFTER_LIMITS,
        _PORTAL,
        _table("text", Portal),
        _DESK,
        _table("setting", Desk),
        _FILES,
    ]
    return "\n".join(parts)


def secrets() -> frozenset[str]:
    """Settings whose values are not to be shown."""
    return frozenset(field.name for field in _fields(Settings) if _extra(field)["secret"])


def _table(first: str, kind: type[msgspec.Struct]) -> str:
    rows = [f"| {first} | type | default | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| `{field.name}` | {_type(field)} | {_default(field)} | {_meaning(field)} |" for field in _fields(kind)]
    return "\n".join(rows) + "\n"


def _fields(kind: type[msgspec.Struct]) -> Iterator[inspect.Field]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    yield from described.fields


def _extra(field: inspect.Field) -> dict[str, Any]:
    assert isinstance(field.type, inspect.Metadata), f"{field.name} does not say what it means"
    return field.type.extra or {}


def _type(field: inspect.Field) -> str:
    assert isinstance(field.type, inspect.Metadata)
    unit = _extra(field)["unit"]
    return _kind(field.type.type) + (f", {unit}" if unit else "")


def _kind(type_: inspect.Type) -> str:
    match type_:
        case inspect.Metadata():
            return _kind(type_.type)
        case inspect.UnionType():
            (one,) = [_kind(each) for each in type_.types if not isinstance(each, inspect.NoneType)]
            return one
        case inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in type_.values)
        case inspect.StructType():
            return "table"
        case inspect.CustomType():
            return "path" if type_.cls is Path else "text"
        case inspect.IntType() | inspect.FloatType() if type_.ge is not None and type_.le is not None:
            return f"{_KINDS[type(type_)]}, {type_.ge:.15g} to {type_.le:.15g}"
        case _:
            return _KINDS[type(type_)]


def _default(field: inspect.Field) -> str:
    extra, value = _extra(field), field.default
    if extra["default"]:
        return str(extra["default"])
    if value is NODEFAULT:
        return "required"
    if value is None or value == ():
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _meaning(field: inspect.Field) -> str:
    assert isinstance(field.type, inspect.Metadata)
    extra = _extra(field)
    unsafe = "**Unsafe.** " if field.name.startswith("unsafe_") else ""
    secret = " Secret." if extra["secret"] else ""
    more = f" [More]({extra['more']})." if extra["more"] else ""
    return f"{unsafe}{(field.type.extra_json_schema or {})['description']}{secret}{more}"
