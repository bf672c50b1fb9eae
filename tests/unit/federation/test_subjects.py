"""Subjects: a city speaks for its own applications and for nobody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.subjects import application_of, is_application_id, is_issuer, subject_of

ISSUER = "https://daten.giessen.example"
IDS = st.from_regex(r"[a-z][a-z0-9-]{1,62}", fullmatch=True)


@given(IDS)
def test_what_a_city_says_of_its_application_it_hears_again(application: str) -> None:
    assert application_of(subject_of(ISSUER, application), ISSUER) == application


@given(IDS)
def test_another_city_is_not_heard(application: str) -> None:
    assert application_of(subject_of(ISSUER + "2", application), ISSUER) is None
    assert application_of(subject_of("https://daten.giessen", application), ISSUER) is None


@given(st.text(max_size=80))
def test_any_subject_gives_an_id_or_nothing(subject: str) -> None:
    found = application_of(subject, ISSUER)
    assert found is None or subject == f"{ISSUER}#{found}"


def test_a_caller_without_token_has_a_reserved_id() -> None:
    assert subject_of(ISSUER, None) == f"{ISSUER}#anonymous"
    assert not is_application_id("anonymous")


@pytest.mark.parametrize("text", ["", "a", "A1", "1a", "a_b", "a b", "ä1", "a\n", "a" * 64, "a#b", "../a"])
def test_application_ids_are_plain(text: str) -> None:
    assert not is_application_id(text)


@given(st.text(max_size=60))
def test_any_text_can_be_tried_as_issuer(text: str) -> None:
    assert is_issuer(text) in {True, False}
    assert not is_issuer(f"https://{text}/")
