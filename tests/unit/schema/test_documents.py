"""Documents are bounded before they are validated, whatever their fragments do."""

from __future__ import annotations

import pytest
from graphql import get_introspection_query, parse

from policy.model import ANONYMOUS
from schema.budget import Bounds, check_document
from schema.build import build_schema
from schema.documents import Documents
from schema.ports import Context, Request
from tests.work import calls

DOCUMENTS = Documents(build_schema().graphql, Bounds())


def bomb(depth: int) -> str:
    """Each fragment spreads the next one twice: 2^depth fields in a few hundred bytes."""
    fragments = "".join(f" fragment f{i} on Dataset {{ ...f{i + 1} ...f{i + 1} }}" for i in range(depth))
    return f'query {{ dataset(id: "x") {{ ...f0 }} }}{fragments} fragment f{depth} on Dataset {{ id title }}'


def test_a_fragment_bomb_is_refused_at_once():
    document = parse(bomb(50))
    excess = check_document(document, Bounds())
    assert excess is not None
    assert "selections" in excess.message
    assert calls(lambda: check_document(document, Bounds())) < 10_000


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ("{ " + " ".join(f'a{i}: dataset(id: "x") {{ id }}' for i in range(9)) + " }", None),
        ("{ " + " ".join(f'a{i}: dataset(id: "x") {{ id }}' for i in range(11)) + " }", "root fields"),
        ("{ datasets { nodes { " + " ".join(f"a{i}: id" for i in range(51)) + " } } }", "aliases"),
        ("{ things { nodes " + "{ datastreams { nodes " * 6 + "{ id } " + "} }" * 6 + " } }", "depth"),
        (bomb(12), "selections"),
    ],
)
def test_each_bound_is_told_with_value_and_limit(document, named):
    checked = DOCUMENTS.check(document)
    if named is None:
        assert checked.document is not None
        assert not checked.errors
    else:
        assert checked.document is None
        assert named in checked.errors[0].message
        assert "the limit is" in checked.errors[0].message
        assert checked.errors[0].extensions["code"] == "TOO_COSTLY"


def test_too_many_tokens_are_refused_by_the_parser():
    checked = DOCUMENTS.check("{ " + "a " * 3000 + "}")
    assert checked.document is None
    assert "tokens" in checked.errors[0].message


@pytest.mark.parametrize(
    "document",
    ["", "{", "query { nope }", "{ dataset }", "query q { ...q } fragment q on Query { ...q }", "mutation { x }"],
)
def test_bad_documents_have_errors(document):
    assert DOCUMENTS.check(document).errors


def test_a_known_document_is_not_checked_again():
    text = '{ dataset(id: "y") { id } }'
    assert DOCUMENTS.check(text) is DOCUMENTS.check(text)


def test_a_peer_may_send_what_a_callers_document_became():
    """A home node spreads fragments and asks for edges: the document that an owner gets is larger."""
    bounds = Bounds()
    fields = " ".join(f"a{i}: id" for i in range(bounds.aliases))
    widest = "{ datasets { nodes { %s } } }" % fields
    assert DOCUMENTS.check(widest).document is not None
    sent = "{ r: datasets { edges { k: cursor n0: node { %s } } } }" % fields
    assert DOCUMENTS.check(sent).document is None
    assert DOCUMENTS.check(sent, from_peer=True).document is not None
    assert DOCUMENTS.check(bomb(14), from_peer=True).document is None


def test_tools_may_introspect():
    query = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    checked = DOCUMENTS.check(query)
    assert checked.document is not None
    assert not checked.errors


def test_introspection_is_no_way_round_the_bounds():
    nested = "{ __schema { types { " + "ofType { " * 30 + "name" + " }" * 30 + " } } }"
    assert DOCUMENTS.check(nested).document is None
    lists = "{ __schema { types { " + "fields { type { " * 6 + "name" + " } }" * 6 + " } } }"
    assert DOCUMENTS.check(lists).errors


@pytest.mark.parametrize(
    "document",
    [
        "{ datasets { nodes { %s } } }" % ("contactPoint { url } " * 6),
        "{ datasets { nodes { %s } } }" % ("... { id } " * 6),
        "{ datasets { nodes { %s } } } %s"
        % ("".join(f"...f{i} " for i in range(6)), "".join(f"fragment f{i} on Dataset {{ title }} " for i in range(6))),
        "{ datasets { nodes { contactPoint { %s } contactPoint { %s } } } }" % ("url " * 3, "url " * 3),
    ],
)
def test_the_same_field_over_and_over_is_refused_before_it_is_validated(document):
    checked = DOCUMENTS.check(document)
    assert checked.document is None
    assert "more than 5 times" in checked.errors[0].message
    assert DOCUMENTS.check(document.replace(" " * 40, "")).errors


async def test_a_remembered_error_keeps_no_request_alive():
    schema = build_schema()
    errors = []
    for _ in range(3):
        context = Context(Request(ANONYMOUS, "", 0, "", ""), None, None)
        for document in ("{ a( }", "{ nope }"):
            result = await schema.execute(document, context_value=context)
            errors.append(result.errors[0])
    assert len({id(error) for error in errors}) == len(errors), "each request has an error of its own"
