"""Who may see what, in plain Python: the federation's rules once more, as somebody would read them out."""

from __future__ import annotations

from datetime import UTC, datetime

from policy.model import Caller
from tests.oracle.world import CITY, SUSPENDED, Dataset, World

CATALOG = "readCatalog"
OBSERVATIONS = "readObservations"


def may(world: World, caller: Caller, action: str, dataset: Dataset) -> bool:
    """May the caller do this with the dataset?"""
    if world.forbidden == (action, dataset.tier) or dataset.tier == "PROTECTED":
        return False
    if world.has_suspended and SUSPENDED in (caller.city, caller.peer):
        return False
    if caller.peer is not None and caller.city is not None and caller.city != caller.peer:
        return False
    if caller.application is not None and caller.city != CITY and caller.peer is None:
        return False
    if dataset.tier == "OPEN":
        return True
    if caller.application is None:
        return False
    if caller.city == CITY:
        return True
    return dataset.tier == "SHARED" and _agreed(world, caller, dataset)


def _agreed(world: World, caller: Caller, dataset: Dataset) -> bool:
    now = datetime.now(UTC)
    return any(
        agreement.member == caller.city
        and dataset.key in agreement.datasets
        and caller.purpose in agreement.purposes
        and (not agreement.applications or caller.application in agreement.applications)
        and agreement.valid_from <= now < agreement.valid_until
        and (agreement.revoked_at is None or now < agreement.revoked_at)
        for agreement in world.agreements
    )
