"""Mutation testing of the rules: see `__main__`."""
