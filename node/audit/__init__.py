"""Access records: what one contains, how it is appended, and how auditors list it.

A record is committed before the bytes that it speaks of may leave.
"""
