"""The auditor's filter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.audit.grammar import IN_CAPITALS, NAMES, WORDS, FilterError, check_argument, read_filter, without_persons

VALUES = st.text(st.characters(blacklist_characters='"\x00', blacklist_categories=["Cs"]), min_size=1, max_size=20)


def test_terms_times_and_their_meaning():
    found = read_filter(
        'city:giessen city:fulda decision:deny -purpose:"some thing" after:2026-11-01 before:2026-12-01T12:00:00+01:00'
    )
    assert found.terms == {"cities": ["giessen", "fulda"], "decisions": ["DENY"]}
    assert found.without == {"purposes": ["some thing"]}
    assert (found.after, found.before) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, 11, tzinfo=UTC))
    assert read_filter("dataset:giessen:dataset:rad").terms == {"datasets": ["giessen:dataset:rad"]}
    assert read_filter(" after:2026-01-01 ").is_period
    assert not found.is_period


def test_the_words_of_an_argument_are_those_that_there_are():
    check_argument(
        {"decisions": ["DENY"], "roles": None, "states": ["OK"], "not": {"kinds": ["SECURITY"], "roles": None}}
    )
    for wrong, told in (
        ({"decisions": ["PERMIT", "deny"]}, "decisions: 'deny' is none; there are PERMIT, DENY, NONE"),
        ({"not": {"kinds": ["REFUSED"]}}, "kinds: 'REFUSED' is none; there are ACCESS, SECURITY, OPERATOR"),
    ):
        with pytest.raises(FilterError, match=told):
            check_argument(wrong)


def test_a_filters_text_can_be_kept_without_the_persons_in_it():
    text = 'city:giessen subject:p-77 -token:"t 1" subject:p-78 decision:deny'
    assert without_persons(text) == "city:giessen subject:… -token:… subject:… decision:deny"
    assert without_persons("list: subject-free city:wetzlar") == "list: subject-free city:wetzlar"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(sorted({*NAMES} - {*WORDS})), VALUES), max_size=8))
def test_whatever_is_quoted_is_read_as_it_was_written(terms):
    text = " ".join(f'{"-" if minus else ""}{name}:"{value}"' for minus, name, value in terms)
    found = read_filter(text)
    for minus, name, value in terms:
        expected = value.upper() if name in IN_CAPITALS else value
        assert expected in (found.without if minus else found.terms)[NAMES[name]]


@given(st.text(max_size=60))
def test_anything_else_is_refused_in_words(text):
    try:
        read_filter(text)
    except FilterError as error:
        assert error.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("giessen", "at letter 1"),
        ("city:a colour:red", "colour: is not something to filter by; there are action"),
        ("after:yesterday", "is not a time like"),
        ("after:2026-01-01 after:2026-01-02", "once"),
        ("-before:2026-01-01", "without a minus"),
        ("after:2026-02-01 before:2026-01-01", "is not before"),
        ('city:"a', "at letter 1"),
        ("decision:denied", "decision: 'denied' is none; there are permit, deny, none"),
        ("-role:member", "there are owner, consumer"),
        ("kind:refused", "there are access, security, operator"),
        ("x" * 2_001, "longer than 2000"),
        ("city:a " * 51, "is not a term"),
    ],
)
def test_mistakes_are_named(text, reason):
    with pytest.raises(FilterError, match=reason):
        read_filter(text)
