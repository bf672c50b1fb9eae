"""Alembic migrations: forward only, dated file names, with lock and statement time-outs.

They import nothing of the application, so that an old migration keeps meaning what it meant.
"""
