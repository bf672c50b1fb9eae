"""What is wrong with a city's text is told with its line, and no text can end the process."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.errors import PolicyError
from policy.rules import RuleSet
from policy.source import MAX_BYTES, MAX_DEPTH, MAX_OPERATORS, MAX_POLICIES, MAX_REASON, Source

GOOD = '@id("good")\nforbid (principal, action, resource)\nwhen { context.purpose == ";" }; // ends; here\n'


def scope(condition: str) -> str:
    return '@id("a") forbid (principal, action, resource) when { %s };' % condition


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (GOOD + '@id("a")\npermit (principal, action, resource)\nwhen { resource.tier == };', 6, "unexpected token `}`"),
        (GOOD + '@id("a")\npermit (principal, action, resource)\n\n' + GOOD, 7, "unexpected token `@`"),
        (GOOD + '@id("a")\npermit (principal, action, resource)\nwhen\n;', 7, "unexpected token `;`"),
        (GOOD + '@id("a")\n;', 5, "unexpected token `;`"),
        (GOOD + '@id("a")\npermit (principal,\naction, resource)', 6, "a policy ends with `;`"),
        (GOOD + '@id("a")\nallow (principal, action, resource);', 5, "invalid policy effect: allow"),
        (GOOD + '@id("a")\npermit (principal, action);', 4, "missing the `resource` variable"),
        (GOOD + "\n\n" + scope("principal.city == 'giessen'"), 6, "invalid token, \"'\""),
        (GOOD + '@id("a\n', 4, "a string that does not end"),
        (GOOD + "\x00", 4, "invalid token"),
        (GOOD + "\n@id('a')", 5, "invalid token"),
        (GOOD + '@id("a") @id("b")\npermit (principal, action, resource);', 4, "duplicate annotation"),
        (GOOD + '@id("a")\npermit (principal, action, resource)\nwhen { resource.colour == 1 };', 6, "a: attribute `colour`"),
        (GOOD + '@id("a")\npermit (principal is Nobody, action, resource);', 5, "a: unrecognized entity type `Nobody`"),
        (GOOD + '@id("a")\npermit (principal, action, resource)\nwhen { context.hops == "1" };', 4, "a: the types"),
        (GOOD + "permit (principal, action, resource);", 4, "no @id"),
        (GOOD + '@id("")\npermit (principal, action, resource);', 4, "no @id"),
        (GOOD + GOOD, 4, "used twice, first in line 1"),
        (GOOD + '\n@id ( "open-tier" )\npermit (principal, action, resource);', 5, "taken by the federation"),
        (GOOD + '@id("open-tier ")\npermit (principal, action, resource);', 4, "'open-tier '"),
        (GOOD + '@id("аgreement")\npermit (principal, action, resource);', 4, "A-Z a-z"),
        (GOOD + '@id("agreement/x/research")\npermit (principal, action, resource);', 4, "taken by the federation"),
        (GOOD + '@id("a\\u{2f}b")\npermit (principal, action, resource);', 4, "A-Z a-z"),
        (GOOD + '@id("t")\npermit (principal, action, resource == ?resource);', 4, "templates"),
        (GOOD + '@id("\ud800")', 4, "not valid Unicode"),
        (GOOD + '@id("a") permit (principal, action, resource) when {\n' + " && ".join(["true"] * 120) + "};", 4, "nesting"),
    ],
)  # fmt: skip
def test_the_line_and_the_reason_are_told(text, line, reason):
    with pytest.raises(PolicyError) as caught:
        RuleSet.load(text)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"city.cedar:{line}: "), first
    assert reason in first


def test_every_fault_against_the_schema_is_told_once_in_the_order_of_the_text():
    text = scope("resource.colour").replace('"a"', '"b"') + "\n" + scope("context.mood")
    with pytest.raises(PolicyError) as caught:
        RuleSet.load(text)
    lines = str(caught.value).splitlines()
    assert len(set(lines)) == len(lines)
    assert list(dict.fromkeys(line[: len("city.cedar:1: b")] for line in lines)) == [
        "city.cedar:1: b",
        "city.cedar:2: a",
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 100_000 + "true" + ")" * 100_000,
        "!(" * 5_000 + "true" + ")" * 5_000,
        "[" * 5_000 + "1" + "]" * 5_000 + ".isEmpty()",
        "{a: " * 5_000 + "1" + "}" * 5_000 + " == 1",
        " && ".join(["true"] * 50_000),
        " || ".join(["true"] * 50_000),
        "context" + ".a" * 50_000,
        "context" + '["a"]' * 50_000,
        "context" + '["a"]' * 2_000,
        "+".join(["1"] * 50_000) + " == 1",
        "if true then true else " * 20_000 + "true",
        "(" * 50_000,
    ],
    ids=lambda text: f"{text[:12]} {len(text)}",
)
def test_deep_nesting_is_refused_before_it_overflows_the_parser(condition):
    with pytest.raises(PolicyError, match=r"^city\.cedar:1: (brackets nest|the policy has more than)"):
        RuleSet.load(scope(condition))


HIDDEN = (
    '// Looks like a comment to the end of the line.\r@id("hidden") %s (principal, action, resource) when { %s };\n'
)


def test_no_rule_hides_behind_a_carriage_return():
    """Cedar ends a comment there: what follows counts as a rule, and is bounded and told like one."""
    assert RuleSet.load(HIDDEN % ("forbid", 'resource == Verbund::Dataset::"d1"')).named_datasets == {"d1"}
    with pytest.raises(PolicyError, match=r"^city\.cedar:2: brackets nest deeper"):
        RuleSet.load(HIDDEN % ("forbid", "(" * 50_000 + "true" + ")" * 50_000))
    with pytest.raises(PolicyError, match=r"^city\.cedar:4: @id\('hidden'\) is used twice, first in line 2"):
        RuleSet.load(HIDDEN % ("permit", "true") + HIDDEN % ("permit", "true"))
    with pytest.raises(PolicyError, match=r"^city\.cedar:3: a: attribute `colour`"):
        RuleSet.load("// one\r\n// two\r\n" + scope("resource.colour"))


def test_a_reason_that_quotes_at_length_is_cut():
    with pytest.raises(PolicyError) as caught:
        RuleSet.load(scope("principal is " + "A::" * 20_000 + "B"))
    assert str(caught.value).startswith("city.cedar:1: a: unrecognized entity type")
    assert len(str(caught.value)) < 1_000


def test_bounds_are_bounds():
    source = Source("x.cedar", "")
    assert str(source.error(3, "a" * MAX_REASON)) == f"x.cedar:3: {'a' * MAX_REASON}"
    assert str(source.error(None, "a" * (MAX_REASON + 1))) == f"x.cedar: {'a' * MAX_REASON}…"
    assert (MAX_REASON, MAX_BYTES, MAX_POLICIES, MAX_DEPTH, MAX_OPERATORS) == (500, 1_000_000, 1_000, 40, 300)
    Source("x.cedar", "/" * MAX_BYTES)
    with pytest.raises(PolicyError, match="is larger than 1,000,000 bytes"):
        Source("x.cedar", "/" * (MAX_BYTES + 1))


def test_what_the_bounds_allow_is_read():
    listed = ", ".join(f'Verbund::Dataset::"d{n}"' for n in range(5_000))
    assert len(RuleSet.load(scope(f"[{listed}].contains(resource)")).named_datasets) == 5_000
    deep = MAX_DEPTH - 1
    RuleSet.load(scope("(" * deep + "true" + ")" * deep))
    with pytest.raises(PolicyError, match="brackets nest deeper"):
        RuleSet.load(scope("(" * MAX_DEPTH + "true" + ")" * MAX_DEPTH))
    clause = "} when { 1 == 1 "
    RuleSet.load(scope("true " + clause * MAX_OPERATORS))
    with pytest.raises(PolicyError, match=f"more than {MAX_OPERATORS} operators"):
        RuleSet.load(scope("true " + clause * (MAX_OPERATORS + 1)))
    many = "\n".join(f'@id("p{n}") forbid (principal, action, resource) when {{ false }};' for n in range(MAX_POLICIES))
    RuleSet.load(many)
    with pytest.raises(PolicyError, match=rf"^city\.cedar:{MAX_POLICIES + 1}: holds more than"):
        RuleSet.load(many + "\n" + GOOD)


words = st.sampled_from(
    ["permit", "forbid", "(", ")", "{", "}", "[", "]", ";", ",", "@id", '("x")', "principal", "action", "resource", "when",
     "unless", "==", "&&", "||", "!", ".", "tier", '"OPEN"', '"', "//", "\n", "\r", "?resource", "Verbund::", "1", "is", "in", "é", "'"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=40).map(" ".join) | st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    refused = None
    try:
        RuleSet.load(text)
    except PolicyError as error:
        refused = str(error)
    assert refused is None or refused.startswith("city.cedar:")
