"""The city's catalog for harvesters: DCAT-AP.de 3.0 in Turtle, JSON-LD and RDF/XML, with ODRL policies.

A client of the gate like every page: what the caller may not see is not in it.
"""
