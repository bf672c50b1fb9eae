"""The facts in Cedar's form. Built as data, never as text, so that no id can change what is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policy.agreements import application_mandate_id, mandate_id
from policy.model import Action, Caller, DatasetFacts
from policy.obligations import NONE, Obligations

ANONYMOUS_UID = {"type": "Verbund::Anonymous", "id": "anonymous"}

Entity = dict[str, Any]


def uid(kind: str, identifier: str) -> dict[str, str]:
    """The uid of an entity, as requests take it."""
    return {"type": f"Verbund::{kind}", "id": identifier}


def reference(kind: str, identifier: str) -> dict[str, Any]:
    """The uid of an entity, as attributes take it."""
    return {"__entity": uid(kind, identifier)}


def city_entity(city: str, suspended: frozenset[str]) -> Entity:
    """A city."""
    return _entity(uid("City", city), {"suspended": city in suspended})


def dataset_entity(dataset: DatasetFacts, owner: str, agreements: Iterable[str], terms: Obligations) -> Entity:
    """A dataset in its agreements, with the terms that it comes under."""
    return {
        "uid": uid("Dataset", dataset.key),
        "attrs": {
            "owner": reference("City", owner),
            "tier": dataset.tier.value,
            "personal": dataset.personal,
            "purposes": sorted(dataset.purposes or ()),
            "purposesLimited": dataset.purposes is not None,
            "openLimited": dataset.open_obligations != NONE,
            "terms": terms.terms(),
        },
        "parents": [uid("Agreement", agreement) for agreement in sorted(agreements)],
    }


def principal_uid(caller: Caller) -> dict[str, str]:
    """Who asks."""
    if caller.application is None or caller.city is None:
        return ANONYMOUS_UID
    return uid("Application", mandate_id(caller.city, caller.application))


def caller_entities(caller: Caller, owner: str, suspended: frozenset[str]) -> list[Entity]:
    """The principal with its city and mandates, and the city of the node it comes through; the owner's city is not."""
    cities = {city for city in (caller.city, caller.peer) if city is not None and city != owner}
    entities = [city_entity(city, suspended) for city in sorted(cities)]
    attrs = {} if caller.city is None else {"city": reference("City", caller.city)}
    if caller.application is None or caller.city is None:
        return [*entities, _entity(ANONYMOUS_UID, attrs)]
    mandates = []
    if caller.purpose is not None:
        mandates = [
            uid("Mandate", mandate_id(caller.city, caller.purpose)),
            uid("ApplicationMandate", application_mandate_id(caller.city, caller.application, caller.purpose)),
        ]
    entities += [_entity(mandate) for mandate in mandates]
    return [*entities, _entity(principal_uid(caller), attrs, [uid("City", caller.city), *mandates])]


def request(caller: Caller, action: Action, key: str, plan: Obligations) -> dict[str, Any]:
    """One question to Cedar: whether this may be done according to the plan."""
    context: dict[str, Any] = {"hops": 0, "purpose": caller.purpose or "", "plan": plan.terms()}
    if caller.peer is not None:
        context |= {"hops": 1, "via": reference("City", caller.peer)}
    return {
        "principal": principal_uid(caller),
        "action": {"type": "Verbund::Action", "id": action.value},
        "resource": uid("Dataset", key),
        "context": context,
    }


def _entity(
    entity_uid: dict[str, str], attrs: dict[str, Any] | None = None, parents: list[dict[str, str]] | None = None
) -> Entity:
    return {"uid": entity_uid, "attrs": attrs or {}, "parents": parents or []}
