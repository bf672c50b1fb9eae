"""A request to the token endpoint, apart from any web framework: the form, and what was fetched for it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError

from federation.proofs import Proof
from node.auth.clients import OAuthClient
from node.auth.oauth_errors import shown
from node.auth.sign_in.code import IssuedCode
from node.auth.single_use import SingleUse

if TYPE_CHECKING:
    from node.auth.token_check import Verified

MAX_FIELDS = 20
ENDPOINT = "https://node/oauth/token"  # whether the way here is encrypted is settled by the issuer in the settings


class Form(OAuth2Payload):  # type: ignore[misc]  # Authlib has no types
    """The parameters, each with one value."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @property
    def data(self) -> dict[str, str]:
        """Name to value."""
        return self._values

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """Name to values, as Authlib asks for it."""
        return defaultdict(list, {name: [value] for name, value in self._values.items()})


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """What the synchronous core works on; it leaves behind what has to be committed in `spent`."""

    def __init__(self, form: dict[str, str], client: OAuthClient | None, proof: Proof | None = None) -> None:
        super().__init__("POST", ENDPOINT)
        self.payload = Form(form)
        self.fetched_client = client
        self.proof = proof
        self.spent: list[SingleUse] = []
        self.purpose: str | None = None
        self.foreign_subject: str | None = None
        self.fetched_code: IssuedCode | None = None
        self.ended: Verified | None = None
        self.is_revoked = False

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        return self.payload.data

    @property
    def confirmation(self) -> dict[str, dict[str, str]]:
        """The claim that binds a token to the key of the proof (RFC 9449 §6.1)."""
        return {} if self.proof is None else {"cnf": {"jkt": self.proof.thumbprint}}

    @property
    def args(self) -> dict[str, str]:
        """Parameters in the URL count for nothing (RFC 6749 §3.2)."""
        return {}


def read_form(body: bytes) -> dict[str, str]:
    """The parameters of a form body; empty ones count as left out (RFC 6749 §3.2).

    Raises:
        InvalidRequestError: not a form, a parameter twice, too many, or characters beyond printable ASCII.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise InvalidRequestError(f"the body must be a form of at most {MAX_FIELDS} parameters in UTF-8") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise InvalidRequestError(f"the parameter {shown(name)} is given more than once")
        if not (name + value).isascii() or not (name + value).isprintable():
            raise InvalidRequestError(f"the parameter {shown(name)} holds characters beyond printable ASCII")
        form[name] = value
    return {name: value for name, value in form.items() if value}
