"""The node's faces: portal, explorer and desks.

A page is a stored operation and a template: it asks the gate through the same executor as /graphql, and knows no other
road to data. What goes to a browser is in `assets/`, built by `make assets` into `static/`.
"""
