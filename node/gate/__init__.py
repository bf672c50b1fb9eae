"""The one road to data: decide, read here or ask the owners, record, answer.

GraphQL, pages, exports and AI access are all its clients. `city_gate` is the road, `own_data` the city's own rows under
the rules of `decisions`, `records` what is kept of each access.
"""

from node.gate.auditing import Auditing
from node.gate.city_gate import CityGate, Live
from node.gate.decisions import Decisions
from node.gate.explaining import Explainer
from node.gate.following import FollowLimits
from node.gate.governance import Governance
from node.gate.own_data import OwnData
from node.gate.rules import CityRules, load_rules

__all__ = [
    "Auditing",
    "CityGate",
    "CityRules",
    "Decisions",
    "Explainer",
    "FollowLimits",
    "Governance",
    "Live",
    "OwnData",
    "load_rules",
]
