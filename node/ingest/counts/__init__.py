"""Counter CSVs: mapping → header → rows → observations.

Files are parsed in one thread while the database works on the batch before; each file is one transaction.
"""
