"""Compile the facets of the catalog: counts of datasets by theme, tier, publisher …, each without its own filter.

The datasets that any facet may count are read once, with a flag for each facet's own filter; a facet counts those that
all flags but its own leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.store.draft import EPOCH, Draft
from node.store.filters import condition
from node.store.parameters import Inputs, Statement, locate
from node.store.reach import denied, named_keys
from node.store.sql import all_of, json_array, json_object, json_text, literal, selected
from schema.errors import BadInput
from schema.selection import TYPENAME, Field

VALUES = 1_000
LENGTH = 500  # of a value, in characters; nothing that people choose from is longer
_THEMES = {
    "AGRI": "Landwirtschaft, Fischerei, Forstwirtschaft und Nahrungsmittel",
    "ECON": "Wirtschaft und Finanzen",
    "EDUC": "Bildung, Kultur und Sport",
    "ENER": "Energie",
    "ENVI": "Umwelt",
    "GOVE": "Regierung und öffentlicher Sektor",
    "HEAL": "Gesundheit",
    "INTR": "Internationale Themen",
    "JUST": "Justiz, Rechtssystem und öffentliche Sicherheit",
    "REGI": "Regionen und Städte",
    "SOCI": "Bevölkerung und Gesellschaft",
    "TECH": "Wissenschaft und Technologie",
    "TRAN": "Verkehr",
}
_TIERS = {"OPEN": "offen", "SHARED": "geteilt", "INTERNAL": "intern", "PROTECTED": "geschützt"}


@dataclass(frozen=True, slots=True)
class _Facet:
    """Where a facet's values come from: `d` are the datasets; each value at most once for each dataset."""

    source: str
    value: str
    label: str = "value"


def _named(labels: Mapping[str, str]) -> str:
    cases = " ".join(f"when {literal(value)} then {literal(label)}" for value, label in labels.items())
    return f"case value {cases} else value end"


_DISTRIBUTED = (
    "cross join lateral (select distinct {column} as value from distribution i {join} where i.dataset_id = d.id) v"
)
FACETS: Mapping[str, _Facet] = {
    "cities": _Facet("", "{city}"),
    "themes": _Facet("cross join lateral (select distinct unnest(d.themes) as value) v", "v.value", _named(_THEMES)),
    "tiers": _Facet("", "d.tier::text", _named(_TIERS)),
    "publishers": _Facet("join publisher p on p.id = d.publisher_id", "p.name"),
    "licences": _Facet(
        _DISTRIBUTED.format(column="l.key", join="join licence l on l.id = i.licence_id"),
        "v.value",
        "(select title from licence where key = value)",
    ),
    "formats": _Facet(_DISTRIBUTED.format(column="i.format", join=""), "v.value"),
    "languages": _Facet("cross join lateral (select distinct unnest(d.languages) as value) v", "v.value"),
    "accrualPeriodicities": _Facet("", "d.accrual_periodicity"),
    "keywords": _Facet("cross join lateral (select distinct unnest(d.keywords) as value) v", "v.value"),
}


def compile_facets(draft: Draft) -> Statement:
    """The statement of `datasetFacets`; columns as `node.store.results` says.

    Rows are the datasets that the whole filter leaves. Touched are those that are counted anywhere and not open: a page
    of a catalog counts thousands of open datasets, and a record with their names would say nothing.
    """
    root, build = draft.root, draft.arguments_of(draft.root)
    values = {name: value for name, value in (root.arguments.get("filter") or {}).items() if value is not None}
    found = {name: condition("Dataset", build, name, value) for name, value in values.items()}
    own = {name: found.pop(name) for name in FACETS if name in found}
    flags = "".join(f", {draft.fill(text, 'd')} as only_{name.lower()}" for name, text in own.items())
    where = all_of([draft.fill(text, "d") for text in ("granted({readable}, {t}.id)", *found.values())])
    members = []
    for index, child in enumerate(root.children):
        if child.name in FACETS:
            others = [f"d.only_{name.lower()}" for name in own if name != child.name]
            members.append((child, _facet(child, index, others, draft)))
        elif child.name == "total":
            members.append((child, "(select count(*) from matching)::text"))
        elif child.name == TYPENAME:
            members.append((child, literal(f'"{root.type_name}"')))
    columns = [
        json_object((child.key, value) for child, value in members),
        "(select count(*) from matching)",
        "(select array_agg(id) from counted where tier <> 'OPEN')",
        denied("Dataset", named_keys("Dataset", draft), draft),
        EPOCH,
    ]
    sql = (
        "with counted as materialized (select d.id, d.key, d.tier, d.themes, d.keywords, d.languages, d.publisher_id,"
        f" d.accrual_periodicity{flags} from dataset d where {where}),"
        f" matching as (select * from counted d where {all_of([f'd.only_{name.lower()}' for name in own])})"
        f" select {', '.join(columns)}"
    )
    return draft.parameters.statement(sql)


def _facet(child: Field, index: int, others: list[str], draft: Draft) -> str:
    facet = FACETS[child.name]

    def most(inputs: Inputs) -> int:
        first = locate(inputs.root, (index,)).arguments.get("first", VALUES)
        if not 0 <= first <= VALUES:
            raise BadInput(f"{child.name}: first {first} is not between 0 and {VALUES}", hint="ask for fewer values")
        return int(first)

    limit = draft.parameters.add(most, "int")
    value = draft.fill(facet.value, "d")
    counts = (
        f'select value collate "C" as value, count(*) as count from (select {value} as value from counted d'
        f" {facet.source} where {all_of(others)}) one where length(value) <= {LENGTH} group by 1"
    )
    cells = {"value": json_text("value"), "label": json_text(facet.label), "count": "count::text"}
    cells[TYPENAME] = literal(f'"{child.type_name}"')
    row = json_object((part.key, cells[part.name]) for part in child.children)
    shown = f"(select value, count from ({counts}) all_ order by count desc, value limit {limit}) shown"
    return selected(json_array(row), shown)
