"""Building blocks of what owners are asked, whatever the root field. Pure."""

from __future__ import annotations

from schema.selection import Field

ALIAS = "r"
HOME_ONLY = dict.fromkeys(("require", "quorum", "deadlineMs"))  # arguments that are no owner's business
REPORT_FIELDS = ("state", "asOf", "policyVersion", "obligations")


def plain(name: str, key: str, type_name: str, children: tuple[Field, ...] = ()) -> Field:
    """A field without arguments."""
    return Field(name, key, type_name, {}, {}, children)


def owners_report() -> Field:
    """What an owner is to tell of itself."""
    told = tuple(plain(name, name, "String") for name in ("city", *REPORT_FIELDS))
    return plain("federation", "federation", "FederationReport", (plain("cities", "cities", "CityReport", told),))
