"""Proofs count once, and nothing that was revoked counts at all: the SQL for it, alone or with what rests on it.

The memory is in PostgreSQL, so it is one for all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum

import msgspec
from psycopg.pq.abc import PGresult

JUDGED = """
asked as materialized (
    select n, decode(proof, 'hex') as digest, to_timestamp(until) as until, to_timestamp(issued) as issued, subjects
      from json_to_recordset($1) as asked (n int, proof text, until float8, issued float8, subjects text[])
), spent as (
    insert into used_proof (digest, expires_at) select digest, until from asked order by digest
    on conflict do nothing returning digest
), judged as materialized (
    select n, spent.digest is not null as is_new, exists (
           select from revocation where subject = any(subjects) and issued < issued_before) as is_revoked
      from asked left join spent using (digest)
)"""
"""Common table expressions: `judged` has n, is_new, is_revoked for each use of `uses_json`, which is $1."""

REFUSED = (
    "select json_agg(json_build_array(n, is_new, is_revoked)) from judged where is_revoked or not is_new"  # null: none
)
SPEND = f"with {JUDGED} {REFUSED}"

_Refused = msgspec.json.Decoder(list[tuple[int, bool, bool]] | None)
_encode = msgspec.json.Encoder().encode


class Verdict(Enum):
    """What becomes of a use."""

    GOOD = "good"
    REPLAYED = "the proof was used before: make a new one for each request"
    REVOKED = "the token was revoked, or its application is not let in any more"


class Use:
    """One use of a proof (`digest`: SHA-256 of key and `jti`), to be remembered until then (seconds since 1970).

    `token_issued` and `subjects`: when its token was issued, and what a revocation that ends it may be of. `refusal`
    makes the exception that a bad verdict is told by.
    """

    __slots__ = ("_refusal", "asked", "digest", "verdict")

    def __init__(
        self,
        digest: bytes,
        until: float,
        token_issued: int,
        subjects: Sequence[str],
        refusal: Callable[[Verdict], Exception],
    ) -> None:
        self.digest = digest
        self.asked = digest.hex(), until, token_issued, subjects
        self.verdict: Verdict | None = None
        self._refusal = refusal

    def check(self) -> None:
        """Raises what the verdict calls for, once there is one."""
        if self.verdict is not None and self.verdict is not Verdict.GOOD:
            raise self._refusal(self.verdict)


def distinct(uses: Iterable[Use]) -> list[Use]:
    """The uses without those whose proof comes twice among them: these get their verdict here."""
    first: dict[bytes, Use] = {}
    for use in uses:
        if first.setdefault(use.digest, use) is not use:
            use.verdict = Verdict.REPLAYED
    return list(first.values())


def uses_json(uses: Sequence[Use]) -> bytes:
    """The parameter of `JUDGED`: the uses by number."""
    return _encode(
        [
            {"n": number, "proof": proof, "until": until, "issued": issued, "subjects": subjects}
            for number, (proof, until, issued, subjects) in enumerate(use.asked for use in uses)
        ]
    )


def settle(uses: Sequence[Use], refused: PGresult) -> None:
    """Give each use its verdict from the result of `REFUSED`."""
    for use in uses:
        use.verdict = Verdict.GOOD
    for number, _, is_revoked in _Refused.decode(refused.get_value(0, 0) or b"null") or ():
        uses[number].verdict = Verdict.REVOKED if is_revoked else Verdict.REPLAYED
