"""What may be done with a dataset, as an ODRL policy (ODRL Information Model 2.2). Pure.

An Offer is what the owner would agree on; a Set says what holds for anybody. Purposes are those of the federation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyoxigraph import Literal, NamedNode

from node.web.export.quads import Subject
from policy.vocabulary import AI_PURPOSES, PURPOSES

ODRL = "http://www.w3.org/ns/odrl/2/"
VERBUND = "urn:verbund:"


def write_policy(dataset: Subject, told: Mapping[str, Any], issuer: str) -> None:
    """The policy of a dataset as the API tells it: `tier` and `use`."""
    use = told["use"]
    is_offer = told["tier"] != "OPEN" or bool(use["withoutAgreement"])
    policy = dataset.part(f"{ODRL}hasPolicy", f"{ODRL}Offer" if is_offer else f"{ODRL}Set")
    policy.link(f"{ODRL}uid", f"{VERBUND}offer:{told['id']}")
    permission = _rule(policy, "permission", dataset)
    if is_offer:
        policy.link(f"{ODRL}assigner", issuer)
        _constrain(permission, use["purposes"] if use["purposes"] is not None else _usual())
        for text in use["obligations"]:
            _oblige(permission, text)
    elif forbidden := _ai_forbidden(use):
        _constrain(_rule(policy, "prohibition", dataset), forbidden)


def _rule(policy: Subject, kind: str, dataset: Subject) -> Subject:
    rule = policy.part(f"{ODRL}{kind}", f"{ODRL}{kind.capitalize()}")
    rule.add(f"{ODRL}target", dataset.node)
    rule.add(f"{ODRL}action", NamedNode(f"{ODRL}use"))
    return rule


def _constrain(rule: Subject, purposes: list[str]) -> None:
    constraint = rule.part(f"{ODRL}constraint", f"{ODRL}Constraint")
    constraint.add(f"{ODRL}leftOperand", NamedNode(f"{ODRL}purpose"))
    constraint.add(f"{ODRL}operator", NamedNode(f"{ODRL}isAnyOf"))
    for purpose in sorted(purposes):
        constraint.link(f"{ODRL}rightOperand", f"{VERBUND}purpose:{purpose}")


def _oblige(permission: Subject, text: str) -> None:
    name, _, value = text.partition("=")
    duty = permission.part(f"{ODRL}duty", f"{ODRL}Duty")
    duty.link(f"{ODRL}action", f"{VERBUND}{name}")
    duty.add(f"{VERBUND}value", Literal(value))


def _usual() -> list[str]:
    """The purposes of a dataset whose assessment does not limit them."""
    return sorted(PURPOSES.keys() - AI_PURPOSES)


def _ai_forbidden(use: Mapping[str, Any]) -> list[str]:
    return [name for name, key in (("ai-assistance", "aiAssistance"), ("ai-training", "aiTraining")) if not use[key]]
