"""What stewards do through the API: checked, carried out and recorded in one transaction, answered.

So nothing is decided of which there is no record, whatever becomes of the request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, cast

import msgspec
import psycopg
from strawberry.scalars import JSON

from federation.agreements import AgreementError, Terms
from federation.errors import MembershipError
from federation.transport import PeerTransport
from node.agreeing import Agreeing
from node.audit.log import AccessLog
from node.audit.record import DENY, OWNER, PERMIT, AccessRecord, action_of, operation_digest
from node.store.agreements import agreement_of, list_agreements, state_of
from node.store.assessments import AssessmentError, assess, sign_off, versions, withdraw, worklist
from node.store.connections import connect
from policy.agreement_text import Written, odrl, readable
from policy.assessment import COUNT_OPEN_OBLIGATIONS, Assessment, Consent, Need, PersonalReference
from policy.errors import Flaw, PolicyError, Wrong
from policy.model import Tier
from policy.obligations import read_obligations
from schema.errors import BadInput, Forbidden, Unavailable
from schema.ids import parse_id
from schema.ports import Request
from schema.types import enums
from schema.types import governance as api

READ, WRITE = "governance:read", "governance:write"
_TEXTS = (
    "reason", "anonymisation", "legal_basis", "licence", "consent_reference", "hvd_category", "data_owner",
    "data_steward", "reference_class", "review_due",
)  # fmt: skip
_Result = TypeVar("_Result")
_Work = Callable[[psycopg.Connection[Any]], _Result]


class Governance:
    """Fills `schema.ports.Governance`."""

    def __init__(
        self,
        city: str,
        database_url: str,
        agreeing: Agreeing,
        access_log: AccessLog,
        transport: Callable[[], PeerTransport],
    ) -> None:
        self._transport = transport
        self._city = city
        self._database_url = database_url
        self._agreeing = agreeing
        self._log = access_log

    async def worklist(self, request: Request, dataset: str | None, *, everything: bool) -> list[api.WorklistItem]:
        """Datasets about which something is to be done; all of them, or one."""
        key = None if dataset is None else self._key(dataset)
        datasets = () if dataset is None else (dataset,)

        def work(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
            return worklist(connection, key=key, everything=everything)

        rows = await self._done(request, "worklist", READ, datasets, work)
        return [
            api.WorklistItem(
                dataset=self._id(row["key"]),
                title=row["title"],
                tier=enums.Tier[row["tier"]],
                todo=row["todo"],
                version=row["version"],
                author=row["author"],
                review_due=row["review_due"],
                proposed_open_obligations=list(COUNT_OPEN_OBLIGATIONS) if row["counts"] else [],
            )
            for row in rows
        ]

    async def assessments(self, request: Request, dataset: str) -> list[api.AssessmentVersion]:
        """All versions, newest first."""
        key = self._key(dataset)
        rows = await self._done(request, "assessments", READ, (dataset,), lambda connection: versions(connection, key))
        return [self._version(key, row) for row in rows]

    async def agreements(self, request: Request) -> list[api.Agreement]:
        """All agreements, newest first."""
        rows = await self._done(request, "agreements", READ, (), list_agreements)
        return [self._agreement(row) for row in rows]

    async def assess(self, request: Request, told: api.AssessmentInput) -> api.AssessmentVersion:
        """Write a new version."""
        key = self._key(told.dataset)

        def work(connection: psycopg.Connection[Any]) -> dict[str, Any]:
            assess(connection, _assessment(key, told, self._name(request)))
            return versions(connection, key)[0]

        return self._version(key, await self._done(request, "assessDataset", WRITE, (told.dataset,), work))

    async def sign_off(self, request: Request, dataset: str, version: int) -> api.AssessmentVersion:
        """Put the newest version into force."""
        key = self._key(dataset)

        def work(connection: psycopg.Connection[Any]) -> dict[str, Any]:
            sign_off(connection, key, version, self._name(request))
            return versions(connection, key)[0]

        return self._version(key, await self._done(request, "signOffAssessment", WRITE, (dataset,), work))

    async def withdraw(self, request: Request, dataset: str, reason: str) -> bool:
        """Take a dataset back."""
        key, by = self._key(dataset), self._name(request)

        def work(connection: psycopg.Connection[Any]) -> bool:
            withdraw(connection, key, reason, by)
            return True

        return await self._done(request, "withdrawDataset", WRITE, (dataset,), work)

    async def offer(self, request: Request, told: api.OfferInput) -> api.Agreement:
        """Offer and deliver."""
        terms = self._terms(told)
        return await self._agreed(request, "offerAgreement", terms.id, lambda c: self._agreeing.offer(c, terms))

    async def accept(self, request: Request, id_: str, version: int | None) -> api.Agreement:
        """Accept and deliver."""
        act = partial(self._agreeing.accept, id_=id_, version=version)
        return await self._agreed(request, "acceptAgreement", id_, act, version)

    async def revoke(self, request: Request, id_: str, version: int | None) -> api.Agreement:
        """Revoke and deliver."""
        act = partial(self._agreeing.revoke, id_=id_, version=version)
        return await self._agreed(request, "revokeAgreement", id_, act, version)

    async def _agreed(
        self, request: Request, field: str, id_: str, act: _Work[None], version: int | None = None
    ) -> api.Agreement:
        await self._done(request, field, WRITE, (), act)
        await asyncio.to_thread(self._deliver)
        return self._agreement(await asyncio.to_thread(self._run, lambda c: agreement_of(c, id_, version)))

    def _deliver(self) -> None:
        """What can't be delivered now stays to be: the agreement tells it."""

        async def deliver() -> None:
            with connect(self._database_url, "verbund-governance") as connection:
                async with self._transport() as transport:
                    await self._agreeing.deliver(connection, transport)

        asyncio.run(deliver())

    async def _done(
        self, request: Request, field: str, scope: str, datasets: tuple[str, ...], work: _Work[_Result]
    ) -> _Result:
        caller = request.caller
        if caller.peer is not None or caller.city != self._city or scope not in caller.scopes:
            await self._log.append([self._record(request, field, scope, datasets, DENY)], request.document)
            raise Forbidden(
                f"{field}: needs a token of this city's own application with the scope {scope}",
                hint=f"an operator grants it with `verbund client add … --scope {scope}`",
            )
        began = time.perf_counter()

        def recorded(connection: psycopg.Connection[Any]) -> tuple[_Result, AccessRecord]:
            with connection.transaction():
                found = work(connection)
                took_ms = (time.perf_counter() - began) * 1000
                rows = len(found) if isinstance(found, list) else 0
                record = self._record(request, field, scope, datasets, PERMIT, rows, took_ms)
                self._log.append_within(connection, [record], request.document)
            return found, record

        found, record = await asyncio.to_thread(self._run, recorded)
        self._log.counted([record])
        return found

    def _run(self, work: _Work[_Result]) -> _Result:
        try:
            with connect(self._database_url, "verbund-governance") as connection:
                return work(connection)
        except (AssessmentError, AgreementError, PolicyError) as error:
            raise BadInput(str(error), flaws=error.flaws) from None
        except MembershipError as error:
            raise Unavailable(f"the membership list can't be used: {error.reason}") from None
        except psycopg.OperationalError as error:
            raise Unavailable("the database can't be reached") from error

    def _record(
        self,
        request: Request,
        field: str,
        scope: str,
        datasets: tuple[str, ...],
        decision: str,
        rows: int = 0,
        took_ms: float = 0.0,
    ) -> AccessRecord:
        return AccessRecord(
            role=OWNER,
            caller=request.caller,
            counterpart=request.caller.peer,
            trace_id=request.trace_id,
            field=field,
            action=action_of(request.caller, *scope.split(":")),
            operation=operation_digest(request.document),
            datasets=datasets,
            decision=decision,
            rules=(f"scope/{scope}",),
            policy_version="",
            state="OK",
            rows=rows,
            bytes=0,
            took_ms=took_ms,
        )

    def _name(self, request: Request) -> str:
        """Who acts: the person, if an application or a desk acts for one."""
        return request.caller.subject or f"{request.caller.city}#{request.caller.application}"

    def _id(self, key: str) -> Any:
        return f"{self._city}:dataset:{key}"

    def _key(self, dataset: str) -> str:
        target = parse_id(dataset, kind="dataset", argument="dataset")
        if target.city != self._city:
            raise BadInput(f"dataset: {dataset[:80]!r} is another city's; its own stewards assess it")
        return target.key

    def _terms(self, told: api.OfferInput) -> Terms:
        lists = ("datasets", "themes", "keywords", "applications", "purposes", "obligations")
        try:
            return msgspec.convert(
                {
                    "id": told.id,
                    "version": told.version,
                    "owner": self._city,
                    "member": told.member,
                    "note": told.note,
                    "valid_from": int(told.valid_from.timestamp()),
                    "valid_until": int(told.valid_until.timestamp()),
                    **{name: getattr(told, name) for name in lists},
                },
                Terms,
            )
        except msgspec.ValidationError as error:
            raise BadInput(f"offer: {error}", flaws=_malformed(str(error))) from None

    def _version(self, key: str, row: dict[str, Any]) -> api.AssessmentVersion:
        same = (
            "anonymisation", "legal_basis", "licence", "consent_reference", "hvd_category", "data_owner",
            "data_steward", "retention", "reference_class", "version", "author", "authored_at", "reason", "purposes",
            "obligations", "open_obligations", "review_due", "completeness", "timeliness", "plausibility",
            "signed_off_by", "signed_off_at",
        )  # fmt: skip
        return api.AssessmentVersion(
            dataset=self._id(key),
            tier=enums.Tier[row["tier"]],
            personal_reference=api.PersonalReference(row["personal_reference"]),
            confidentiality=api.ProtectionNeed(row["confidentiality"]),
            integrity=api.ProtectionNeed(row["integrity"]),
            availability=api.ProtectionNeed(row["availability"]),
            consent=api.SupervisoryConsent(row["consent"]),
            in_force=bool(row["in_force"]),
            **{name: row[name] for name in same},
        )

    def _agreement(self, row: dict[str, Any]) -> api.Agreement:
        values = {name: row[name] for name in Written.__dataclass_fields__} | {"owner": row["owner"] or self._city}
        written = Written(**values)
        return api.Agreement(
            **values,
            state=state_of(row, datetime.now(UTC)),
            undelivered=row["undelivered"],
            german=readable(written, "de"),
            english=readable(written, "en"),
            odrl=cast("JSON", odrl(written, self._agreeing.issuers())),
        )


def _malformed(message: str) -> list[Flaw]:
    """The field that msgspec names at the end of its message."""
    problem, _, where = message.partition(" - at `$.")
    wrong = Wrong.EMPTY if "length >= 1" in problem else Wrong.FORM
    return [Flaw(where.partition("[")[0].rstrip("`"), wrong, problem)] if where else []


def _assessment(key: str, told: api.AssessmentInput, author: str) -> Assessment:
    return Assessment(
        dataset=key,
        author=author,
        tier=Tier(told.tier.name),
        personal_reference=PersonalReference(told.personal_reference.value),
        confidentiality=Need(told.confidentiality.value),
        integrity=Need(told.integrity.value),
        availability=Need(told.availability.value),
        consent=Consent(told.consent.value),
        purposes=None if told.purposes is None else frozenset(told.purposes),
        retention=tuple(told.retention),
        obligations=read_obligations(told.obligations),
        open_obligations=read_obligations(told.open_obligations, "open_obligations"),
        **{name: getattr(told, name) for name in _TEXTS},
    )
