"""The newest access records that match, in SQL, whether they are frequent or rare: for the API and the command line.

Frequent ones are found by looking through the newest of all. Only if these do not fill the page, records are read kind
by kind: the newest are of the kinds whose newest record is among the newest of all kinds.
"""

from __future__ import annotations

SEEN = 5_000  # of the newest records


def newest_ids(*, record: str, kind: str, first: str) -> str:
    """A query for the ids of at least the `first` newest that match, if there are so many; in no order.

    `record`: condition on the record, alias `r`; `kind`: on its kind, alias `k`; `first`: expression.
    """
    newest = f"order by r.at desc, r.id limit {first}"
    return (
        f"with seen_ as materialized (select id, at, kind from access_record r where {record}"
        f" order by r.at desc, r.id limit {SEEN}),"
        " walked_ as materialized (select r.id from seen_ r join access_kind k on k.id = r.kind"
        f" where {kind} {newest}),"
        " latest_ as materialized (select k.id, l.at from access_kind k cross join lateral"
        f" (select r.at from access_record r where r.kind = k.id and {record} order by r.at desc limit 1) l"
        f" where {kind} and (select count(*) from walked_) < {first} and (select count(*) from seen_) = {SEEN}"
        f" order by l.at desc fetch first ({first}) rows with ties)"
        " select id from walked_ union all (select r.id from latest_ cross join lateral"
        f" (select id, at from access_record r where r.kind = latest_.id and {record} {newest}) r {newest})"
    )
