"""The city's own data in PostgreSQL: tables, connections, and the compiler from selection tree to SQL.

Who compiles writes on a `draft`: `rows` and `start` say which rows of a connection it reads, `objects` walks what is
selected of them. `compiler` has the statements of lists and single objects, `results` those of all else.

Only the gate may use `node.store.reader`.
"""
