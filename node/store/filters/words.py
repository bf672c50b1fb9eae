"""Full text: what the caller typed becomes a text-search query once per statement (functions of the migration)."""

from __future__ import annotations

from collections.abc import Mapping

from node.store.arguments import Builder

_QUERIES: Mapping[str, str] = {"text": "search_query", "textPrefix": "search_prefix_query"}
TEXTS = tuple(_QUERIES)


def typed_query(build: Builder, name: str) -> str:
    """The query as a sub-select that is evaluated once, however many rows it is compared with."""
    return f"(select {_QUERIES[name]}({build.text(f'filter.{name}')}))"


def exact_query(build: Builder, name: str) -> str:
    """As `typed_query`, for whole words only."""
    return f"(select search_exact({build.text(f'filter.{name}')}))"


def found_among(build: Builder, name: str, *sources: str) -> str:
    """Rows whose ids one of the sources gives; in these the query is called `typed`. Each can use its own index.

    `is true` keeps the ids a hash table. Joined, they would be compared one by one: how many hits there are, the
    planner can't know.
    """
    typed = f"(select {_QUERIES[name]}({build.text(f'filter.{name}')}) as typed)"
    found = " union all ".join(source.replace(" where ", ", query where ") for source in sources)
    return f"{{t}}.id in (with query as materialized {typed} {found}) is true"
