"""The protocol is kept whatever the client sends, and in whatever order."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.http.transport_ws import (
    BAD_MESSAGE,
    DUPLICATE,
    FORBIDDEN,
    INIT_TIMEOUT,
    MAX_REASON,
    MOST_OPERATIONS,
    TOO_MANY_INITS,
    UNAUTHORIZED,
    Close,
    Conversation,
    Greet,
    Say,
    Start,
    Stop,
)

IDS = st.sampled_from(["a", "b", 'ä"\n'])


def text(type_: str, **members) -> str:
    return orjson.dumps({"type": type_, **members}).decode()


def subscribe(id_: str = "a") -> str:
    return text("subscribe", id=id_, payload={"query": "{ node { time } }"})


def ready() -> Conversation:
    conversation = Conversation()
    assert list(conversation.received(text("connection_init", payload={"dpop": "x"}))) == [Greet({"dpop": "x"})]
    assert list(conversation.acknowledge()) == [Say(b'{"type":"connection_ack"}')]
    return conversation


def said(actions) -> list[dict]:
    return [orjson.loads(action.text) for action in actions]


def test_an_operation_from_beginning_to_end():
    conversation = ready()
    (start,) = conversation.received(subscribe())
    assert isinstance(start, Start)
    assert start.question.query == "{ node { time } }"
    assert said(conversation.result("a", b'{"data":1}')) == [{"id": "a", "type": "next", "payload": {"data": 1}}]
    assert said(conversation.complete("a")) == [{"id": "a", "type": "complete"}]
    assert list(conversation.complete("a")) == [], "once"
    assert isinstance(next(conversation.received(subscribe())), Start), "the id is free again"


def test_what_the_client_has_ended_is_said_no_more_of():
    conversation = ready()
    list(conversation.received(subscribe()))
    assert list(conversation.received(text("complete", id="a"))) == [Stop("a")]
    assert [*conversation.result("a", b"{}"), *conversation.complete("a"), *conversation.refuse("a", [])] == []
    assert list(conversation.received(text("complete", id="a"))) == []


def test_a_refused_operation_is_over():
    conversation = ready()
    list(conversation.received(subscribe()))
    assert said(conversation.refuse("a", [{"message": "no"}])) == [
        {"id": "a", "type": "error", "payload": [{"message": "no"}]}
    ]
    assert not conversation.operations


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([subscribe()], UNAUTHORIZED),
        ([text("connection_init"), subscribe()], UNAUTHORIZED),
        ([text("connection_init"), text("connection_init")], TOO_MANY_INITS),
        (["{"], BAD_MESSAGE),
        ([None], BAD_MESSAGE),
        ([text("start", id="a")], BAD_MESSAGE),
        ([text("subscribe", id="", payload={})], BAD_MESSAGE),
        (["[" * 100_000], BAD_MESSAGE),
    ],
)
def test_what_is_against_the_protocol_closes_with_its_code(messages, code):
    conversation = Conversation()
    actions = [action for message in messages for action in conversation.received(message)]
    assert isinstance(actions[-1], Close)
    assert actions[-1].code == code


def test_an_id_in_use_and_too_many_operations_close():
    conversation = ready()
    list(conversation.received(subscribe()))
    assert next(conversation.received(subscribe())).code == DUPLICATE
    conversation = ready()
    for number in range(MOST_OPERATIONS):
        list(conversation.received(subscribe(str(number))))
    assert next(conversation.received(subscribe("more"))).code == BAD_MESSAGE


def test_only_who_is_silent_at_first_is_late():
    assert next(Conversation().is_late()).code == INIT_TIMEOUT
    assert list(ready().is_late()) == []


STEPS = st.one_of(
    st.builds(text, st.sampled_from(["connection_init", "ping", "pong", "nonsense"])),
    st.builds(subscribe, IDS),
    st.builds(lambda id_: text("complete", id=id_), IDS),
    st.text(max_size=5),
    st.sampled_from(["acknowledge", "late", "close"]),
    st.tuples(st.sampled_from(["result", "complete", "refuse"]), IDS),
)


class Watcher:
    """Knows what may be said."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.is_greeted = self.is_closed = False

    def saw(self, action) -> None:
        assert not self.is_closed, "a close is the last"
        match action:
            case Start(id_):
                assert self.is_greeted
                assert id_ not in self.running
                self.running.add(id_)
            case Stop(id_):
                self.running.remove(id_)
            case Say(sent):
                self._said(orjson.loads(sent))
            case Close(_, reason):
                assert len(reason.encode()) <= MAX_REASON
                self.is_closed = True
                self.running.clear()

    def _said(self, message: dict) -> None:
        self.is_greeted = self.is_greeted or message["type"] == "connection_ack"
        if "id" in message:
            assert message["id"] in self.running, "nothing is said of what is over"
            if message["type"] != "next":
                self.running.discard(message["id"])


def performed(conversation: Conversation, step):
    if isinstance(step, tuple):
        kind, id_ = step
        return {
            "result": lambda: conversation.result(id_, b"{}"),
            "complete": lambda: conversation.complete(id_),
            "refuse": lambda: conversation.refuse(id_, []),
        }[kind]()
    ours = {
        "acknowledge": conversation.acknowledge,
        "late": conversation.is_late,
        "close": lambda: conversation.close(FORBIDDEN, "ä" * 200),
    }
    return ours[step]() if step in ours else conversation.received(step)


@given(st.lists(STEPS, max_size=30))
def test_whatever_happens_the_protocol_is_kept(steps):
    conversation, watcher = Conversation(), Watcher()
    for step in steps:
        for action in performed(conversation, step):
            watcher.saw(action)
        assert conversation.operations == watcher.running
