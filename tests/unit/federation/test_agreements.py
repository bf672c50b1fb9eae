"""Terms that a city may be offered."""

from __future__ import annotations

import msgspec
import pytest

from federation.agreements import AgreementError, Terms, check_terms

TERMS = Terms(
    id="kfz-1",
    owner="wetzlar",
    member="fulda",
    datasets=("kfz",),
    purposes=("traffic-planning",),
    valid_from=1,
    valid_until=2,
    note="Vertrag vom 1. Mai,\r\nAnlage 3\n",
)


def test_words_of_all_languages_and_notes_of_several_lines_are_accepted():
    check_terms(TERMS)
    check_terms(msgspec.structs.replace(TERMS, keywords=("Straßenverkehr", "[/x]", "Verkehr 2026")))


@pytest.mark.parametrize("text", ["\x1b]0;mine\x07", "a\x00", "a\u202eb", "a\rb"], ids=ascii)
@pytest.mark.parametrize("name", ["datasets", "themes", "keywords", "applications", "note"])
def test_what_would_do_something_to_a_terminal_is_refused(name, text):
    value = text if name == "note" else ("a", text)
    with pytest.raises(AgreementError, match=f"{name}: has characters") as caught:
        check_terms(msgspec.structs.replace(TERMS, **{name: value}))
    assert [flaw.field for flaw in caught.value.flaws] == [name]
