"""What a caller is told whose token is not accepted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.auth.token_check import InvalidToken
from node.http.challenge import challenge

ISSUER = "https://giessen.example"


def test_it_names_scheme_error_algorithm_and_where_to_find_out_more() -> None:
    assert challenge(InvalidToken("it has expired"), ISSUER, "fresh") == {
        "WWW-Authenticate": 'DPoP error="invalid_token", error_description="it has expired", algs="ES256",'
        ' resource_metadata="https://giessen.example/.well-known/oauth-protected-resource/graphql"',
        "DPoP-Nonce": "fresh",
    }


def test_without_a_database_there_is_no_nonce() -> None:
    assert "DPoP-Nonce" not in challenge(InvalidToken("x", "use_dpop_nonce"), ISSUER, None)


@given(st.text(max_size=100))
def test_no_reason_breaks_out_of_its_quotes(reason: str) -> None:
    header = challenge(InvalidToken(reason), ISSUER, None)["WWW-Authenticate"]
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 8
