"""Routes: GraphQL, OAuth and its metadata, health.

Requests come in here and answers leave here; nothing in this folder reads data by itself.
"""
