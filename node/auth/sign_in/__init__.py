"""People sign in: authorization code flow (RFC 6749 §4.1) with PKCE, through the city's own identity provider.

The node is authorization server to the application and relying party (OpenID Connect) to the provider. It learns who
somebody is, keeps it to itself, and gives the application's requests a pseudonym. Other cities never learn of people.
"""
