"""How many datastreams and observations there are, and the rows as SQL makes them: the same for all systems. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.bench.read.queries import DATASTREAMS

MILLION = 1_000_000
SLOT = timedelta(minutes=15)
END = datetime(2026, 4, 1, tzinfo=UTC)  # the latest rows lie in two partitions
BYTES_A_ROW = 300  # tables and indexes of Verbund and of the peers, and the server's log while they are filled


@dataclass(frozen=True, slots=True)
class Scale:
    """So many datastreams with so many observations each, a quarter of an hour apart, up to `END`."""

    datastreams: int
    each: int

    @property
    def observations(self) -> int:
        """All of them."""
        return self.datastreams * self.each

    @property
    def start(self) -> datetime:
        """When the first observation begins."""
        return END - SLOT * self.each

    @property
    def years(self) -> range:
        """Years of the phenomenon times (UTC)."""
        return range(self.start.year, END.year + 1)


def scale_of(observations: int, datastreams: int | None = None) -> Scale:
    """By default 50 datastreams share up to some millions; beyond, ten times as many have longer histories.

    The queries ask for the same 50 in any case.
    """
    if datastreams is None:
        datastreams = DATASTREAMS if observations <= 5 * MILLION else DATASTREAMS * 10
    return Scale(datastreams, observations // datastreams)


def rows_sql(scale: Scale) -> str:
    """Start, end, result and quality of the datastream with the number `%(number)s`, in the order of time."""
    return f"""
select at, at + interval '15 min',
       case when dice < 20 then null else dice %% 97 + 1 end::double precision,
       case when dice < 20 then 'MISSING' when dice < 40 then 'SUSPECT' else 'RAW' end
  from generate_series(0, {scale.each - 1}) n,
       lateral (select timestamptz '{scale.start.isoformat()}' + n * interval '15 min' as at,
                       hashint8(%(number)s::bigint * 100000000 + n) & 1023 as dice) made
"""
