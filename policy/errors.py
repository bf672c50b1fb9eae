"""What can be wrong with a policy."""

from __future__ import annotations


class PolicyError(Exception):
    """A policy text can't be used; the message names the file, the line or the rule, and the reason."""
