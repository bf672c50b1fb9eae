"""Bodies are read within their bound, and answers are framed as HTTP demands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.http.asgi import SECURITY_HEADERS, Answer, BodyTooLarge, ClientGone, body_of, headers_of, send_answer

BOUND = 20


def receiving(parts, *, gone: bool = False):
    """The messages of a body that arrives in parts, and then possibly never ends."""
    last = len(parts) - 1
    messages = [
        {"type": "http.request", "body": part, "more_body": gone or number < last} for number, part in enumerate(parts)
    ]
    arriving = iter([*messages, {"type": "http.disconnect"}])

    async def receive():
        return next(arriving)

    return receive


async def sent(answer: Answer, method: str = "GET"):
    messages = []

    async def send(message):
        messages.append(message)

    await send_answer({"method": method}, send, answer)
    start, body = messages
    return start["status"], dict(start["headers"]), body["body"]


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6), st.booleans())
async def test_a_body_is_whole_or_too_large(parts, tells_length):
    whole = b"".join(parts)
    headers = {b"content-length": str(len(whole))} if tells_length else {}
    if len(whole) <= BOUND:
        assert await body_of(headers, {}, receiving(parts), BOUND) == whole
    else:
        with pytest.raises(BodyTooLarge):
            await body_of(headers, {}, receiving(parts), BOUND)


async def test_a_length_beyond_the_bound_is_refused_before_anything_is_read():
    async def receive():
        raise AssertionError("the body was asked for")

    for length in (BOUND + 1, 10**40):
        with pytest.raises(BodyTooLarge):
            await body_of({b"content-length": str(length)}, {}, receive, BOUND)


async def test_a_client_that_goes_before_its_body_has_arrived():
    with pytest.raises(ClientGone):
        await body_of({}, {}, receiving([b"{"], gone=True), BOUND)


def test_repeated_headers_are_one_list():
    scope = {"headers": [(b"accept", b"a"), (b"accept", b"b"), (b"x", b"\xff")]}
    assert headers_of(scope) == {b"accept": "a, b", b"x": "\xff"}


async def test_an_answer_is_framed():
    status, headers, body = await sent(Answer(200, b"{}", "application/json", {"ETag": "x"}))
    assert (status, body) == (200, b"{}")
    assert headers[b"content-length"] == b"2"
    assert headers[b"etag"] == b"x"
    for name, value in SECURITY_HEADERS.items():
        assert headers[name.lower().encode()] == value.encode()


async def test_head_tells_the_length_of_what_it_leaves_out():
    _, headers, body = await sent(Answer(200, b"{}", "application/json"), "HEAD")
    assert (headers[b"content-length"], body) == (b"2", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_tell_no_length(status):
    _, headers, body = await sent(Answer(status, b"", "application/json"))
    assert b"content-length" not in headers
    assert b"content-type" not in headers
    assert body == b""
