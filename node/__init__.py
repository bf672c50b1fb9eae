"""One city's node: HTTP in front, the gate behind it, and the stores that only the gate may read.

`app` is the only wiring, `settings` the only reader of the environment.
"""
