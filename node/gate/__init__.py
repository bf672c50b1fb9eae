"""The one road to data: decide, read here or ask the owners, record, answer.

GraphQL, pages, exports and AI access are all its clients. `city_gate` is the road, `own_data` the city's own rows under
the rules of `decisions`, `records` what is kept of each access.
"""

from node.gate.city_gate import CityGate
from node.gate.decisions import Decisions, load_rules
from node.gate.own_data import OwnData

__all__ = ["CityGate", "Decisions", "OwnData", "load_rules"]
