"""Who the members are, after OpenID Federation 1.0: what anchors and nodes state, and what follows from it.

`statements` and `membership` are pure; `keeper` fetches. The profile is written down in docs/membership.md.
"""
