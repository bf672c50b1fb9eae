"""Back up a node into a directory, and make a node's database anew from one.

A backup holds the database as one state (pg_dump), the files of the home that make the node this city's, and a manifest
with digests. Keys go along only if they are encrypted at rest: a backup must not be the weakest place that they lie in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import msgspec
import psycopg

from node.settings import FILE_NAME, Settings
from node.store import obliged, reading_role
from node.store.engine import open_engine
from node.store.migrate import migrate, schema_state
from node.store.programs import run_program
from node.store.revisions import revisions

MANIFEST = "manifest.json"
DUMP = "database.dump"
FILES = (FILE_NAME, "policies", "anchors", "documents")
KEYS = "keys"
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
    try:
        made = _write_backup(settings, database_url, part)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)  # where the disk is full, what was written is in the way
        raise
    return made


def _write_backup(settings: Settings, database_url: str, part: Path) -> tuple[Manifest, list[str]]:
    with open_engine(database_url) as engine:
        schema = schema_state(engine).current
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
        if not _belongs(name) or not file.resolve().is_relative_to(source.resolve()):
            raise BackupError(f"{name} is no file of a node: somebody has changed this backup, use another one")
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
    _put(source / FILE_NAME, file)
    return True


def restore_database(settings: Settings, database_url: str, source: Path) -> Manifest:
    """Make the database anew from a backup, bring its schema up to date; all or nothing.

    Raises:
        BackupError: the backup or the database can't be used; nothing was changed.
    """
    manifest = read_manifest(source)
    if manifest.city != settings.city:
        raise BackupError(f"{source} is a backup of {manifest.city}; this node is {settings.city}")
    if manifest.schema not in revisions():
        raise BackupError(
            f"{source} is of Verbund {manifest.software}, whose schema {manifest.schema} is not known here: install"
            " that version or a newer one"
        )
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    if found != (0,):
        raise BackupError(
            "the database is not empty, nothing was changed: name an empty one in database_url, or as --home a"
            " directory that does not exist yet"
        )
    options = "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"
    if told := run_program("pg_restore", database_url, *options, str(source / DUMP)):
        raise BackupError(f"pg_restore failed, nothing was restored: {told}")
    with open_engine(database_url) as engine:
        migrate(engine)
    return manifest


def restore_files(settings: Settings, source: Path) -> list[str]:
    """Put back files of the home that are not there; their names. What is there is left alone."""
    restored = []
    for name in read_manifest(source).files:
        path = PurePosixPath(name)
        is_key = path.parts[0] == KEYS
        target = settings.keys_home / path.relative_to(KEYS) if is_key else settings.home / path
        if name != DUMP and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _put(source / name, target)
            restored.append(name)
    return restored


def _belongs(name: str) -> bool:
    """Whether a backup may hold such a file: its manifest says where files go, and nobody has signed it."""
    path = PurePosixPath(name)
    return (
        not path.is_absolute() and ".." not in path.parts and path.parts[:1] in {(one,) for one in (DUMP, KEYS, *FILES)}
    )


def _put(source: Path, target: Path) -> None:
    """Copy a file that nobody else may read at any time."""
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


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
        options = "--format=custom", f"--snapshot={row[0]}", "--no-owner", "--no-privileges", f"--file={file}", *leave
        told = run_program("pg_dump", database_url, *options)
    if told:
        raise BackupError(f"pg_dump failed: {told}")
    return int(row[1]), int(row[2])


def _copy_files(settings: Settings, target: Path) -> list[str]:
    for name in FILES:
        source = settings.home / name
        if source.is_dir():
            _copy_directory(source, target / name)
        elif source.is_file():
            shutil.copy2(source, target / name)
    left_out = []
    for key in sorted(settings.keys_home.rglob("*.pem")):  # revoked ones, too: they prove what they have signed
        kept = key.relative_to(settings.keys_home)
        if ENCRYPTED in key.read_bytes():
            copy = target / KEYS / kept
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(key, copy)
        else:
            left_out.append(str(kept))
    return left_out


def _copy_directory(source: Path, target: Path) -> None:
    """What links lead to goes along, but not the folders beside them from which Kubernetes mounts files."""
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("..*"))
    except shutil.Error as error:
        ((failed, _, why), *_) = error.args[0]
        raise BackupError(f"{failed} can't be copied: {why}") from None


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
