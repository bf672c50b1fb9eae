"""Who asks: the node's OAuth authorization server, its applications and keys, and the check of tokens.

Authlib's core is synchronous and does only arithmetic here: what it needs is fetched before, and what it
decides is committed afterwards.
"""
