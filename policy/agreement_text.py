"""An agreement as people read it, in German and English, and as machines do (ODRL 2.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy.obligations import UNLIMITED, Obligations, read_obligations
from policy.vocabulary import PURPOSES

LANGUAGES = ("de", "en")
_WORDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "title": "Vereinbarung {id}, Fassung {version}",
        "parties": "{owner} erlaubt {member}, Daten zu nutzen.",
        "datasets": "Datensätze: {}.",
        "themes": "Alle Datensätze der Themen: {}.",
        "keywords": "Alle Datensätze mit den Schlagwörtern: {}.",
        "applications": "Nur diese Anwendungen: {}.",
        "all": "Alle Anwendungen von {}.",
        "purposes": "Zwecke: {}.",
        "period": "Gültig ab {} bis vor {} (UTC). Beide Seiten können jederzeit mit sofortiger Wirkung widerrufen.",
        "none": "Die Daten werden unverändert gegeben.",
        "minimum_count": "Zählwerte von 1 bis {} werden verborgen, ebenso was auf sie schließen lässt.",
        "step": "Werte werden zu Schritten von {} zusammengefasst.",
        "delay": "Werte werden mit {} Sekunden Verzug gegeben.",
        "place": "Orte werden auf Quadrate von {} m vergröbert.",
        "rounding": "Werte werden auf Vielfache von {} gerundet.",
        "rows": "Eine Antwort hat höchstens {} Zeilen.",
        "without": "Weggelassen werden: {}.",
    },
    "en": {
        "title": "Agreement {id}, version {version}",
        "parties": "{owner} lets {member} use data.",
        "datasets": "Datasets: {}.",
        "themes": "All datasets of the themes: {}.",
        "keywords": "All datasets with the keywords: {}.",
        "applications": "These applications only: {}.",
        "all": "All applications of {}.",
        "purposes": "Purposes: {}.",
        "period": "In force from {} until before {} (UTC). Either side may revoke it at any time, at once.",
        "none": "The data is given as it is.",
        "minimum_count": "Counts of 1 to {} are hidden, and so is what would give them back.",
        "step": "Values are put together in steps of {}.",
        "delay": "Values are given {} seconds late.",
        "place": "Places are coarsened to squares of {} m.",
        "rounding": "Values are rounded to multiples of {}.",
        "rows": "An answer has at most {} rows.",
        "without": "Left out: {}.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """All that is agreed on."""

    id: str
    version: int
    owner: str
    member: str
    datasets: Sequence[str]
    themes: Sequence[str]
    keywords: Sequence[str]
    applications: Sequence[str]
    purposes: Sequence[str]
    valid_from: datetime
    valid_until: datetime
    obligations: Sequence[str]


def readable(one: Written, language: str) -> str:
    """The agreement as text, a sentence a line. `language`: de or en."""
    words = _WORDS[language]
    lines = [words["title"].format(id=one.id, version=one.version)]
    lines.append(words["parties"].format(owner=one.owner, member=one.member))
    data = {"datasets": one.datasets, "themes": one.themes, "keywords": one.keywords}
    lines += [words[name].format(", ".join(found)) for name, found in data.items() if found]
    lines.append(
        words["applications"].format(", ".join(one.applications))
        if one.applications
        else words["all"].format(one.member)
    )
    lines.append(words["purposes"].format("; ".join(purpose_text(name, language) for name in one.purposes)))
    lines.append(words["period"].format(f"{one.valid_from:%Y-%m-%d %H:%M}", f"{one.valid_until:%Y-%m-%d %H:%M}"))
    return "\n".join([*lines, *_obliged(read_obligations(one.obligations), words)])


def purpose_text(name: str, language: str) -> str:
    """What a purpose is called. The vocabulary has English text with the German word in brackets."""
    english, _, german = PURPOSES.get(name, name).partition(" (")
    return german.rstrip(")") if language == "de" and german else english


def _obliged(terms: Obligations, words: Mapping[str, str]) -> list[str]:
    found = []
    if terms.minimum_count:
        found.append(words["minimum_count"].format(terms.minimum_count - 1))
    if terms.step_s:
        found.append(words["step"].format(next(t for t in terms.texts() if t.startswith("time="))[5:]))
    if terms.delay_s:
        found.append(words["delay"].format(terms.delay_s))
    if terms.place_m:
        found.append(words["place"].format(terms.place_m))
    if terms.rounding:
        found.append(words["rounding"].format(terms.rounding))
    if terms.rows < UNLIMITED:
        found.append(words["rows"].format(terms.rows))
    if terms.without:
        found.append(words["without"].format(", ".join(sorted(terms.without))))
    return found or [words["none"]]


def odrl(one: Written, issuers: Mapping[str, str]) -> dict[str, Any]:
    """The agreement in JSON-LD, as an ODRL Agreement (ODRL Information Model 2.2). `issuers`: URLs of cities by id."""
    owner, member = (issuers.get(city, f"urn:verbund:city:{city}") for city in (one.owner, one.member))
    targets = [f"{one.owner}:dataset:{key}" for key in one.datasets]
    collections = [{"dcat:theme": list(one.themes)}] if one.themes else []
    collections += [{"dcat:keyword": list(one.keywords)}] if one.keywords else []
    constraints: list[dict[str, Any]] = [
        _constraint("purpose", "isAnyOf", [f"urn:verbund:purpose:{name}" for name in one.purposes]),
        _constraint("dateTime", "gteq", {"@value": one.valid_from.isoformat(), "@type": "xsd:dateTime"}),
        _constraint("dateTime", "lt", {"@value": one.valid_until.isoformat(), "@type": "xsd:dateTime"}),
    ]
    if one.applications:
        constraints.append(_constraint("recipient", "isAnyOf", list(one.applications)))
    return {
        "@context": [
            "http://www.w3.org/ns/odrl.jsonld",
            {
                "dcat": "http://www.w3.org/ns/dcat#",
                "verbund": "urn:verbund:",
                "xsd": "http://www.w3.org/2001/XMLSchema#",
            },
        ],
        "@type": "Agreement",
        "uid": f"urn:verbund:agreement:{one.owner}:{one.id}:{one.version}",
        "assigner": owner,
        "assignee": member,
        "permission": [
            {
                "target": [*targets, *({"@type": "AssetCollection", **kind} for kind in collections)],
                "action": "use",
                "constraint": constraints,
                "duty": [
                    {"action": f"verbund:{text.partition('=')[0]}", "verbund:value": text.partition("=")[2]}
                    for text in read_obligations(one.obligations).texts()
                ],
            }
        ],
    }


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}
