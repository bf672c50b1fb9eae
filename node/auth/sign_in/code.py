"""What an authorization code stands for."""

from __future__ import annotations

import msgspec


class SpentCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left of a code that was used: the `jti` of the token that it was used for."""

    token_id: str


class IssuedCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for. `person` is a pseudonym, `thumbprint` that of the key that must ask for the token."""

    client_id: str
    redirect_uri: str
    scope: str
    purpose: str
    code_challenge: str
    person: str
    thumbprint: str | None = None
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """The redirect URI that it was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was asked for."""
        return self.scope
