"""Back up a node into a directory, and make a node's database anew from one.

A backup holds the database as one state (pg_dump), the files of the home that make the node this city's, and a manifest
with digests. Keys go along only if they are encrypted at rest: a backup must not be the weakest place that they lie in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import psycopg

from node.settings import FILE_NAME, Settings
from node.store import obliged, reading_role
from node.store.embedded import program
from node.store.engine import make_engine
from node.store.migrate import migrate, schema_state

MANIFEST = "manifest.json"
DUMP = "database.dump"
FILES = (FILE_NAME, "policies", "anchors", "documents")
ENCRYPTED = b"ENCRYPTED PRIVATE KEY"


class BackupError(Exception):
    """It can't be made or used; the text says why and what to do."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup says of itself. `files`: SHA-256 by path within the backup."""

    city: str
    issuer: str
    made_at: datetime
    software: str
    schema: str
    records: int
    log_size: int
    files: dict[str, str]


def make_backup(settings: Settings, database_url: str, target: Path) -> tuple[Manifest, list[str]]:
    """Write a backup into `target`, which must not exist; the manifest, and keys that were left out.

    Raises:
        BackupError.
    """
    if target.exists():
        raise BackupError(f"{target} exists: name a directory that does not")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    engine = make_engine(database_url)
    schema = schema_state(engine).current
    engine.dispose()
    if schema is None:
        raise BackupError("the database has no schema: there is nothing to back up")
    records, log_size = _dump(database_url, part / DUMP)
    left_out = _copy_files(settings, part)
    manifest = Manifest(
        city=settings.city,
        issuer=settings.issuer,
        made_at=datetime.now(UTC),
        software=version("verbund"),
        schema=schema,
        records=records,
        log_size=log_size,
        files={str(file.relative_to(part)): _digest(file) for file in sorted(part.rglob("*")) if file.is_file()},
    )
    (part / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    for file in part.rglob("*"):
        if file.is_file():
            _flush(file)
    part.rename(target)
    return manifest, left_out


def read_manifest(source: Path) -> Manifest:
    """The manifest of a backup whose files are all there and unchanged.

    Raises:
        BackupError.
    """
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{source} is not a backup of a node: {error}") from error
    for name, digest in manifest.files.items():
        file = source / name
        if not file.is_file() or _digest(file) != digest:
            raise BackupError(f"{name} is missing or not as it was backed up: use another backup")
    return manifest


def restore_settings(home: Path, source: Path) -> bool:
    """Begin a new home with the settings of a backup; False if it has settings.

    Raises:
        BackupError: the backup can't be used; nothing was changed.
    """
    file = home / FILE_NAME
    if file.exists():
        return False
    if FILE_NAME not in read_manifest(source).files:
        raise BackupError(f"{source} has no {FILE_NAME}: write one into {home} first")
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / FILE_NAME, file)
    file.chmod(0o600)
    return True


def restore_database(settings: Settings, database_url: str, source: Path) -> Manifest:
    """Make the database anew from a backup, bring its schema up to date; all or nothing.

    Raises:
        BackupError: the backup or the database can't be used; nothing was changed.
    """
    manifest = read_manifest(source)
    if manifest.city != settings.city:
        raise BackupError(f"{source} is a backup of {manifest.city}; this node is {settings.city}")
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    if found != (0,):
        raise BackupError(
            "the database is not empty, nothing was changed: name an empty one in database_url, or as --home a"
            " directory that does not exist yet"
        )
    done = subprocess.run(  # noqa: S603 - our own PostgreSQL
        [program("pg_restore"), "--dbname", database_url, "--no-owner", "--no-privileges", "--single-transaction",
         "--exit-on-error", str(source / DUMP)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(f"pg_restore failed, nothing was restored: {done.stderr.strip()[:1000]}")
    engine = make_engine(database_url)
    migrate(engine)
    engine.dispose()
    return manifest


def restore_files(settings: Settings, source: Path) -> list[str]:
    """Put back files of the home that are not there; their names. What is there is left alone."""
    restored = []
    for name in read_manifest(source).files:
        target = settings.home / name
        if name != DUMP and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(source / name, target)
            target.chmod(0o600)
            restored.append(name)
    return restored


def _dump(database_url: str, file: Path) -> tuple[int, int]:
    """Dump one snapshot; returns how many access records are in it, and how many the newest head of the log covers."""
    with psycopg.connect(database_url) as connection:
        connection.execute("set transaction isolation level repeatable read read only")
        row = connection.execute(
            "select pg_export_snapshot(), (select count(*) from access_record),"
            " (select coalesce(max(size), 0) from log_checkpoint)"
        ).fetchone()
        assert row is not None
        # views of the reading role are put in place anew: they belong to a role that another server does not have
        leave = [f"--exclude-schema={schema}" for schema in (reading_role.SCHEMA, obliged.SCHEMA)]
        done = subprocess.run(  # noqa: S603
            [program("pg_dump"), "--dbname", database_url, "--format", "custom", "--snapshot", row[0], "--no-owner",
             "--no-privileges", *leave, "--file", str(file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise BackupError(f"pg_dump failed: {done.stderr.strip()[:1000]}")
    return int(row[1]), int(row[2])


def _copy_files(settings: Settings, target: Path) -> list[str]:
    for name in FILES:
        source = settings.home / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        elif source.is_file():
            shutil.copy2(source, target / name)
    left_out = []
    for key in sorted(settings.keys_home.rglob("*.pem")):  # revoked ones, too: they prove what they have signed
        kept = key.relative_to(settings.keys_home)
        if ENCRYPTED in key.read_bytes():
            copy = target / "keys" / kept
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(key, copy)
        else:
            left_out.append(str(kept))
    return left_out


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
