"""What a sign-in must remember between two requests of a browser: in PostgreSQL, for minutes, to be taken out once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from node.store.pool import Pool

T = TypeVar("T")
HANDLE_BYTES = 32


class SignInStore:
    """Keeps content under handles that can't be guessed; the database knows their digests only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, content: msgspec.Struct, seconds: int, handle: str | None = None) -> str:
        """Keep the content for some time; the handle to get it back, a new one unless it is given.

        Raises psycopg's errors.
        """
        handle = handle or secrets.token_urlsafe(HANDLE_BYTES)
        async with self._pool.connection() as connection:
            await connection.execute("delete from sign_in where expires_at < now()")
            await connection.execute(
                "insert into sign_in values (%s, %s::jsonb, now() + make_interval(secs => %s))",
                (_digest(handle), msgspec.json.encode(content).decode(), seconds),
            )
        return handle

    async def look(self, handle: str, kind: type[T]) -> T | None:
        """The content, if it is there and of this kind. Raises psycopg's errors."""
        return await self._find(
            "select content::text from sign_in where handle = %s and expires_at > now()", handle, kind
        )

    async def prolong(self, handle: str, seconds: int) -> None:
        """Let the content stay for so long from now on. Raises psycopg's errors."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "update sign_in set expires_at = now() + make_interval(secs => %s) where handle = %s",
                (seconds, _digest(handle)),
            )

    async def take(self, handle: str, kind: type[T]) -> T | None:
        """The content, which nobody gets a second time. Raises psycopg's errors."""
        found = "delete from sign_in where handle = %s and expires_at > now() returning content::text"
        return await self._find(found, handle, kind)

    async def end(self, tags: Sequence[str], person: str | None) -> int:
        """Forget content with these tags, of a person or of everybody; how many there were. Raises psycopg's errors."""
        statement = (
            "delete from sign_in"
            " where content->>'type' = any(%s) and content->>'person' = coalesce(%s, content->>'person')"
        )
        async with self._pool.connection() as connection:
            return (await connection.execute(statement, (list(tags), person))).rowcount

    async def _find(self, statement: str, handle: str, kind: type[T]) -> T | None:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(statement, (_digest(handle),))).fetchone()
        if row is None:
            return None
        try:
            return msgspec.json.decode(row[0], type=kind)
        except msgspec.ValidationError:  # the handle of something else
            return None


def _digest(handle: str) -> bytes:
    return hashlib.sha256(handle.encode("utf-8", "surrogatepass")).digest()
