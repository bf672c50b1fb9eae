"""The scopes of this node's tokens: what an application may do at all. What it may see is the policy's matter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """`for_peers`: another city may ask for it on behalf of its applications."""

    help: str
    for_peers: bool


INTROSPECT = "tokens:introspect"
RECORD = "observations:write"
SCOPES: dict[str, Scope] = {
    "data:read": Scope("Read catalog and sensor data, as far as tiers and agreements allow", for_peers=True),
    "governance:read": Scope(
        "Read this city's assessments, agreements and explanations; for its stewards", for_peers=False
    ),
    "governance:write": Scope("Assess this city's datasets and make agreements; for its stewards", for_peers=False),
    "audit:read": Scope("Read this city's access records; for its own auditors only", for_peers=False),
    RECORD: Scope("Record observations of this city's sensors", for_peers=False),
    INTROSPECT: Scope("Ask what a token of this node says, and whether it counts; for operators", for_peers=False),
}

PEER_SCOPES = tuple(name for name, scope in SCOPES.items() if scope.for_peers)
