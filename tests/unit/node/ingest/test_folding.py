import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ingest.folding import KEY_LENGTH, local_id, sort_key


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Zählstelle Süd", "zahlstelle sud"),
        ("ÄÖÜ äöü ß ẞ", "aou aou ss ss"),
        ("  Straße \t des\n17. Juni ", "strasse des 17. juni"),
        ("Café Łódź Ærø", "cafe lodz aero"),
        ("a\u0308", "a"),
        ("", ""),
    ],
)
def test_sort_key_folds_what_readers_do_not_distinguish(text: str, folded: str) -> None:
    assert sort_key(text) == folded


@given(st.text())
def test_sort_key_is_stable_once_folded(text: str) -> None:
    assert sort_key(sort_key(text)) == sort_key(text)


@given(st.text())
def test_sort_key_ignores_case_and_outer_space(text: str) -> None:
    assert sort_key(f"  {text.casefold()} ") == sort_key(text)


@pytest.mark.parametrize("key", ["01b65115-2b4b-448e-8a41-6501fa867fae", "radverkehr-2026", "7", "a" * 80])
def test_a_clean_identifier_stays_as_it_is(key: str) -> None:
    assert local_id(key) == key


def test_a_readable_rest_is_kept_of_anything_else() -> None:
    assert local_id("https://city.example/dataset/Zählstellen%20Süd").startswith("zaehlstellen-20sued-")
    assert local_id("Fahrräder / Straße").startswith("fahrraeder-strasse-")


@pytest.mark.parametrize(
    ("one", "other"),
    [("A", "a"), ("x y", "x-y"), ("https://a.example/7", "https://b.example/7"), ("a" * 81, "a" * 82), ("ä", "ae")],
)
def test_identities_that_read_alike_keep_different_keys(one: str, other: str) -> None:
    assert local_id(one) != local_id(other)


@given(st.text())
def test_every_identity_gives_a_valid_key_always_the_same(identity: str) -> None:
    key = local_id(identity)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key)
    assert len(key) <= KEY_LENGTH
    assert local_id(identity) == key == local_id(key)
