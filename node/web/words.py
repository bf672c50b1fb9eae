"""What codes are called: German, marked for translation."""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:  # noqa: N802 - gettext's name for a mark
    """Mark a text for the catalog; it is translated where it is shown."""
    return text


THEMES: Mapping[str, str] = {
    "AGRI": N_("Landwirtschaft und Ernährung"),
    "ECON": N_("Wirtschaft und Finanzen"),
    "EDUC": N_("Bildung, Kultur und Sport"),
    "ENER": N_("Energie"),
    "ENVI": N_("Umwelt"),
    "GOVE": N_("Regierung und öffentlicher Sektor"),
    "HEAL": N_("Gesundheit"),
    "INTR": N_("Internationale Themen"),
    "JUST": N_("Justiz und öffentliche Sicherheit"),
    "REGI": N_("Regionen und Städte"),
    "SOCI": N_("Bevölkerung und Gesellschaft"),
    "TECH": N_("Wissenschaft und Technologie"),
    "TRAN": N_("Verkehr"),
}
# word, icon, who may read
TIERS: Mapping[str, tuple[str, str, str]] = {
    "OPEN": (N_("offen"), "visibility", N_("Alle dürfen diese Daten lesen und nutzen, ohne Anmeldung.")),
    "SHARED": (
        N_("geteilt"),
        "drive-folder-upload",
        N_("Anwendungen von Mitgliedsstädten, wenn eine Vereinbarung es für ihren Zweck erlaubt."),
    ),
    "INTERNAL": (N_("intern"), "home", N_("Nur Anwendungen der Stadt, der die Daten gehören.")),
    "PROTECTED": (N_("geschützt"), "visibility-off", N_("Niemand außerhalb der zuständigen Stelle.")),
}
STATES: Mapping[str, tuple[str, str]] = {
    "OK": (N_("hat geantwortet"), "success"),
    "PARTIAL": (N_("hat teilweise geantwortet"), "warning"),
    "DENIED": (N_("hat abgelehnt"), "danger"),
    "TIMEOUT": (N_("hat nicht rechtzeitig geantwortet"), "warning"),
    "UNREACHABLE": (N_("ist nicht erreichbar"), "danger"),
    "INCOMPATIBLE": (N_("hat unverständlich geantwortet"), "danger"),
    "SKIPPED": (N_("hat keine Treffer und wurde nicht gefragt"), "info"),
}
FREQUENCIES: Mapping[str, str] = {
    "1MIN": N_("jede Minute"),
    "5MIN": N_("alle 5 Minuten"),
    "10MIN": N_("alle 10 Minuten"),
    "15MIN": N_("alle 15 Minuten"),
    "30MIN": N_("alle 30 Minuten"),
    "HOURLY": N_("stündlich"),
    "DAILY": N_("täglich"),
    "WEEKLY": N_("wöchentlich"),
    "MONTHLY": N_("monatlich"),
    "QUARTERLY": N_("vierteljährlich"),
    "ANNUAL": N_("jährlich"),
    "IRREG": N_("unregelmäßig"),
    "CONT": N_("fortlaufend"),
    "UPDATE_CONT": N_("fortlaufend"),
    "AS_NEEDED": N_("bei Bedarf"),
    "NEVER": N_("nie"),
    "UNKNOWN": N_("unbekannt"),
}
VEHICLES: Mapping[str, str] = {
    "BICYCLE": N_("Fahrräder"),
    "CAR": N_("Kraftfahrzeuge"),
    "PEDESTRIAN": N_("Menschen zu Fuß"),
}
QUALITIES: Mapping[str, str] = {
    "RAW": N_("ungeprüft"),
    "CHECKED": N_("geprüft"),
    "ESTIMATED": N_("geschätzt"),
    "SUSPECT": N_("zweifelhaft"),
    "MISSING": N_("ohne Wert"),
}
LANGUAGES: Mapping[str, str] = {"DEU": N_("Deutsch"), "ENG": N_("Englisch"), "FRA": N_("Französisch")}
ORDERS: Mapping[str, str] = {
    "RELEVANCE": N_("Beste Treffer zuerst"),
    "TITLE_ASC": N_("Titel, A bis Z"),
    "MODIFIED_DESC": N_("Zuletzt geändert zuerst"),
}
