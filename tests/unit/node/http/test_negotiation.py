"""What the client would like best of what we have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.http.negotiation import (
    ENCODINGS,
    IDENTITY,
    JSON,
    RESPONSE_JSON,
    accepts_events,
    encoding,
    is_json,
    media_type,
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, RESPONSE_JSON),
        ("", RESPONSE_JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        (RESPONSE_JSON, RESPONSE_JSON),
        (f"{RESPONSE_JSON}, application/json;q=0.9", RESPONSE_JSON),
        (f"application/json, {RESPONSE_JSON}", RESPONSE_JSON),
        (f"application/json, {RESPONSE_JSON};q=0.5", JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        (f"*/*;q=0.1, application/json;q=0, {RESPONSE_JSON};q=0", None),
        (f"{RESPONSE_JSON}; charset=utf-8, application/json; charset=utf-8", RESPONSE_JSON),
        ("x" * 5_000, RESPONSE_JSON),
    ],
)
def test_media_types(accept, chosen):
    assert media_type(accept) == chosen


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (None, IDENTITY),
        ("", IDENTITY),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0.5, br;q=0.8", "br"),
        ("zstd;q=0, *", "gzip"),
        ("*", "zstd"),
        ("identity", IDENTITY),
        ("identity, gzip;q=0.5", IDENTITY),
        ("deflate", IDENTITY),
        ("GZIP", "gzip"),
        ("gzip;q=0", IDENTITY),
    ],
)
def test_content_codings(accepted, chosen):
    assert encoding(accepted) == chosen


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("text/event-stream", True),
        ("application/json, text/event-stream;q=0.1", True),
        ("application/json, text/event-stream;q=0", False),
        ("text/event-streams", False),
    ],
)
def test_events_are_asked_for_by_name(accept, wanted):
    assert accepts_events(accept) == wanted


QUALITIES = st.sampled_from(["", ";q=0", ";q=0.3", ";q=0.7", ";q=1", ";q=1.000", "; q=0.5 "])
MEDIA = ["application/json", RESPONSE_JSON, "application/*", "*/*", "text/html"]
HEADERS = st.lists(st.tuples(st.sampled_from([*ENCODINGS, "identity", "*", "deflate"]), QUALITIES), max_size=6)


@given(HEADERS)
def test_nothing_is_chosen_that_the_client_refuses(parts):
    chosen = encoding(", ".join(name + quality for name, quality in parts))
    said = dict(parts)
    if chosen != IDENTITY:
        assert said.get(chosen, said.get("*")) not in {None, ";q=0"}


@given(st.lists(st.tuples(st.sampled_from(MEDIA), QUALITIES), min_size=1, max_size=6, unique_by=lambda part: part[0]))
def test_a_media_type_is_found_unless_the_client_refuses_both(parts):
    chosen = media_type(", ".join(name + quality for name, quality in parts))
    said = dict(parts)

    def accepted(name: str) -> bool:
        ranges = (said[one] for one in (name, "application/*", "*/*") if one in said)
        return next(ranges, ";q=0") != ";q=0"

    assert (chosen is None) == (not accepted(JSON) and not accepted(RESPONSE_JSON))
    assert chosen is None or accepted(chosen)


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ("Application/JSON ; Charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/json; profile=x", True),
        ("application/json; charset=latin-1", False),
        ("application/json; charset=utf-8; charset=utf-16", False),
        ("application/json+x", False),
        ("application/graphql", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_bodies_are_json_in_utf8(content_type, accepted):
    assert is_json(content_type) == accepted


@given(st.text(max_size=200))
def test_any_text_is_understood_somehow(text):
    assert encoding(text) in {*ENCODINGS, IDENTITY}
    assert media_type(text) in {JSON, RESPONSE_JSON, None}
    assert not is_json(text)
