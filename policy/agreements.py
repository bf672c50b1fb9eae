"""Agreements as linked templates. Cedar's templates know no time, so only agreements in force are linked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from policy.model import Agreement, Caller
from policy.rules import AGREEMENT_TEMPLATE

Link = dict[str, Any]


def links(agreements: Sequence[Agreement], now: datetime) -> list[Link]:
    """The template links of the agreements in force: one per purpose, and application if any are named."""
    return [link for agreement in agreements if agreement.in_force(now) for link in _links(agreement)]


def links_for(caller: Caller, agreements: Sequence[Agreement], now: datetime) -> list[Link]:
    """Those of the links that may serve this caller. For speed only: Cedar compares principal and mandate again."""
    if caller.city is None or caller.application is None or caller.purpose is None:
        return []
    mandates = {
        ("Verbund::Mandate", mandate_id(caller.city, caller.purpose)),
        ("Verbund::ApplicationMandate", application_mandate_id(caller.city, caller.application, caller.purpose)),
    }
    with_member = [agreement for agreement in agreements if agreement.member == caller.city]
    return [link for link in links(with_member, now) if _mandate_of(link) in mandates]


def linked_agreements(of: Sequence[Link]) -> frozenset[str]:
    """The ids of the agreements that these links speak of."""
    return frozenset(map(agreement_of, of))


def agreement_of(link: Link) -> str:
    """The id of the agreement that a link speaks of."""
    found: str = link["values"]["?resource"]["id"]
    return found


def _mandate_of(link: Link) -> tuple[str, str]:
    principal = link["values"]["?principal"]
    return principal["type"], principal["id"]


def _links(agreement: Agreement) -> Iterator[Link]:
    for purpose in sorted(agreement.purposes):
        if not agreement.applications:
            yield _link(agreement, [purpose], "Verbund::Mandate", mandate_id(agreement.member, purpose))
        for application in sorted(agreement.applications):
            mandate = application_mandate_id(agreement.member, application, purpose)
            yield _link(agreement, [application, purpose], "Verbund::ApplicationMandate", mandate)


def _link(agreement: Agreement, parts: list[str], kind: str, mandate: str) -> Link:
    return {
        "template_id": AGREEMENT_TEMPLATE,
        "new_id": "/".join([AGREEMENT_TEMPLATE, *(quote(part, safe="") for part in (agreement.id, *parts))]),
        "values": {
            "?principal": {"type": kind, "id": mandate},
            "?resource": {"type": "Verbund::Agreement", "id": agreement.id},
        },
    }


def mandate_id(city: str, purpose: str) -> str:
    """A city acting for a purpose. The parts are quoted, so that no id can pose as two."""
    return f"{quote(city, safe='')}/{quote(purpose, safe='')}"


def application_mandate_id(city: str, application: str, purpose: str) -> str:
    """One application of a city acting for a purpose."""
    return f"{quote(city, safe='')}/{quote(application, safe='')}/{quote(purpose, safe='')}"


def in_succession(agreements: Sequence[Agreement]) -> tuple[Agreement, ...]:
    """The agreements, each version of one ending when a later one begins that was not revoked before."""
    begins: dict[str, list[tuple[int, datetime]]] = {}
    for one in agreements:
        if one.revoked_at is None or one.revoked_at > one.valid_from:
            begins.setdefault(one.id, []).append((one.version, one.valid_from))
    return tuple(
        replace(
            one,
            valid_until=min(
                [one.valid_until, *(begin for version, begin in begins.get(one.id, ()) if version > one.version)]
            ),
        )
        for one in agreements
    )


class Calendar:
    """Which agreements are in force when. Between two boundaries nothing changes."""

    def __init__(self, agreements: Sequence[Agreement]) -> None:
        times = {agreement.valid_from for agreement in agreements}
        times |= {agreement.valid_until for agreement in agreements}
        times |= {agreement.revoked_at for agreement in agreements if agreement.revoked_at is not None}
        self._times = sorted(times)
        self.agreements = agreements

    def window(self, now: datetime) -> int:
        """The number of the window that `now` lies in."""
        return bisect_right(self._times, now)

    def in_force(self, now: datetime) -> list[Agreement]:
        """The agreements in force."""
        return [agreement for agreement in self.agreements if agreement.in_force(now)]


def coverage(agreements: Sequence[Agreement]) -> Mapping[str, frozenset[str]]:
    """The ids of the agreements that cover each dataset, by the dataset's key."""
    covering: dict[str, set[str]] = {}
    for agreement in agreements:
        for key in agreement.datasets:
            covering.setdefault(key, set()).add(agreement.id)
    return {key: frozenset(ids) for key, ids in covering.items()}
