"""A database with a log, and its sequencer."""

from __future__ import annotations

import time
from contextlib import contextmanager

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from federation.log_keys import NamedKey
from federation.tlog.note import ED25519, verifier_key
from node.audit.sequencer import Sequencer

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = NamedKey(verifier_key("giessen.example/log", ED25519, PRIVATE), PRIVATE)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True, options="-c TimeZone=UTC") as opened:
        yield opened


@contextmanager
def sequencing(database_url):
    """A sequencer that holds the lock, until the end of the block."""
    with psycopg.connect(database_url, autocommit=True, options="-c TimeZone=UTC") as opened:
        sequencer = Sequencer(opened, KEY)
        ends = time.monotonic() + 10
        while not sequencer.try_lock():  # the one before has gone, its session may not have
            assert time.monotonic() < ends
            time.sleep(0.01)
        yield sequencer


def sequence(database_url) -> int:
    with sequencing(database_url) as sequencer:
        return sequencer.sequence()
