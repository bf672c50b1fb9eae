"""Importers: DCAT-AP catalogs and counter CSVs, into the city's own tables.

What cannot be read is quarantined with its reason; the run goes on and reports.
"""
