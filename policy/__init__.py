"""May this caller see this? Tiers, purposes, agreements, and the decision with its reasons.

Pure: no file other than the shipped Cedar sources is read, nothing is written, no clock is asked.
Imports nothing else of Verbund.
"""
