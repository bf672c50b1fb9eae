"""Load, validate and name the Cedar policies: the federation's, and a city's own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from cedarpy import PolicySet, Schema, ValidationError, pst, validate_policies

from policy.errors import PolicyError
from policy.repairs import Repair, read_repair
from policy.source import Source

DATASET_TYPE = "Dataset"
AGREEMENT_TYPE = "Agreement"
AGREEMENT_TEMPLATE = "agreement"
OBLIGATION = "obligation"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # without "/": that is for agreements
_POSITIONAL = re.compile(r"policy(\d+)")
_REPEATED = re.compile(r"^for policy `policy\d+`, ")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Parsed and validated policies. `version` is a digest of the schema and of all policy texts.

    `named_datasets` and `named_agreements` are those that some policy names: no policy can tell others apart by name.
    `repairs`: by @id of a forbid, what has to be done to a plan that it rules out. `shared`: the @id of each rule of
    the federation, which everybody may know.
    """

    policies: PolicySet
    schema: Schema
    version: str
    named_datasets: frozenset[str]
    named_agreements: frozenset[str]
    repairs: Mapping[str, Repair]
    shared: frozenset[str]

    @classmethod
    def load(cls, city_policy: str | None = None) -> RuleSet:
        """The federation's rules, with those of a city added; raises as `load_files`."""
        return cls.load_files({} if city_policy is None else {"city.cedar": city_policy})

    @classmethod
    def load_files(cls, city_policies: Mapping[str, str]) -> RuleSet:
        """The federation's rules, with those of a city added: texts by the name of their file.

        Raises:
            PolicyError: a text does not parse, does not fit the schema, or takes an id that is taken. The message has
                the file, the line and the reason.
        """
        schema_text, base_text = _shipped("verbund.cedarschema"), _shipped("federation.cedar")
        schema = Schema.from_str(schema_text)
        base = _Checked(Source("federation.cedar", base_text), schema)
        shared = base.ids()
        taken = dict.fromkeys(shared, "the federation's rules")
        policies, named, repairs = base.policies, base.named, base.repairs()
        for name, text in sorted(city_policies.items()):
            city = _Checked(Source(name, text), schema)
            city.refuse_templates()
            city.refuse_ids(taken)
            taken |= dict.fromkeys(city.ids(), name)
            policies, named = policies.with_added_str(text), named | city.named
            repairs |= city.repairs()
        digest = hashlib.sha256()
        for text in (schema_text, base_text, *(text for _, text in sorted(city_policies.items()))):
            digest.update(hashlib.sha256(text.encode()).digest())
        return cls(
            policies,
            schema,
            digest.hexdigest()[:16],
            frozenset(uid.id for uid in named if uid.type.basename == DATASET_TYPE),
            frozenset(uid.id for uid in named if uid.type.basename == AGREEMENT_TYPE),
            repairs,
            shared,
        )


class _Checked:
    """The policies of one text, which parse and fit the schema. `policyN` is Cedar's name for the Nth in the text."""

    def __init__(self, source: Source, schema: Schema) -> None:
        self._source = source
        self.policies, tree = source.parse()
        self._nodes = {**tree.templates, **tree.static_policies}
        self.named = pst.entity_uids(tree)
        result = validate_policies(source.text, schema)
        if not result.validation_passed:
            raise PolicyError("\n".join(self._described(result.errors)))

    def ids(self) -> frozenset[str]:
        """The @id of every policy.

        Raises:
            PolicyError: one has none, or two have the same.
        """
        found: dict[str, int | None] = {}
        for name in sorted(self._nodes, key=_number):
            line = self._source.line_of(_number(name))
            policy_id = self._nodes[name].annotations.get("id", "")
            if not policy_id:
                raise self._source.error(
                    line, 'the policy has no @id; records name rules by it, e.g. @id("no-exports")'
                )
            if policy_id.startswith(f"{AGREEMENT_TEMPLATE}/"):
                raise self._source.error(
                    line, f"@id({policy_id!r}) is taken by the federation's agreements; choose another one"
                )
            if not _ID.fullmatch(policy_id):
                raise self._source.error(
                    line, f"@id({policy_id!r}): up to 100 of A-Z a-z 0-9 . _ -, and a letter or digit first"
                )
            if policy_id in found:
                raise self._source.error(
                    line, f"@id({policy_id!r}) is used twice, first in line {found[policy_id]}; each rule needs its own"
                )
            found[policy_id] = line
        return frozenset(found)

    def refuse_templates(self) -> None:
        """Raises `PolicyError` if there is a template: nothing but agreements is linked."""
        for template in self.policies.templates():
            line = self._source.line_of(_number(template["id"]))
            raise self._source.error(line, "templates (?principal, ?resource) are for agreements; write a policy")

    def repairs(self) -> dict[str, Repair]:
        """What the @obligation of each forbid says, by its @id.

        Raises:
            PolicyError: a permit has one, or it can't be read.
        """
        found = {}
        for name in sorted(self._nodes, key=_number):
            node = self._nodes[name]
            text = node.annotations.get(OBLIGATION)
            if text is None:
                continue
            line = self._source.line_of(_number(name))
            if node.effect != "forbid":
                raise self._source.error(line, "@obligation stands on a permit; obligations are for forbids")
            try:
                found[node.annotations["id"]] = read_repair(text)
            except PolicyError as error:
                raise self._source.error(line, str(error)) from None
        return found

    def refuse_ids(self, taken: Mapping[str, str]) -> None:
        """Raises `PolicyError` if an @id is one of these, which are taken by what they map to."""
        self.ids()
        for name in sorted(self._nodes, key=_number):
            policy_id = self._nodes[name].annotations["id"]
            if policy_id in taken:
                line = self._source.line_of(_number(name))
                raise self._source.error(line, f"@id({policy_id!r}) is taken by {taken[policy_id]}; choose another one")

    def _described(self, errors: Sequence[ValidationError]) -> list[str]:
        """One line per error, in the order of the text, those first that quote a word of it; Cedar's order varies."""
        found = {(_number(e.policy_id), _REPEATED.sub("", e.error)): e.policy_id for e in errors}
        lines = []
        for (number, reason), name in sorted(found.items(), key=lambda item: (item[0][0], "`" not in item[0][1], item)):
            node = self._nodes.get(name)
            policy_id = node.annotations.get("id", name) if node else name
            where = self._source.line_of(number, reason)
            lines.append(str(self._source.error(where, f"{policy_id}: {reason}" if policy_id else reason)))
        return lines


def _shipped(name: str) -> str:
    return files("policy").joinpath(name).read_text(encoding="utf-8")


def _number(name: str) -> int:
    match = _POSITIONAL.fullmatch(name)
    return int(match[1]) if match else -1
