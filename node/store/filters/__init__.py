"""Filters of the API as SQL conditions, a module for each kind of row.

A condition depends on which arguments are given, never on their values: those are bound for each request. `{t}` is the
alias of the row that is filtered, `{p}` that of its parent in `node.store.lists`.
"""

from node.store.filters.conditions import condition, conditions

__all__ = ["condition", "conditions"]
