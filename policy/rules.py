"""Load, validate and name the Cedar policies: the federation's, and a city's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from cedarpy import PolicySet, Schema, pst, validate_policies

from policy.errors import PolicyError

DATASET_TYPE = "Dataset"
AGREEMENT_TEMPLATE = "agreement"
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class RuleSet:
    """Parsed and validated policies. `version` is a digest of the schema and of all policy texts."""

    policies: PolicySet
    schema: Schema
    version: str

    @classmethod
    def load(cls, city_policy: str | None = None) -> RuleSet:
        """The federation's rules, with those of a city added.

        Raises:
            PolicyError: the city's text does not parse, does not fit the schema, or takes an id that is taken.
        """
        schema_text, base_text = _shipped("verbund.cedarschema"), _shipped("federation.cedar")
        schema = Schema.from_str(schema_text)
        base = _checked(base_text, schema, "federation.cedar")
        _ids(base, "federation.cedar")
        policies = base
        if city_policy is not None:
            city = _checked(city_policy, schema, "city.cedar")
            _check_city(city, base)
            policies = base.with_added_str(city_policy)
        digest = hashlib.sha256()
        for text in (schema_text, base_text, city_policy or ""):
            digest.update(hashlib.sha256(text.encode()).digest())
        return cls(policies, schema, digest.hexdigest()[:16])

    @cached_property
    def named_datasets(self) -> frozenset[str]:
        """Keys of datasets that a policy names: they can't be decided together with others."""
        return frozenset(uid.id for uid in pst.entity_uids(self.policies.to_pst()) if uid.type.basename == DATASET_TYPE)


def _shipped(name: str) -> str:
    return files("policy").joinpath(name).read_text(encoding="utf-8")


def _checked(text: str, schema: Schema, name: str) -> PolicySet:
    if len(text.encode()) > MAX_BYTES:
        raise PolicyError(f"{name}: is larger than {MAX_BYTES} bytes")
    try:
        policies = PolicySet.from_str(text)
    except ValueError as error:
        raise PolicyError(f"{name}: does not parse: {error}") from error
    result = validate_policies(text, schema)
    if not result.validation_passed:
        names = {key: node.annotations.get("id", key) for key, node in _nodes(policies).items()}
        lines = [
            f"{name}{_line(text, names.get(e.policy_id, ''))}: {names.get(e.policy_id, e.policy_id)}: {e.error}"
            for e in result.errors
        ]
        raise PolicyError("\n".join(lines))
    return policies


def _check_city(city: PolicySet, base: PolicySet) -> None:
    if city.templates():
        raise PolicyError("city.cedar: templates (?principal, ?resource) are for agreements; write a policy")
    taken = _ids(base, "federation.cedar")
    for policy_id in _ids(city, "city.cedar"):
        if policy_id in taken or policy_id.startswith(f"{AGREEMENT_TEMPLATE}/"):
            raise PolicyError(f"city.cedar: @id({policy_id!r}) is taken by the federation's rules; choose another one")


def _ids(policies: PolicySet, name: str) -> set[str]:
    found: set[str] = set()
    for node in _nodes(policies).values():
        policy_id = node.annotations.get("id", "")
        if not policy_id:
            raise PolicyError(f'{name}: a policy has no @id; records name rules by it, e.g. @id("no-exports")')
        if policy_id in found:
            raise PolicyError(f"{name}: @id({policy_id!r}) is used twice; each rule needs its own")
        found.add(policy_id)
    return found


def _nodes(policies: PolicySet) -> dict[str, pst.Template]:
    tree = policies.to_pst()
    return {**tree.templates, **tree.static_policies}


def _line(text: str, policy_id: str) -> str:
    """`:line` of the policy with this @id."""
    for number, line in enumerate(text.splitlines(), start=1):
        if f'@id("{policy_id}")' in line:
            return f":{number}"
    return ""
