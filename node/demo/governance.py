"""Agreements between the demo's cities, and their applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from policy.model import Agreement

FROM = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2031, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DemoApplication:
    """An application of a city."""

    id: str
    name: str
    purposes: tuple[str, ...]
    scopes: tuple[str, ...] = ("data:read",)


def _agreement(id_: str, member: str, datasets: str, purposes: str) -> Agreement:
    return Agreement(id_, member, frozenset(datasets.split()), frozenset(purposes.split()), FROM, UNTIL)


# by owner; Fulda shares its motor traffic with Wetzlar for statistics, and with Offenbach not at all
AGREEMENTS: Mapping[str, tuple[Agreement, ...]] = {
    "offenbach": (
        _agreement("of-gi-2026-01", "giessen", "kfz-verkehrszaehlung", "traffic-planning research"),
        _agreement("of-wz-2026-01", "wetzlar", "kfz-verkehrszaehlung passantenfrequenz", "urban-planning"),
    ),
    "giessen": (
        _agreement("gi-of-2026-01", "offenbach", "kfz-verkehrszaehlung", "traffic-planning"),
        _agreement("gi-wz-2026-01", "wetzlar", "kfz-verkehrszaehlung fahrgastzaehlung", "traffic-planning environment"),
    ),
    "wetzlar": (
        _agreement("wz-of-2026-01", "offenbach", "kfz-verkehrszaehlung", "traffic-planning"),
        _agreement("wz-gi-2026-01", "giessen", "kfz-verkehrszaehlung", "traffic-planning statistics"),
    ),
    "fulda": (_agreement("fd-wz-2026-01", "wetzlar", "kfz-verkehrszaehlung", "statistics"),),
}

_PORTAL = DemoApplication("verkehrsportal", "Verkehrsportal (Demo)", ("traffic-planning", "research"))
_AUDITOR = DemoApplication("pruefstelle", "Prüfstelle (Demo)", ("operations",), ("data:read", "audit:read"))
_STATISTICS = DemoApplication("statistikstelle", "Statistikstelle (Demo)", ("statistics",))

APPLICATIONS: Mapping[str, tuple[DemoApplication, ...]] = {
    "offenbach": (_PORTAL, _AUDITOR),
    "giessen": (_PORTAL, _AUDITOR),
    "wetzlar": (_PORTAL, _AUDITOR, _STATISTICS),
    "fulda": (_PORTAL, _AUDITOR),
}
