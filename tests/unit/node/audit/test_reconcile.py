"""Two logs compared by hashes."""

from __future__ import annotations

from node.audit.reconcile import ANSWER_WITHOUT_ASK, ASK_WITHOUT_ANSWER, DISAGREEMENT, Answered, Asked, compare


def ask(trace="t", leaves=("leaf",), request="q", response="r", state="OK") -> Asked:
    return Asked(1, trace, f"h({trace})", request, response, leaves, state)


def answer(leaf="leaf", trace="t", request="q", response="r") -> Answered:
    return Answered(leaf, f"h({trace})", request, response)


def whats(asked, answered, **more) -> list[str]:
    return [difference.what for difference in compare(asked, answered, **more)]


def test_logs_that_agree_have_no_differences():
    assert whats([ask()], [answer()]) == []
    assert whats([ask(), ask()], [answer()]) == [], "callers that asked the same meanwhile share an exchange"
    assert whats([ask(leaves=("a", "b"))], [answer("a"), answer("b", response="")]) == []
    assert whats([ask()], [answer(), answer("hedged")]) == [], "what was asked twice is known by its trace"


def test_what_one_side_lacks_is_told():
    assert whats([ask(leaves=(), state="TIMEOUT")], []) == [ASK_WITHOUT_ANSWER]
    assert whats([ask(leaves=(), state="TIMEOUT")], [answer()]) == [], "it answered, too late"
    assert whats([ask()], []) == [DISAGREEMENT], "it signed for a record that it does not have"
    assert whats([], [answer()]) == [ANSWER_WITHOUT_ASK]
    assert whats([], [answer(), answer("later")], within={"leaf"}) == [ANSWER_WITHOUT_ASK]


def test_an_owner_whose_receipts_name_no_leaf_is_compared_all_the_same():
    assert whats([ask(leaves=())], [answer(), answer("of another field", request="p", response="s")]) == []
    assert whats([ask(leaves=())], [answer(response="x")]) == [DISAGREEMENT]
    assert whats([ask(), ask(leaves=(), request="p", response="", state="TIMEOUT")], [answer()]) == [ASK_WITHOUT_ANSWER]


def test_digests_that_differ_are_told():
    [difference] = compare([ask()], [answer(response="x")])
    assert difference.what == DISAGREEMENT
    assert "responses" in difference.detail
    assert whats([ask()], [answer(request="x")]) == [DISAGREEMENT]
    assert whats([ask()], [answer(request="")]) == [DISAGREEMENT], "it has to record what it was asked"
    assert whats([ask(leaves=("a", "b"))], [answer("a"), answer("b", request="")]) == [DISAGREEMENT]
    assert whats([ask()], [answer(response="")]) == []
    assert whats([ask(request="")], [answer(request="x")]) == []
