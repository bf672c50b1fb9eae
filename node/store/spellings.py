"""Did you mean: other spellings of a text that has no hit.

They come from the words of titles and keywords (`dataset_word`, kept by trigger) of datasets that the caller may see,
by trigrams in common; and each is tried with the rest of the filter, so whoever follows one finds something.
"""

from __future__ import annotations

from node.store.arguments import Builder, Values
from node.store.filters import condition
from node.store.filters.words import TEXTS
from node.store.sql import all_of


def spellings(arguments: Values, build: Builder) -> str:
    """A JSON array of texts, best first; `{t}` is an alias for the datasets that they are tried on."""
    values = {name: value for name, value in (arguments.get("filter") or {}).items() if value is not None}
    typed = next((name for name in TEXTS if name in values), None)
    if typed is None:
        return "'[]'"
    rest = [condition("Dataset", build, name, value) for name, value in values.items() if name not in TEXTS]
    hit = all_of(["granted({readable}, {t}.id)", *rest])
    found = "(select * from dataset where search @@ query offset 0)"  # by the index, not by what is readable
    return (
        "(select coalesce(json_agg(text order by n), '[]')::text from (select text, n"
        f" from search_spellings({build.text(f'filter.{typed}')}, {{readable}}) with ordinality as found (text, n)"
        " cross join lateral (select search_query(text) as query offset 0) asked"
        f" where (select count(*) from {found} {{t}} where {hit}) > 0 order by n) shown)"
    )
