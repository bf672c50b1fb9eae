"""People sign in, with an identity provider whose answers the tests choose; what is not its own is not believed."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from federation.addresses import everywhere
from federation.jose import public_jwks, sign
from federation.proofs import ProofKey
from federation.transport import PeerTransport
from node.auth.applications import ApplicationStatus, add_application, set_status
from node.auth.sign_in.pkce import challenge_of, new_verifier
from node.auth.sign_in.provider import IdentityProvider
from node.auth.sign_in.request import UntrustedRequest
from node.auth.sign_in.service import Redirect, SignIns
from node.auth.token_check import InvalidToken
from node.auth.token_client import Access
from node.store.engine import make_engine
from tests.integration.auth.nodes import Node, running_node
from tests.unit.node.auth.world import App, assertion, membership_of, new_key

BACK = "https://portal.example/zurueck"
PORTAL = App("portal", purposes=("statistics",), scopes=("data:read",))
OTHER = App("anderes", purposes=("statistics",), scopes=("data:read",))


class Provider:
    """An OpenID provider. `claims` and `token` change what it says of whoever signs in."""

    def __init__(self) -> None:
        self.key = new_key()
        self.issuer = ""
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: Any = None
        self.status = 200
        self.forms: list[dict[str, list[str]]] = []
        self.nonce = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.serve_metadata)
        app.router.add_get("/keys", self.serve_keys)
        app.router.add_post("/token", self.serve_token)
        return app

    async def serve_metadata(self, _request: web.Request) -> web.Response:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return web.json_response(found | self.metadata)

    async def serve_keys(self, _request: web.Request) -> web.Response:
        rsa = {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa", "alg": "RS256"}
        return web.json_response({"keys": [rsa, *public_jwks(self.key)["keys"]]})

    async def serve_token(self, request: web.Request) -> web.Response:
        self.forms.append(parse_qs((await request.read()).decode()))
        token = self.token(self.said()) if self.token else sign(self.said(), self.key, "JWT")
        return web.json_response({"id_token": token, "access_token": "x", "token_type": "Bearer"}, status=self.status)

    def said(self) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "verbund", "sub": "ada", "iat": now, "exp": now + 60, "nonce": self.nonce}
        return {name: value for name, value in (claims | self.claims).items() if value is not None}


class Scene:
    """A node, its provider, and a browser."""

    def __init__(self, node: Node, provider: Provider, sign_ins: SignIns) -> None:
        self.node = node
        self.provider = provider
        self.sign_ins = sign_ins
        self.verifier = new_verifier()

    async def begin(self, **over: str) -> tuple[dict[str, str], str]:
        """The parameters with which the node sends the browser to the provider, and the cookie."""
        return await self.began(self.asked() | over)

    def asked(self, app: App = PORTAL) -> dict[str, str]:
        """What an application asks for."""
        return {
            "response_type": "code",
            "client_id": app.id,
            "redirect_uri": BACK,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": "portal's own",
        }

    async def began(self, parameters: dict[str, str]) -> tuple[dict[str, str], str]:
        """As `begin`, with these parameters."""
        sent = await self.sign_ins.begin(parameters)
        assert sent.url.startswith(f"{self.provider.issuer}/auth?"), sent.url
        assert sent.cookie
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}
        self.provider.nonce = parameters["nonce"]
        return parameters, sent.cookie

    async def finish(self, **over: Any) -> dict[str, str]:
        """A whole sign-in; the answer to the application."""
        parameters, cookie = await self.begin()
        return answer(await self.sign_ins.finish({"code": "c", "state": parameters["state"], **over}, cookie))

    async def token(
        self, code: str, app: App = PORTAL, key: ProofKey | None = None, **over: str
    ) -> tuple[int, Any, Access]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(app.id, app.key, self.node.city.issuer),
        }
        key = key or ProofKey.new()
        proof = key.proof("POST", self.node.city.identity.token_endpoint, int(time.time()))
        reply = await self.node.service.token(urlencode(form | over).encode(), [proof])
        return reply.status, reply.body, Access(reply.body.get("access_token", ""), key, reply.headers["DPoP-Nonce"])


def answer(sent: Redirect) -> dict[str, str]:
    assert sent.url.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    engine = make_engine(database_url)
    for app in (PORTAL, OTHER):
        add_application(engine, replace(app.registration, redirect_uris=(BACK,)))
    engine.dispose()
    provider = Provider()
    runner = web.AppRunner(provider.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with running_node("wetzlar", database_url) as node, PeerTransport(allows=everywhere) as transport:
        node.members.append(membership_of(node.city))
        callback = f"{node.city.issuer}/oauth/callback"
        known = IdentityProvider(provider.issuer, "verbund", callback, transport, lambda: node.city.key)
        yield Scene(node, provider, SignIns(node.city.identity, known, node.pool, node.uses))
    await runner.cleanup()


async def test_somebody_signs_in_and_the_application_acts_for_them(scene: Scene) -> None:
    told = await scene.finish()
    assert (told["state"], told["iss"]) == ("portal's own", scene.node.city.issuer)
    status, _, access = await scene.token(told["code"])
    assert status == 200
    caller = await scene.node.caller(access.headers("POST", scene.node.city.identity.graphql_url))
    assert (caller.application, caller.city, caller.purpose) == (PORTAL.id, "wetzlar", "statistics")
    assert caller.subject is not None
    assert caller.subject.startswith("person-")
    assert "ada" not in caller.subject
    (form,) = scene.provider.forms
    assert challenge_of(form["code_verifier"][0]) != challenge_of(scene.verifier), "the node's own, not the portal's"


async def test_a_code_counts_once_and_its_token_ends_if_it_comes_again(scene: Scene) -> None:
    code = (await scene.finish())["code"]
    _, _, access = await scene.token(code)
    url = scene.node.city.identity.graphql_url
    assert await scene.node.caller(access.headers("POST", url))
    status, body, _ = await scene.token(code)
    assert (status, body["error"]) == (400, "invalid_grant")
    with pytest.raises(InvalidToken, match="revoked"):
        await scene.node.caller(access.headers("POST", url))


async def test_only_its_own_client_can_end_a_codes_token(scene: Scene) -> None:
    code = (await scene.finish())["code"]
    _, _, access = await scene.token(code)
    status, body, _ = await scene.token(code, replace(PORTAL, key=OTHER.key))
    assert (status, body["error"]) == (400, "invalid_client")
    assert await scene.node.caller(access.headers("POST", scene.node.city.identity.graphql_url))


@pytest.mark.parametrize(
    "over", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": "https://evil.example/"}]
)
async def test_a_code_in_the_wrong_hands(scene: Scene, over: dict[str, str]) -> None:
    code = (await scene.finish())["code"]
    status, body, _ = await scene.token(code, **over)
    assert (status, body["error"] in {"invalid_grant", "invalid_request"}) == (400, True)
    assert (await scene.token(code))[0] == 200, "a refused attempt does not use it up"


async def test_a_code_of_another_application(scene: Scene) -> None:
    status, body, _ = await scene.token((await scene.finish())["code"], OTHER)
    assert (status, body["error"]) == (400, "invalid_grant")


async def test_a_code_that_is_bound_to_a_key(scene: Scene) -> None:
    key = ProofKey.new()
    parameters, cookie = await scene.begin(dpop_jkt=key.thumbprint)
    code = answer(await scene.sign_ins.finish({"code": "c", "state": parameters["state"]}, cookie))["code"]
    assert (await scene.token(code))[1]["error"] == "invalid_grant"
    assert (await scene.token(code, key=key))[0] == 200


class TestPushed:
    """RFC 9126: the application gives its request to the node itself; browsers carry a name for it, for a minute, once."""

    async def push(self, scene: Scene, app: App = PORTAL, **over: str | None) -> tuple[int, Any]:
        form = {
            **scene.asked(app),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(app.id, app.key, scene.node.city.issuer),
            **over,
        }
        sent = urlencode({name: value for name, value in form.items() if value is not None})
        reply = await scene.node.service.push(sent.encode())
        assert reply.headers["Cache-Control"] == "no-store"
        return reply.status, reply.body

    async def test_it_is_named_and_nothing_beside_it_counts(self, scene: Scene) -> None:
        status, told = await self.push(scene)
        assert (status, told["expires_in"]) == (201, 60)
        named = {"client_id": PORTAL.id, "request_uri": told["request_uri"]}
        beside = {"redirect_uri": "https://evil.example/", "scope": "admin", "code_challenge": "x", "state": "another"}
        parameters, cookie = await scene.began(named | beside)
        back = answer(await scene.sign_ins.finish({"code": "c", "state": parameters["state"]}, cookie))
        assert back["state"] == "portal's own"
        assert (await scene.token(back["code"]))[0] == 200
        with pytest.raises(UntrustedRequest, match="used before"):
            await scene.sign_ins.begin(named)

    async def test_it_is_the_applications_own(self, scene: Scene) -> None:
        _, told = await self.push(scene)
        with pytest.raises(UntrustedRequest, match="another application's"):
            await scene.sign_ins.begin({"client_id": OTHER.id, "request_uri": told["request_uri"]})

    @pytest.mark.parametrize(
        "uri", ["", "x", "urn:ietf:params:oauth:request_uri:x", "https://evil.example/r", "\udc80"]
    )
    async def test_one_that_was_never_pushed(self, scene: Scene, uri: str) -> None:
        with pytest.raises(UntrustedRequest, match="unknown"):
            await scene.sign_ins.begin({"client_id": PORTAL.id, "request_uri": uri})

    async def test_a_suspended_application(self, scene: Scene, database_url: str) -> None:
        _, told = await self.push(scene)
        engine = make_engine(database_url)
        set_status(engine, PORTAL.id, ApplicationStatus.SUSPENDED)
        engine.dispose()
        with pytest.raises(UntrustedRequest, match="suspended"):
            await scene.sign_ins.begin({"client_id": PORTAL.id, "request_uri": told["request_uri"]})

    @pytest.mark.parametrize(
        ("over", "error"),
        [
            ({"client_assertion": None}, "invalid_client"),
            ({"client_assertion": assertion(PORTAL.id, OTHER.key, "https://daten.wetzlar.example")}, "invalid_client"),
            ({"client_id": "anderes"}, "invalid_client"),
            ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
            ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"scope": "admin"}, "invalid_scope"),
            ({"purpose": "world-domination"}, "invalid_request"),
            ({"resource": "https://daten.fulda.example/graphql"}, "invalid_target"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ],
    )
    async def test_what_is_wrong_is_told_to_the_application(
        self, scene: Scene, over: dict[str, str | None], error: str
    ) -> None:
        status, told = await self.push(scene, **over)
        assert (status, told["error"]) == (400, error), told

    async def test_its_assertion_counts_once(self, scene: Scene) -> None:
        proof = assertion(PORTAL.id, PORTAL.key, scene.node.city.issuer)
        assert (await self.push(scene, client_assertion=proof))[0] == 201
        assert (await self.push(scene, client_assertion=proof))[1]["error"] == "invalid_client"


class TestBrowsers:
    async def test_a_sign_in_ends_where_it_began(self, scene: Scene) -> None:
        parameters, _ = await scene.begin()
        for cookie in (None, "", "another browser's"):
            with pytest.raises(UntrustedRequest, match="another browser"):
                await scene.sign_ins.finish({"code": "c", "state": parameters["state"]}, cookie)

    async def test_a_state_counts_once(self, scene: Scene) -> None:
        parameters, cookie = await scene.begin()
        back = {"code": "c", "state": parameters["state"]}
        await scene.sign_ins.finish(back, cookie)
        with pytest.raises(UntrustedRequest, match="unknown"):
            await scene.sign_ins.finish(back, cookie)

    @pytest.mark.parametrize("state", ["", "x", "\udc80"])
    async def test_an_unknown_state(self, scene: Scene, state: str) -> None:
        with pytest.raises(UntrustedRequest, match="unknown"):
            await scene.sign_ins.finish({"code": "c", "state": state}, "cookie")

    async def test_a_code_is_no_state(self, scene: Scene) -> None:
        code = (await scene.finish())["code"]
        with pytest.raises(UntrustedRequest, match="unknown"):
            await scene.sign_ins.finish({"code": "c", "state": code}, "cookie")

    async def test_who_breaks_off_is_told_to_the_application(self, scene: Scene) -> None:
        parameters, cookie = await scene.begin()
        back = {"error": "access_denied", "error_description": "<b>evil</b>", "state": parameters["state"]}
        told = answer(await scene.sign_ins.finish(back, cookie))
        assert told["error"] == "access_denied"
        assert "evil" not in str(told)


class TestProvider:
    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://evil.example"},
            {"aud": "another"},
            {"aud": ["verbund", "another"]},
            {"aud": None},
            {"azp": "another"},
            {"nonce": "another"},
            {"nonce": None},
            {"exp": 1},
            {"exp": None},
            {"iat": 4_000_000_000},
            {"iat": "now"},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": "x" * 256},
        ],
    )
    async def test_an_id_token_for_something_else(self, scene: Scene, claims: dict[str, Any]) -> None:
        scene.provider.claims = claims
        assert (await scene.finish())["error"] == "temporarily_unavailable"

    @pytest.mark.parametrize(
        "make",
        [
            lambda claims, key: "rubbish",
            lambda claims, key: sign(claims, key, "at+jwt"),
            lambda claims, key: sign(claims, new_key(), "JWT"),
            lambda claims, key: sign(claims, ECKey.import_key(new_key().raw_value, {"kid": key.kid}), "JWT"),
            lambda claims, key: "eyJhbGciOiJub25lIn0." + sign(claims, key, "JWT").split(".")[1] + ".",
            lambda claims, key: jwt.encode(
                {"alg": "HS256", "kid": key.kid}, claims, OctKey.import_key(json.dumps(public_jwks(key)["keys"][0]))
            ),
        ],
        ids=["rubbish", "typ", "kid", "key", "none", "hmac"],
    )
    async def test_an_id_token_that_is_not_the_providers(self, scene: Scene, make: Any) -> None:
        scene.provider.token = lambda claims: make(claims, scene.provider.key)
        assert (await scene.finish())["error"] == "temporarily_unavailable"

    @pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "issuer"])
    async def test_metadata_that_points_elsewhere(self, scene: Scene, name: str) -> None:
        scene.provider.metadata = {name: "https://evil.example/x"}
        sent = await scene.sign_ins.begin(
            {
                "response_type": "code",
                "client_id": PORTAL.id,
                "code_challenge": challenge_of("x"),
                "code_challenge_method": "S256",
            }
        )
        assert answer(sent)["error"] == "temporarily_unavailable"
        assert scene.provider.forms == []

    async def test_an_answer_of_another_provider(self, scene: Scene) -> None:
        assert (await scene.finish(iss="https://evil.example"))["error"] == "temporarily_unavailable"
        assert "code" in await scene.finish(iss=scene.provider.issuer)
        scene.provider.metadata = {"authorization_response_iss_parameter_supported": True}
        scene.sign_ins._provider._metadata = None
        assert (await scene.finish())["error"] == "temporarily_unavailable"

    async def test_one_that_refuses(self, scene: Scene) -> None:
        scene.provider.status = 500
        assert (await scene.finish())["error"] == "temporarily_unavailable"


async def test_the_database_knows_digests_of_codes_alone(scene: Scene) -> None:
    code = (await scene.finish())["code"]
    async with scene.node.pool.connection() as connection:
        rows = await (await connection.execute("select handle, content::text from sign_in")).fetchall()
    assert code not in str(rows)
