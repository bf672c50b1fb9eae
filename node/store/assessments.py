"""Assessments in the database: written by one person, signed off by another, and what is to be done next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from node.store.quality import quality_of
from policy.assessment import Assessment, check_assessment, is_same_person
from policy.errors import Flaw, PolicyError, Wrong
from policy.model import Tier

_SAME_COLUMNS = (
    "anonymisation", "legal_basis", "licence", "consent_reference", "hvd_category", "data_owner", "data_steward",
    "reference_class", "reason", "author", "review_due",
)  # fmt: skip
_WORKLIST = """
select d.key, d.title, d.tier::text, a.version, a.author, d.review_due,
       exists (select from datastream s where s.dataset_id = d.id and s.interval_seconds <= 3600
               and s.observation_type like '%%/OM_CountObservation') as counts,
       array_remove(array[
         case when d.assessment_id is null and (a.id is null or a.signed_off_at is not null) then 'UNASSESSED' end,
         case when a.id is not null and a.signed_off_at is null then 'UNSIGNED' end,
         case when f.id is not null and d.review_due < now() then 'OVERDUE' end,
         case when f.dataset_digest is distinct from d.digest and f.id is not null then 'CHANGED' end], null) as todo
  from dataset d
  left join lateral (select * from assessment where dataset_id = d.id order by version desc limit 1) a on true
  left join assessment f on f.id = d.assessment_id
 where %(key)s::text is null or d.key = %(key)s
 order by d.title_sort, d.key
"""


class AssessmentError(Exception):
    """It can't be carried out; the text names what is wrong and the remedy. `flaws`: the same, field by field."""

    def __init__(self, message: str, *flaws: Flaw) -> None:
        super().__init__(message)
        self.flaws = flaws


@dataclass(frozen=True, slots=True)
class Signed:
    """What a sign-off changed."""

    dataset: str
    version: int
    before: Tier
    tier: Tier


def assess(connection: psycopg.Connection[Any], new: Assessment) -> int:
    """Write a new version; nothing changes before somebody else signs it off. Returns its number.

    Raises:
        AssessmentError: there is no such dataset, or the assessment contradicts itself.
    """
    try:
        check_assessment(new, datetime.now(UTC))
    except PolicyError as error:
        raise AssessmentError(str(error), *error.flaws) from None
    with connection.transaction():
        id_, digest = _dataset(connection, new.dataset)
        scores = quality_of(connection, id_)
        values: dict[str, Any] = {name: getattr(new, name) for name in _SAME_COLUMNS}
        values |= {
            "dataset_id": id_,
            "dataset_digest": digest,
            "tier": new.tier.value,
            "personal_reference": new.personal_reference.value,
            "confidentiality": new.confidentiality.value,
            "integrity": new.integrity.value,
            "availability": new.availability.value,
            "consent": new.consent.value,
            "purposes": sorted(new.purposes) if new.purposes is not None else None,
            "retention": list(new.retention),
            "obligations": list(new.obligations.texts()),
            "open_obligations": list(new.open_obligations.texts()),
            "completeness": scores.completeness,
            "timeliness": scores.timeliness,
            "plausibility": scores.plausibility,
        }
        names = ", ".join(values)
        placeholders = ", ".join(f"%({name})s" + ("::tier" if name == "tier" else "") for name in values)
        row = connection.execute(
            f"insert into assessment (version, {names}) select coalesce(max(version), 0) + 1, {placeholders}"
            " from assessment where dataset_id = %(dataset_id)s returning version",
            values,
        ).fetchone()
    assert row is not None
    return int(row[0])


