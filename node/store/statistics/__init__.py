"""Series and aggregates: buckets of the calendar (pure), and the statements that fill them.

`aggregate` and `series` compile; `frame` reads the buckets from the arguments; `cells` counts what lies in each;
`overlaps` sees to it that nothing counts twice; `measures` says which statistics are asked for.
"""
