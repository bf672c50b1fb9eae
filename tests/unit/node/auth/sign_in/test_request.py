"""What an application may ask for when it sends somebody to sign in, and where the browser may be sent back to."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc6749.errors import OAuth2Error
from hypothesis import given
from hypothesis import strategies as st

from node.auth.applications import is_redirect_uri
from node.auth.clients import ApplicationClient
from node.auth.sign_in.pkce import challenge_of
from node.auth.sign_in.request import UntrustedRequest, answer_url, error_answer, read_request, return_address
from tests.unit.node.auth.world import App

BACK = "https://portal.example/zurueck?von=verbund"
API = "https://daten.wetzlar.example/graphql"
PORTAL = replace(App().registration, redirect_uris=(BACK, "http://127.0.0.1:8000/back"))
CLIENT = ApplicationClient(PORTAL)
GOOD = {
    "response_type": "code",
    "client_id": PORTAL.id,
    "redirect_uri": BACK,
    "scope": "data:read",
    "purpose": "statistics",
    "code_challenge": challenge_of("v" * 43),
    "code_challenge_method": "S256",
    "state": "s",
}


def changed(**over: str | None) -> dict[str, str]:
    return {name: value for name, value in {**GOOD, **over}.items() if value is not None}


def test_a_good_request() -> None:
    request = read_request(GOOD, CLIENT, return_address(GOOD, CLIENT), API)
    assert (request.redirect_uri, request.scope, request.purpose) == (BACK, "data:read", "statistics")


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://evil.example/",
        BACK + "/",
        BACK.upper(),
        "https://portal.example/zurueck",
        "https://portal.example/zurueck?von=verbund&more=1",
        "http://127.0.0.1:8001/back",
    ],
)
def test_a_browser_is_sent_to_registered_addresses_only(address: str | None) -> None:
    with pytest.raises(UntrustedRequest, match="redirect_uri"):
        return_address(changed(redirect_uri=address), CLIENT)


def test_a_browser_is_not_sent_to_unknown_or_suspended_applications() -> None:
    suspended = ApplicationClient(replace(PORTAL, status="SUSPENDED"))
    for client in (None, suspended):
        with pytest.raises(UntrustedRequest, match="client_id"):
            return_address(GOOD, client)


def test_the_only_address_need_not_be_named() -> None:
    client = ApplicationClient(replace(PORTAL, redirect_uris=(BACK,)))
    assert return_address(changed(redirect_uri=None), client) == BACK


@pytest.mark.parametrize(
    ("over", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "data:read admin"}, "invalid_scope"),
        ({"purpose": "research"}, "invalid_request"),
        ({"purpose": None}, "invalid_request"),
        ({"resource": "https://daten.giessen.example/graphql"}, "invalid_target"),
        ({"dpop_jkt": "x"}, "invalid_request"),
        ({"state": "s" * 501}, "invalid_request"),
    ],
)
def test_what_is_wrong_goes_back_to_the_application(over: dict[str, str | None], error: str) -> None:
    with pytest.raises(OAuth2Error) as caught:
        read_request(changed(**over), CLIENT, BACK, API)
    assert error_answer(caught.value)["error"] == error


def test_the_answer_says_who_gives_it_and_keeps_the_state() -> None:
    url = answer_url(BACK, "https://daten.wetzlar.example", "a&b=c", code="x y")
    assert url.startswith(BACK + "&")
    assert parse_qs(urlsplit(url).query) == {
        "von": ["verbund"], "code": ["x y"], "state": ["a&b=c"], "iss": ["https://daten.wetzlar.example"],
    }  # fmt: skip


@given(st.dictionaries(st.sampled_from([*GOOD, "resource", "dpop_jkt"]), st.text(max_size=60)))
def test_whatever_an_application_asks_there_is_an_answer(over: dict[str, str]) -> None:
    try:
        read_request({**GOOD, **over}, CLIENT, BACK, API)
    except OAuth2Error as error:
        assert answer_url(BACK, "https://x.example", over.get("state"), **error_answer(error)).isascii()


@pytest.mark.parametrize(
    "uri", ["https://a.example", "https://a.example/b?c=d", "http://127.0.0.1:1/x", "http://[::1]/x"]
)
def test_redirect_uris_that_can_be_registered(uri: str) -> None:
    assert is_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    ["", "http://a.example/", "javascript:alert(1)", "https://", "https:///x", "https://a.example/#x", "https://a b/",
     "https://a.example/\r\nX: y", "data:text/html,x", "https://ä.example/", "//a.example", "https://[oops/"],
)  # fmt: skip
def test_redirect_uris_that_can_not(uri: str) -> None:
    assert not is_redirect_uri(uri)
