"""The demo: four synthetic cities on one machine, and a showcase that checks itself.

Nothing here is used by a real node.
"""
