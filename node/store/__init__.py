"""The city's own data in PostgreSQL: tables, connections, and the compiler from selection tree to SQL.

Only the gate may use `node.store.reader`.
"""
