"""What one transaction may see, in the form that the reading role's row security goes by. Pure.

Sets of ids travel as bit strings: testing a bit costs the same for ten datasets and for ten thousand, and PostgreSQL
reads 10,000 of them in 3 µs, where an array of ids takes 400. Ids are dense, so the strings stay short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

NO_BITS = b""


class Series(NamedTuple):
    """Where a datastream belongs: ids of itself, its dataset and its thing."""

    id: int
    dataset_id: int
    thing_id: int


@dataclass(frozen=True, slots=True)
class RowGrant:
    """The datasets and things that may be seen, the datastreams whose observations may be, and the access log.

    Without anything, nothing. Whatever moves a datastream to another dataset or thing advances the policy epoch, so a
    grant is as good as the epoch it was made under.
    """

    datasets: bytes = NO_BITS
    things: bytes = NO_BITS
    observed: bytes = NO_BITS
    access_log: bool = False

    @property
    def parameters(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Parameters of `SET_GRANT`."""
        return self.datasets, self.things, self.observed, b"on" if self.access_log else b"off"


# Run in the transaction of the statement that it is for, before it: the settings end with the transaction.
_SETTINGS = (
    "set_config('verbund.datasets', $1, true), set_config('verbund.things', $2, true),"
    " set_config('verbund.observed', $3, true), set_config('verbund.access_log', $4, true)"
)
SET_GRANT = f"select length(concat({_SETTINGS}))"  # sends back a number, not the sets
SET_GRANT_AND_PLAN = f"select length(concat({_SETTINGS}, set_config('plan_cache_mode', $5, true)))"

NOTHING_GRANTED = RowGrant()
ACCESS_LOG_GRANTED = RowGrant(access_log=True)


def row_grant(readable: Collection[int], observable: Collection[int], series: Iterable[Series]) -> RowGrant:
    """The grant of a caller who may see the datasets `readable` in the catalog, and the observations of `observable`.

    `series` are all datastreams of the city. A thing is seen through its datastreams.
    """
    readable, observable = frozenset(readable), frozenset(observable)
    series = tuple(series)
    return RowGrant(
        datasets=bits(readable),
        things=bits({one.thing_id for one in series if one.dataset_id in readable}),
        observed=bits({one.id for one in series if one.dataset_id in observable}),
    )


def bits(ids: Collection[int]) -> bytes:
    """A set of ids as the text of a PostgreSQL bit string: bit n, counted from 0, stands for id n."""
    if not ids:
        return NO_BITS
    octets = bytearray(max(ids) // 8 + 1)
    for number in ids:
        octets[number // 8] |= 0x80 >> number % 8
    return b"x" + octets.hex().encode()
