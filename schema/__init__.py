"""What the API says: GraphQL types, the selection tree, cursors, limits, and the committed SDL.

Knows no database and no network. The ports that a node fills are in `schema.ports`.
"""
