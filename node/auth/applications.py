"""The applications of this city: who may get tokens here, with which keys, scopes and purposes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from psycopg.rows import dict_row
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from federation.jose import JwtError, public_keys
from federation.subjects import ANONYMOUS_ID, is_application_id
from node.auth.revocation import allow, client_subject, end_tokens, refuse
from node.auth.scopes import SCOPES
from node.auth.sign_in.desk import APPLICATION as DESK
from node.store.auth_tables import application
from node.store.pool import Pool
from policy.vocabulary import PURPOSES, is_purpose

MAX_URI = 500
RESERVED = {ANONYMOUS_ID: "callers without a token", DESK: "people at the node's own desks"}


class ApplicationError(Exception):
    """An application can't be registered or changed so. The text names the field and the remedy."""


class ApplicationStatus(StrEnum):
    """A suspended application gets no tokens, and those it has count no more."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True)
class Application:
    """A program registered here. `id` is its client_id, `jwks` its public keys (RFC 7517).

    With `redirect_uris` people can sign in to it.
    """

    id: str
    name: str
    jwks: dict[str, Any]
    scopes: tuple[str, ...]
    purposes: tuple[str, ...]
    status: str = ApplicationStatus.ACTIVE
    redirect_uris: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """True if it may get tokens."""
        return self.status == ApplicationStatus.ACTIVE


@dataclass(frozen=True)
class Registration:
    """An application before it has keys; the fields are those of `Application`."""

    id: str
    name: str
    purposes: tuple[str, ...]
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()

    def with_keys(self, jwks: dict[str, Any]) -> Application:
        """The application with this key set."""
        return Application(self.id, self.name, jwks, self.scopes, self.purposes, redirect_uris=self.redirect_uris)


class ApplicationReader:
    """Looks applications up for the token endpoint."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, application_id: str) -> Application | None:
        """The application, also if it is suspended. Raises psycopg's errors."""
        statement = "select id, name, jwks, scopes, purposes, status, redirect_uris from application where id = %s"
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, (application_id,))
            row = await cursor.fetchone()
        return None if row is None else _read(row)


def add_application(engine: Engine, new: Application) -> None:
    """Register an application.

    Raises:
        ApplicationError: the id is taken or malformed, or keys, scopes or purposes are wrong.
    """
    _check(new)
    values = {
        "id": new.id,
        "name": new.name,
        "jwks": new.jwks,
        "scopes": list(new.scopes),
        "purposes": list(new.purposes),
        "status": new.status,
        "redirect_uris": list(new.redirect_uris),
    }
    try:
        with engine.begin() as connection:
            connection.execute(insert(application).values(values))
    except IntegrityError:
        raise ApplicationError(f"id: {new.id!r} is registered already; choose another one") from None


def list_applications(engine: Engine) -> list[Application]:
    """All applications by id."""
    columns = [application.c[name] for name in Application.__dataclass_fields__]
    with engine.connect() as connection:
        return [_read(dict(row)) for row in connection.execute(select(*columns).order_by(application.c.id)).mappings()]


def set_status(engine: Engine, application_id: str, status: ApplicationStatus) -> None:
    """Suspend or activate an application. Suspension ends the tokens that it has.

    Raises:
        ApplicationError: there is no such application.
    """
    with engine.begin() as connection:
        changed = connection.execute(
            update(application).where(application.c.id == application_id).values(status=status.value)
        )
        if changed.rowcount == 0:
            raise _unknown(application_id)
        if status is ApplicationStatus.SUSPENDED:
            refuse(connection, client_subject(application_id))
        else:
            allow(connection, client_subject(application_id))


def set_keys(engine: Engine, application_id: str, key: dict[str, Any], *, drop_old: bool) -> None:
    """Register a further key set beside the keys that an application has, or in their place.

    With `drop_old` the former keys and the tokens that were got with them count no more.

    Raises:
        ApplicationError: there is no such application, or its keys become too many or repeat each other.
    """
    with engine.begin() as connection:
        row = connection.execute(
            select(application.c.jwks).where(application.c.id == application_id).with_for_update()
        ).scalar()
        if row is None:
            raise _unknown(application_id)
        kept = [] if drop_old else row["keys"]
        jwks = {"keys": [*key["keys"], *kept]}
        _check_keys(jwks)
        connection.execute(update(application).where(application.c.id == application_id).values(jwks=jwks))
        if drop_old:
            end_tokens(connection, client_subject(application_id))


def _read(row: Mapping[str, Any]) -> Application:
    lists = {name: tuple(row[name]) for name in ("scopes", "purposes", "redirect_uris")}
    return Application(**{**row, **lists})


def _check(new: Application) -> None:
    if new.id in RESERVED:
        raise ApplicationError(f"id: {new.id!r} is reserved for {RESERVED[new.id]}")
    if not is_application_id(new.id):
        raise ApplicationError(f"id: {new.id!r} is not 2 to 63 small letters, digits and hyphens, a letter first")
    if not new.name.strip() or len(new.name) > 200 or not new.name.isprintable():
        raise ApplicationError("name: must be 1 to 200 printable characters")
    _check_names("purpose", new.purposes, is_purpose, PURPOSES)
    _check_names("scope", new.scopes, SCOPES.__contains__, SCOPES)
    if wrong := [uri for uri in new.redirect_uris if not is_redirect_uri(uri)]:
        raise ApplicationError(f"redirect URI: {wrong[0]!r} is not https://…, nor http:// on this machine (127.0.0.1)")
    _check_keys(new.jwks)


def is_redirect_uri(text: str) -> bool:
    """True for an address that people may be sent back to: encrypted, or on their own machine (RFC 8252 §7.3)."""
    if len(text) > MAX_URI or not text.isascii() or not text.isprintable() or not set(text).isdisjoint(' "<>\\^`{|}#'):
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in {"127.0.0.1", "::1"}))


def _check_keys(jwks: dict[str, Any]) -> None:
    try:
        public_keys(jwks)
    except JwtError as error:
        raise ApplicationError(f"key: {error.reason}") from None


def _unknown(application_id: str) -> ApplicationError:
    return ApplicationError(f"id: no application {application_id!r}; `verbund client list` shows them")


def _check_names(
    field: str, names: Sequence[str], is_known: Callable[[str], bool], known: Mapping[str, object]
) -> None:
    choices = ", ".join(known)
    if not names:
        raise ApplicationError(f"{field}: name at least one of {choices}")
    if unknown := [name for name in names if not is_known(name)]:
        raise ApplicationError(f"{field}: {unknown[0]!r} is unknown; choose from {choices}")
    if len(set(names)) < len(names):
        raise ApplicationError(f"{field}: each one once only")
