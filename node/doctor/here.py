"""What this node needs to be served: files, keys, rules, disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from node.auth.key_directory import NodeKeys
from node.auth.key_ring import KeyUse
from node.auth.keys import KeyFileError, passphrase_of
from node.auth.log_keys import load_log_keys
from node.doctor.finding import Finding, failed, ok, warning
from node.gate import load_rules
from node.http.trusted import TrustedDocumentError, load_documents
from node.members import peer_transport
from node.settings import Settings, SettingsError
from policy.errors import PolicyError
from schema.build import build_schema

KEY_AGE = timedelta(days=180)
LITTLE_BYTES = 2 * 2**30
LITTLE_SHARE = 0.1
NO_BYTES = 32 * 2**20  # PostgreSQL writes its journal in pieces of 16 MB


def examine(settings: Settings) -> Iterator[Finding]:
    """All that can be told without the database and without the network."""
    yield _plain_http(settings)
    yield _keys(settings)
    yield _loads("rules", "read", PolicyError, lambda: load_rules(settings.policies_directory, settings.city))
    directory = settings.trusted_documents_directory
    yield _loads(
        "trusted documents", "read", TrustedDocumentError, lambda: load_documents(directory, build_schema().documents)
    )
    yield _loads(
        "authorities", "certificates of peers can be verified", SettingsError, lambda: peer_transport(settings)
    )
    yield _disk(settings)


def _plain_http(settings: Settings) -> Finding:
    if settings.unsafe_plain_http:
        return warning("encryption", "plain http is allowed", "remove unsafe_plain_http, unless this is a trial")
    return ok("encryption", "https only")


def _keys(settings: Settings) -> Finding:
    try:
        keys = NodeKeys(settings.keys_home, passphrase_of(settings))
        now = datetime.now(UTC)
        held = keys.ring.published(KeyUse.SIGNING, now.timestamp())
        load_log_keys(settings)
    except KeyFileError as error:
        return failed("keys", str(error), "docs/keys.md tells how keys are kept and made")
    newest = max(settings.keys_home.glob("signing*.pem"), key=lambda file: file.stat().st_mtime, default=None)
    since = datetime.fromtimestamp(newest.stat().st_mtime, UTC) if newest is not None else now
    if now - since > KEY_AGE:
        return warning("keys", f"the signing key is from {since:%F}", "run `verbund key rotate`")
    encrypted = "encrypted" if passphrase_of(settings) is not None else "not encrypted at rest"
    return ok("keys", f"{len(held)} published for signing, {encrypted}")


def _loads(check: str, message: str, kind: type[Exception], load: Callable[[], object]) -> Finding:
    try:
        load()
    except kind as error:
        return failed(check, str(error), "correct the file")
    return ok(check, message)


def _disk(settings: Settings) -> Finding:
    usage = shutil.disk_usage(settings.home)
    left = f"{usage.free / 2**30:.1f} GB free at {settings.home}"
    if usage.free < NO_BYTES and settings.database_url is None:
        return failed("disk", left, "make room: no access record can be written, so no data leaves", passing=True)
    if usage.free < LITTLE_BYTES or usage.free < LITTLE_SHARE * usage.total:
        return warning("disk", left, "make room: without it no access record can be written, so no data leaves")
    return ok("disk", left)
