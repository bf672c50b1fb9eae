"""The only wiring: settings in, ASGI application out.

Each module makes one part of a node from those that are made before it, and says what it is made of; `application` puts
the parts together, `lifespan` has the order in which they are opened.
"""

from node.app.application import create_app

__all__ = ["create_app"]
