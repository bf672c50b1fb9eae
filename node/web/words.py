"""What codes are called: German, marked for translation."""

from __future__ import annotations

from collections.abc import Mapping

from policy.obligations import FIELDS


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

PERSONAL: Mapping[str, str] = {
    "NONE": N_("kein Personenbezug"),
    "INDIRECT": N_("mittelbar"),
    "DIRECT": N_("unmittelbar"),
}
NEEDS: Mapping[str, str] = {"NORMAL": N_("normal"), "HIGH": N_("hoch"), "VERY_HIGH": N_("sehr hoch")}
CONSENTS: Mapping[str, str] = {
    "NOT_NEEDED": N_("nicht nötig"),
    "NEEDED": N_("nötig, liegt nicht vor"),
    "GIVEN": N_("liegt vor"),
}
# what a steward says about a dataset, in the order in which it is read
ASSESSED: Mapping[str, str] = {
    "tier": N_("Stufe"),
    "reason": N_("Begründung"),
    "personalReference": N_("Personenbezug"),
    "anonymisation": N_("Anonymisierung"),
    "confidentiality": N_("Vertraulichkeit"),
    "integrity": N_("Integrität"),
    "availability": N_("Verfügbarkeit"),
    "legalBasis": N_("Rechtsgrundlage"),
    "consent": N_("Zustimmung der Fachaufsicht"),
    "consentReference": N_("Fundstelle der Zustimmung"),
    "purposes": N_("Zwecke"),
    "licence": N_("Lizenz"),
    "hvdCategory": N_("Hochwertiger Datensatz"),
    "referenceClass": N_("Klasse im Musterdatenkatalog"),
    "obligations": N_("Auflagen für alle anderen Städte"),
    "openObligations": N_("Auflagen ohne Vereinbarung"),
    "dataOwner": N_("Zuständiges Amt"),
    "dataSteward": N_("Datenpflege"),
    "reviewDue": N_("Nächste Prüfung"),
    "retention": N_("Aufbewahrung"),
    "completeness": N_("Vollständigkeit"),
    "timeliness": N_("Aktualität"),
    "plausibility": N_("Plausibilität"),
}
DECISIONS: Mapping[str, tuple[str, str]] = {
    "PERMIT": (N_("erlaubt"), "success"),
    "DENY": (N_("abgelehnt"), "danger"),
    "NONE": (N_("nicht hier entschieden"), "info"),
}
RECORD_STATES: Mapping[str, str] = {
    "OK": N_("beantwortet"),
    "PARTIAL": N_("teilweise beantwortet"),
    "DENIED": N_("abgelehnt"),
    "TIMEOUT": N_("nicht rechtzeitig"),
    "UNREACHABLE": N_("nicht erreichbar"),
    "INCOMPATIBLE": N_("unverständlich"),
    "SKIPPED": N_("nicht gefragt"),
    "NOT_FOUND": N_("als nicht gefunden beantwortet"),
    "REFUSED": N_("abgewiesen"),
}
DIFFERENCES: Mapping[str, str] = {
    "ASK_WITHOUT_ANSWER": N_("gefragt, und dort steht nichts davon"),
    "ANSWER_WITHOUT_ASK": N_("dort beantwortet, und hier steht nichts davon"),
    "DISAGREEMENT": N_("beide Protokolle sagen Verschiedenes"),
}
TASKS: Mapping[str, tuple[str, str]] = {
    "todo": (N_("Zu tun"), "checklist"),
    "UNASSESSED": (N_("unbewertet"), "help"),
    "UNSIGNED": (N_("wartet auf Freigabe"), "edit"),
    "OVERDUE": (N_("Prüfung überfällig"), "warning"),
    "CHANGED": (N_("seit der Bewertung geändert"), "autorenew"),
    "all": (N_("Alle Datensätze"), "dehaze"),
}
AGREEMENTS: Mapping[str, tuple[str, str]] = {
    "offered": (N_("angeboten"), "mail"),
    "not yet": (N_("gilt noch nicht"), "calendar-today"),
    "in force": (N_("gilt"), "success"),
    "replaced": (N_("ersetzt"), "info"),
    "ended": (N_("abgelaufen"), "info"),
    "revoked": (N_("widerrufen"), "danger"),
}
WRONG: Mapping[str, str] = {
    "EMPTY": N_("Bitte füllen Sie das aus."),
    "TOO_LONG": N_("Das ist zu lang: höchstens 2000 Zeichen."),
    "UNKNOWN": N_("Das gibt es hier nicht."),
    "FORM": N_("Das ist nicht lesbar. Der Hinweis sagt, wie es aussehen soll."),
    "TAKEN": N_("Das ist schon vergeben. Was angeboten ist, wird nicht geändert: wählen Sie die nächste Fassung."),
    "NOT_AFTER": N_("Das Ende muss nach dem Anfang liegen."),
    "OWN_CITY": N_("Die eigene Stadt braucht keine Vereinbarung."),
    "NOT_WITH_TIER": N_("Das passt nicht zur gewählten Stufe."),
    "CONSENT_MISSING": N_("Ohne die nötige Zustimmung können die Daten nicht offen oder geteilt sein."),
    "REVIEW_MISSING": N_("Offene und geteilte Daten brauchen einen Tag nach heute und innerhalb von drei Jahren."),
    "MINIMUM_COUNT_MISSING": N_("Bei mittelbarem Personenbezug ist eine Mindestanzahl nötig."),
    "SAME_PERSON": N_("Sie haben diese Bewertung geschrieben; eine zweite Person gibt sie frei."),
    "NOT_NEWEST": N_("Inzwischen gibt es eine neuere Fassung. Lesen Sie diese."),
    "DONE_ALREADY": N_("Das ist schon geschehen."),
    "CHANGED_SINCE": N_("Der Datensatz hat sich seit der Bewertung geändert. Er muss neu bewertet werden."),
}
_LEFT_OUT: Mapping[str, str] = {
    "Dataset.contactPoint": N_("Ansprechstelle des Datensatzes"),
    "Dataset.distributions": N_("Dateien des Datensatzes"),
    "Datastream.description": N_("Beschreibung der Messreihen"),
    "Datastream.direction": N_("Richtung der Messreihen"),
    "Datastream.vehicleClass": N_("Fahrzeugart der Messreihen"),
    "Thing.description": N_("Beschreibung der Messstellen"),
    "Thing.location": N_("Ort der Messstellen"),
}
LEFT_OUT: Mapping[str, str] = {name: _LEFT_OUT.get(name, name) for name in sorted(FIELDS)}
OBLIGATIONS: Mapping[str, str] = {
    "minimum-count": N_("Mindestanzahl %(value)s"),
    "time": N_("Zeitschritt %(value)s"),
    "delay": N_("Verzug %(value)s s"),
    "place": N_("Ortsraster %(value)s m"),
    "round": N_("gerundet auf %(value)s"),
    "rows": N_("höchstens %(value)s Zeilen"),
    "without": N_("ohne %(value)s"),
}
