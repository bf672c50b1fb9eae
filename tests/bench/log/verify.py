"""Verify a million records: the stored log, and a bundle of all of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation.log_keys import NamedKey
from federation.tlog.checkpoint import cosign
from federation.tlog.note import COSIGNATURE, ED25519, Note, read, verifier_key
from node.audit.bundle import BundleMaker
from node.audit.fsck import check_log
from node.audit.grammar import read_filter
from node.audit.sequencer import Sequencer
from node.audit.verify import verify_bundle
from node.store.embedded import embedded_postgres
from node.store.engine import make_engine
from node.store.migrate import migrate
from tests.log import append

PRIVATE = Ed25519PrivateKey.generate()
KEY = NamedKey(verifier_key("giessen.example/log", ED25519, PRIVATE), PRIVATE)
WITNESS = verifier_key("fulda.example/witness", COSIGNATURE, PRIVATE)
BATCH = 5_000


def main(folder: Path, records: int) -> None:
    """Print seconds, and those of this process's processor time, which other work on the machine leaves alone."""
    with embedded_postgres(folder / "pg") as url:
        engine = make_engine(url)
        migrate(engine)
        engine.dispose()
        with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
            _timed(f"append {records} records", lambda: _fill(connection, records))
            sequencer = Sequencer(connection, KEY)
            assert sequencer.try_lock()
            _timed("sequence them", sequencer.sequence)
            _cosign(connection)
            _timed("fsck", lambda: check_log(connection, KEY.key))
            file = folder / "bundle.jsonl"
            maker = BundleMaker(connection, "giessen", KEY)
            _timed("make a bundle of all", lambda: maker.write(file, "", read_filter("")))
    print(f"the bundle has {file.stat().st_size / 1e6:.0f} MB")
    _timed("verify the bundle", lambda: verify_bundle(file))


def _fill(connection: psycopg.Connection, records: int) -> None:
    connection.execute("set synchronous_commit = off")
    for number in range(0, records, BATCH):
        append(connection, min(BATCH, records - number), trace_id=f"{number:032x}")


def _cosign(connection: psycopg.Connection) -> None:
    size, text = connection.execute("select size, note from log_checkpoint order by size desc limit 1").fetchone()
    note = read(text)
    signed = Note(note.text, (*note.signatures, cosign(note.text, WITNESS, PRIVATE, int(time.time()))))
    connection.execute(
        "update log_checkpoint set note = %s, cosigned_at = now(), witness_keys = %s where size = %s",
        (str(signed), json.dumps({"fulda": str(WITNESS)}), size),
    )


def _timed(what: str, work) -> None:
    began, used = time.perf_counter(), time.process_time()
    work()
    took, used = time.perf_counter() - began, time.process_time() - used
    print(f"{what}: {took:.1f} s ({used:.1f} s of processor time)", flush=True)
