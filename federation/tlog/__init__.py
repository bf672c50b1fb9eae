"""Transparency logs as they are written down elsewhere: the tree of RFC 9162, C2SP's notes, checkpoints, witnesses.

Pure: bytes in, bytes out. What an entry contains, and where a tree is kept, is not known here.
"""
