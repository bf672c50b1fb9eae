"""DCAT-AP(.de) catalogs: RDF file → graph → records and flaws → database.

Parsing opens no socket. Nothing here decides who may see a dataset: what is new is INTERNAL.
"""
