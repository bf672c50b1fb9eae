"""What the demo's stewards decided: tiers with their reasons, agreements between the cities, applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from federation.agreements import Terms
from policy.assessment import COUNT_OPEN_OBLIGATIONS, Assessment, PersonalReference
from policy.model import Tier
from policy.obligations import NONE, read_obligations

FROM = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2031, 1, 1, tzinfo=UTC)
STEWARD, GATEKEEPER = "Datenstelle (Demo)", "Datenschutz (Demo)"
REVIEW = timedelta(days=365)
OBLIGED = {("fulda", "radverkehrszaehlung")}  # under what is proposed for counts; everything else is given as it is


@dataclass(frozen=True, slots=True)
class DemoApplication:
    """An application of a city."""

    id: str
    name: str
    purposes: tuple[str, ...]
    scopes: tuple[str, ...] = ("data:read",)


def _agreement(id_: str, member: str, datasets: str, purposes: str, obligations: str = "") -> Terms:
    owner = {"of": "offenbach", "gi": "giessen", "wz": "wetzlar", "fd": "fulda"}[id_[:2]]
    return Terms(
        id=id_,
        owner=owner,
        member=member,
        datasets=tuple(datasets.split()),
        purposes=tuple(purposes.split()),
        valid_from=int(FROM.timestamp()),
        valid_until=int(UNTIL.timestamp()),
        obligations=tuple(obligations.split()),
        note="Demo",
    )


# by city and dataset; the catalogs' accessRights say the same to the world outside
TIERS: Mapping[str, Mapping[str, tuple[Tier, str]]] = {
    "offenbach": {
        "radverkehrszaehlung": (Tier.OPEN, "Zählwerte ohne Personenbezug, zur Veröffentlichung freigegeben"),
        "kfz-verkehrszaehlung": (
            Tier.SHARED,
            "Feine zeitliche Auflösung: nur für Partnerstädte und vereinbarte Zwecke",
        ),
        "hafen-schallpegel": (Tier.OPEN, "Umweltinformation"),
        "main-pegel": (Tier.OPEN, "Umweltinformation"),
        "parkhausbelegung": (Tier.OPEN, "Wird bereits auf Anzeigetafeln gezeigt"),
        "baumkataster": (Tier.OPEN, "Ohne Personenbezug"),
        "bebauungsplaene": (Tier.OPEN, "Öffentlich bekannt gemacht"),
        "bevoelkerung-stadtteile": (Tier.OPEN, "Aggregiert, kleinste Zellen zusammengefasst"),
        "passantenfrequenz": (
            Tier.SHARED,
            "Vertrag mit dem Betreiber der Sensoren erlaubt die Weitergabe an Partnerstädte",
        ),
        "ampel-stoerungen": (Tier.INTERNAL, "Betriebsinterna"),
        "bewohnerparkausweise": (Tier.PROTECTED, "Personenbezogene Einzeldaten"),
    },
    "giessen": {
        "radverkehrszaehlung": (Tier.OPEN, "Zählwerte ohne Personenbezug"),
        "kfz-verkehrszaehlung": (Tier.SHARED, "Nur für Partnerstädte und vereinbarte Zwecke"),
        "parkleitsystem": (Tier.OPEN, "Wird bereits öffentlich angezeigt"),
        "luftqualitaet": (Tier.OPEN, "Umweltinformation"),
        "lahn-pegel": (Tier.OPEN, "Umweltinformation"),
        "haltestellen": (Tier.OPEN, "Ohne Personenbezug"),
        "kita-standorte": (Tier.OPEN, "Öffentlich bekannt"),
        "haushaltsplan": (Tier.OPEN, "Öffentlich beschlossen"),
        "fahrgastzaehlung": (Tier.SHARED, "Geschäftsdaten des Verkehrsbetriebs, Weitergabe nach Vereinbarung"),
        "winterdienst-einsatz": (Tier.INTERNAL, "Betriebsinterna"),
        "wohngeldantraege": (Tier.PROTECTED, "Sozialdaten"),
    },
    "wetzlar": {
        "radverkehrszaehlung": (Tier.OPEN, "Zählwerte ohne Personenbezug"),
        "kfz-verkehrszaehlung": (Tier.SHARED, "Grundlage der Planung zur Hochstraße: nur nach Vereinbarung"),
        "baustellen": (Tier.OPEN, "Wird bereits veröffentlicht"),
        "starkregen": (Tier.OPEN, "Vorsorge der Bürgerinnen und Bürger"),
        "strassenbeleuchtung": (Tier.OPEN, "Ohne Personenbezug"),
        "ladesaeulen": (Tier.OPEN, "Öffentlich bekannt"),
        "denkmaeler": (Tier.OPEN, "Öffentlich bekannt"),
        "wahlergebnisse": (Tier.OPEN, "Amtlich veröffentlicht"),
        "bruecken-monitoring": (Tier.INTERNAL, "Sicherheitsrelevante Bauwerksdaten"),
        "schulanmeldungen": (Tier.PROTECTED, "Personenbezogene Daten von Kindern"),
    },
    "fulda": {
        "radverkehrszaehlung": (Tier.OPEN, "Zählwerte ohne Personenbezug"),
        "kfz-verkehrszaehlung": (Tier.SHARED, "Nur für Partnerstädte und vereinbarte Zwecke"),
        "fulda-pegel": (Tier.OPEN, "Umweltinformation"),
        "laermkartierung": (Tier.OPEN, "Umweltinformation"),
        "schulen": (Tier.OPEN, "Öffentlich bekannt"),
        "barockviertel-besucher": (Tier.SHARED, "Weitergabe an Partnerstädte nach Vereinbarung"),
        "unfallschwerpunkte": (Tier.OPEN, "Aggregiert, ohne Personenbezug"),
        "spielplaetze": (Tier.OPEN, "Öffentlich bekannt"),
        "kanalzustand": (Tier.INTERNAL, "Kritische Infrastruktur"),
        "bussgeldverfahren": (Tier.PROTECTED, "Personenbezogene Einzeldaten"),
    },
}

# by owner; Fulda shares its motor traffic with Wetzlar for statistics, and with Offenbach not at all
AGREEMENTS: Mapping[str, tuple[Terms, ...]] = {
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
        _agreement(
            "wz-gi-2026-01",
            "giessen",
            "kfz-verkehrszaehlung",
            "traffic-planning statistics",
            "minimum-count=5 time=PT1H",
        ),
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


def assessment_of(city: str, key: str) -> Assessment:
    """What the steward of the demo writes about a dataset."""
    tier, reason = TIERS[city][key]
    return Assessment(
        dataset=key,
        author=STEWARD,
        tier=tier,
        reason=reason,
        personal_reference=PersonalReference.DIRECT if tier is Tier.PROTECTED else PersonalReference.NONE,
        legal_basis="§ 1 HODaG (Demo)",
        licence="dl-by-de/2.0" if tier is Tier.OPEN else "",
        review_due=datetime.now(UTC) + REVIEW,
        open_obligations=read_obligations(COUNT_OPEN_OBLIGATIONS) if (city, key) in OBLIGED else NONE,
    )