def sign_off(connection: psycopg.Connection[Any], key: str, version: int, by: str) -> Signed:
    """Put the newest version into force, from the next query on.

    Raises:
        AssessmentError: there is none, it is not the newest, it is signed off already, or its author signs.
    """
    with connection.transaction():
        id_, digest = _dataset(connection, key)
        one = _newest(connection, id_, key)
        if one["version"] != version:
            raise _flawed(
                "version", Wrong.NOT_NEWEST, f"{version} is not the newest of {key!r}, which is {one['version']}"
            )
        if one["signed_off_at"] is not None:
            text = f"{version} of {key!r} is signed off already, by {one['signed_off_by']}"
            raise _flawed("version", Wrong.DONE_ALREADY, text)
        if not by.strip() or is_same_person(by, one["author"]):
            text = f"{by!r} has written this assessment; a second person signs it off"
            raise _flawed("by", Wrong.SAME_PERSON, text)
        if bytes(one["dataset_digest"]) != bytes(digest):
            text = f"{key!r} has changed since it was assessed; assess it anew"
            raise _flawed("dataset", Wrong.CHANGED_SINCE, text)
        connection.execute(
            "update assessment set signed_off_by = %s, signed_off_at = clock_timestamp() where id = %s", (by, one["id"])
        )
        row = connection.execute(
            "update dataset d set tier = a.tier, assessment_id = a.id, tier_reason = a.reason, tier_set_by = a.author,"
            " tier_set_at = a.signed_off_at, data_owner = a.data_owner, data_steward = a.data_steward,"
            " personal_reference = a.personal_reference, legal_basis = nullif(a.legal_basis, ''),"
            " hvd_category = nullif(a.hvd_category, ''), review_due = a.review_due, purposes = a.purposes,"
            " licence = nullif(a.licence, ''), obligations = a.obligations, open_obligations = a.open_obligations"
            " from assessment a, dataset before where a.id = %s and d.id = a.dataset_id and before.id = d.id"
            " returning before.tier::text",
            (one["id"],),
        ).fetchone()
    assert row is not None
    return Signed(key, version, Tier(row[0]), Tier(one["tier"]))


def withdraw(connection: psycopg.Connection[Any], key: str, reason: str, by: str) -> Tier:
    """Take a dataset back to INTERNAL at once; one person is enough for that. Returns the tier before.

    Raises:
        AssessmentError: there is no such dataset, no reason is given, or it is PROTECTED: INTERNAL would be wider.
    """
    if not reason.strip():
        raise _flawed("reason", Wrong.EMPTY, "is empty; say why the dataset is taken back")
    if not by.strip():
        raise _flawed("by", Wrong.EMPTY, "is empty; say who takes the dataset back")
    with connection.transaction():
        id_, _ = _dataset(connection, key)
        row = connection.execute(
            "update dataset d set tier = 'INTERNAL', assessment_id = null, purposes = null, licence = null,"
            " obligations = '{}', open_obligations = '{}', tier_reason = %s, tier_set_by = %s,"
            " tier_set_at = clock_timestamp() from dataset before where d.id = %s and before.id = d.id"
            " and before.tier <> 'PROTECTED' returning before.tier::text",
            (reason, by, id_),
        ).fetchone()
    if row is None:
        text = f"{key!r} is PROTECTED, and INTERNAL is wider: assess it anew, and have it signed off"
        raise _flawed("dataset", Wrong.NOT_WITH_TIER, text)
    return Tier(row[0])


def versions(connection: psycopg.Connection[Any], key: str) -> list[dict[str, Any]]:
    """All versions of a dataset's assessment, newest first. Raises AssessmentError."""
    id_, _ = _dataset(connection, key)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select a.*, a.id = d.assessment_id as in_force from assessment a join dataset d on d.id = a.dataset_id"
            " where d.id = %s order by version desc",
            (id_,),
        ).fetchall()


def worklist(
    connection: psycopg.Connection[Any], *, key: str | None = None, everything: bool = False
) -> list[dict[str, Any]]:
    """Datasets about which something is to be done: UNASSESSED, UNSIGNED, OVERDUE, CHANGED. By title.

    `everything`: also the others. `key`: this one alone, whether something is to be done or not.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return [row for row in cursor.execute(_WORKLIST, {"key": key}) if row["todo"] or everything or key is not None]


def list_datasets(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """Key, tier, title and reason of every dataset, by title."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select key, tier::text, title, tier_reason from dataset order by title_sort, key"
        ).fetchall()


def _flawed(field: str, wrong: Wrong, text: str) -> AssessmentError:
    flaw = Flaw(field, wrong, text)
    return AssessmentError(str(flaw), flaw)


def _dataset(connection: psycopg.Connection[Any], key: str) -> tuple[int, bytes]:
    row = connection.execute("select id, digest from dataset where key = %s for update", (key,)).fetchone()
    if row is None:
        raise AssessmentError(f"dataset: {key[:80]!r} does not exist; see `verbund dataset list`")
    return row[0], row[1]


def _newest(connection: psycopg.Connection[Any], dataset_id: int, key: str) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        one = cursor.execute(
            "select * from assessment where dataset_id = %s order by version desc limit 1", (dataset_id,)
        ).fetchone()
    if one is None:
        raise AssessmentError(f"dataset: {key!r} has no assessment; write one with `verbund assessment draft`")
    return one
