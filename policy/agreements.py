"""Agreements as linked templates. Cedar's templates know no time, so only agreements in force are linked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from policy.model import Agreement
from policy.rules import AGREEMENT_TEMPLATE


def links(agreements: Sequence[Agreement], now: datetime) -> list[dict[str, Any]]:
    """The template links of the agreements in force: one per purpose, and application if any are named."""
    return [link for agreement in agreements if agreement.in_force(now) for link in _links(agreement)]


def _links(agreement: Agreement) -> Iterator[dict[str, Any]]:
    for purpose in sorted(agreement.purposes):
        if not agreement.applications:
            yield _link(agreement, [purpose], "Verbund::Mandate", mandate_id(agreement.member, purpose))
        for application in sorted(agreement.applications):
            mandate = application_mandate_id(agreement.member, application, purpose)
            yield _link(agreement, [application, purpose], "Verbund::ApplicationMandate", mandate)


def _link(agreement: Agreement, parts: list[str], kind: str, mandate: str) -> dict[str, Any]:
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


class Boundaries:
    """The times at which some agreement begins or ends to be in force. Between two of them nothing changes."""

    def __init__(self, agreements: Sequence[Agreement]) -> None:
        times = {agreement.valid_from for agreement in agreements}
        times |= {agreement.valid_until for agreement in agreements}
        times |= {agreement.revoked_at for agreement in agreements if agreement.revoked_at is not None}
        self._times = sorted(times)

    def window(self, now: datetime) -> int:
        """The number of the window that `now` lies in."""
        return bisect_right(self._times, now)
