"""What one transaction may see, in the form that the reading role's row security goes by. Pure.

Sets of ids travel as bit strings: testing a bit costs the same for ten datasets and for ten thousand, and PostgreSQL
reads 10,000 of them in 3 µs, where an array of ids takes 400. Ids are dense, so the strings stay short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from policy.obligations import Obligations

NO_BITS = b""


class Series(NamedTuple):
    """Where a datastream belongs: ids of itself, its dataset and its thing."""

    id: int
    dataset_id: int
    thing_id: int


@dataclass(frozen=True, slots=True)
class RowGrant:
    """The datasets and things that may be seen, the datastreams whose observations may be, and the access log.

    `obligations` are those of `node.store.obliged`, as JSON: what comes under them is not in `observed`. Without
    anything, nothing. Whatever moves a datastream to another dataset or thing advances the policy epoch, so a grant is
    as good as the epoch it was made under.
    """

    datasets: bytes = NO_BITS
    things: bytes = NO_BITS
    observed: bytes = NO_BITS
    access_log: bool = False
    obligations: bytes = b""

    @property
    def parameters(self) -> tuple[bytes, ...]:
        """Parameters of `SET_GRANT`."""
        return self.datasets, self.things, self.observed, b"on" if self.access_log else b"off"


# Run in the transaction of the statement that it is for, before it: the settings end with the transaction.
_SETTINGS = (
    "set_config('verbund.datasets', $1, true), set_config('verbund.things', $2, true),"
    " set_config('verbund.observed', $3, true), set_config('verbund.access_log', $4, true)"
)
SET_GRANT = f"select length(concat({_SETTINGS}))"  # sends back a number, not the sets
SET_GRANT_AND_PLAN = f"select length(concat({_SETTINGS}, set_config('plan_cache_mode', $5, true)))"
# With obligations, what is read are the views of `node.store.obliged`; $7 and $8 are the time that is asked for.
SET_OBLIGED = (
    f"select length(concat({_SETTINGS}, set_config('plan_cache_mode', $5, true),"
    " set_config('verbund.obligations', $6, true), set_config('verbund.since', $7, true),"
    " set_config('verbund.until', $8, true),"
    " set_config('search_path', 'obliged, ' || current_setting('search_path'), true)))"
)

NOTHING_GRANTED = RowGrant()
ACCESS_LOG_GRANTED = RowGrant(access_log=True)


def row_grant(
    readable: Collection[int],
    observable: Collection[int],
    series: Iterable[Series],
    obliged: Mapping[int, Obligations] | None = None,
    grids: Mapping[int, int] | None = None,
) -> RowGrant:
    """The grant of a caller who may see the datasets `readable` in the catalog, and the observations of `observable`.

    `series` are all datastreams of the city. A thing is seen through its datastreams. `obliged`: obligations by
    dataset; `grids`: seconds of the coarsest step in which anybody is given a dataset.
    """
    readable, observable = frozenset(readable), frozenset(observable)
    series = tuple(series)
    obliged = obliged or {}
    changed = {dataset for dataset, terms in obliged.items() if _changes_observations(terms)}
    return RowGrant(
        datasets=bits(readable),
        things=bits({one.thing_id for one in series if one.dataset_id in readable}),
        observed=bits({one.id for one in series if one.dataset_id in observable - changed}),
        obligations=_terms(obliged, changed & observable, series, grids or {}) if obliged else b"",
    )


def _terms(
    obliged: Mapping[int, Obligations], changed: Collection[int], series: Sequence[Series], grids: Mapping[int, int]
) -> bytes:
    """Datasets under the same obligations share an object."""
    sharing: dict[tuple[Obligations, int], set[int]] = {}
    for dataset, terms in obliged.items():
        sharing.setdefault((terms, grids.get(dataset, 0)), set()).add(dataset)
    return orjson.dumps(
        [
            {
                "minimum_count": terms.minimum_count,
                "step": terms.step_s,
                "grid": grid,
                "delay": terms.delay_s,
                "place": terms.place_m,
                "rounding": terms.rounding,
                "without": sorted(terms.without),
                "datasets": bits(datasets).decode(),
                "things": bits({one.thing_id for one in series if one.dataset_id in datasets}).decode(),
                "observed": bits({one.id for one in series if one.dataset_id in datasets & set(changed)}).decode(),
            }
            for (terms, grid), datasets in sharing.items()
        ]
    )


def _changes_observations(terms: Obligations) -> bool:
    return bool(terms.minimum_count or terms.step_s or terms.delay_s or terms.rounding)


def bits(ids: Collection[int]) -> bytes:
    """A set of ids as the text of a PostgreSQL bit string: bit n, counted from 0, stands for id n."""
    if not ids:
        return NO_BITS
    octets = bytearray(max(ids) // 8 + 1)
    for number in ids:
        octets[number // 8] |= 0x80 >> number % 8
    return b"x" + octets.hex().encode()
