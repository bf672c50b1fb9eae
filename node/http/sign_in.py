"""/oauth/authorize and /oauth/callback: where browsers come by when somebody signs in."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from node.auth.metadata import AUTHORIZE_PATH, CALLBACK_PATH
from node.auth.sign_in.request import UntrustedRequest
from node.auth.sign_in.service import SignIns
from node.auth.sign_in.trip import SIGN_IN_S, Redirect
from node.http.problem import problem

MAX_QUERY_BYTES = 8_192
MAX_PARAMETERS = 20
NO_STORE = {"Cache-Control": "no-store"}


def sign_in_routes(sign_ins: SignIns, *, is_encrypted: bool) -> list[HTTPRouteHandler]:
    """The handlers. Only over an encrypted connection can the cookie be kept from everybody else."""
    name = "__Host-verbund-sign-in" if is_encrypted else "verbund-sign-in"
    attributes = f"; Path=/; HttpOnly; SameSite=Lax{'; Secure' if is_encrypted else ''}"

    @get(AUTHORIZE_PATH, include_in_schema=False)
    async def authorize(request: Request[Any, Any, Any]) -> Response[Any]:
        try:
            return _sent(await sign_ins.begin(parameters_of(request)))
        except UntrustedRequest as error:
            return problem(400, error.reason)

    @get(CALLBACK_PATH, include_in_schema=False)
    async def callback(request: Request[Any, Any, Any]) -> Response[Any]:
        try:
            return _sent(await sign_ins.finish(parameters_of(request), _cookie(request, name)), is_over=True)
        except UntrustedRequest as error:
            return problem(400, error.reason)

    def _sent(redirect: Redirect, *, is_over: bool = False) -> Response[bytes]:
        headers = {**NO_STORE, "Location": redirect.url}
        if redirect.cookie is not None:
            headers["Set-Cookie"] = f"{name}={redirect.cookie}; Max-Age={SIGN_IN_S}{attributes}"
        elif is_over:
            headers["Set-Cookie"] = f"{name}=; Max-Age=0{attributes}"
        return Response(b"", status_code=303, headers=headers, media_type="text/plain")

    return [authorize, callback]


def parameters_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The parameters of the URL, each with one value (RFC 6749 §3.1). Raises UntrustedRequest."""
    query = request.scope["query_string"]
    bounds = f"the URL may have {MAX_QUERY_BYTES} bytes and {MAX_PARAMETERS} parameters"
    if len(query) > MAX_QUERY_BYTES:
        raise UntrustedRequest(bounds)
    try:
        pairs = parse_qsl(query.decode("ascii"), max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise UntrustedRequest(bounds) from None
    found = dict(pairs)
    if len(found) < len(pairs) or not all(value.isprintable() for value in found.values()):
        raise UntrustedRequest("a parameter of the URL is given twice, or holds control characters")
    return found


def _cookie(request: Request[Any, Any, Any], name: str) -> str | None:
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if morsel is None else morsel.value
