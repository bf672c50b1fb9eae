"""The test vectors of docs/log-format.md, which others write verifiers by, are what this node makes."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

from federation.tlog.tree import leaf_hash, root_of
from node.audit.canonical import entry_bytes, kind_bytes, personal_bytes, personal_digest
from node.audit.record import operation_digest

TEXT = (Path(__file__).parents[4] / "docs" / "log-format.md").read_text(encoding="utf-8").split("## Test vectors")[1]
KIND, PERSONAL, ENTRY = (block.split("\n") for block in re.findall(r"```\n(.*?)\n```", TEXT, re.DOTALL))


def test_a_kind_and_its_operation():
    fields = json.loads(KIND[0])
    [document] = re.findall(r"SHA-256 of `(\{.*?\})`", TEXT)
    assert operation_digest(document).hex() == fields["operation"]
    made = kind_bytes(**fields | {"operation": bytes.fromhex(fields["operation"])})
    assert [made.decode(), sha256(made).hexdigest()] == KIND


def test_personal_parts():
    [salt] = re.findall(r"with the salt `([0-9a-f]{32})`", TEXT)
    parts = json.loads(PERSONAL[0])
    assert [personal_bytes(**parts).decode(), personal_digest(bytes.fromhex(salt), **parts)] == PERSONAL


def test_an_entry_its_leaf_and_a_root():
    fields = json.loads(ENTRY[0])
    assert (fields["kind"], fields["personal"]) == (KIND[1], PERSONAL[1])
    assert fields.pop("v") == 1
    for name in ("request", "response"):
        assert fields[name] == sha256(name.encode()).hexdigest()
        fields[name] = bytes.fromhex(fields[name])
    made = entry_bytes(bytes_=fields.pop("bytes"), **fields)
    assert [made.decode(), leaf_hash(made).hex()] == ENTRY
    assert leaf_hash(made) == sha256(b"\x00" + made).digest()
    [root] = re.findall(r"three such leaves is `([0-9a-f]{64})`", TEXT)
    assert root_of([leaf_hash(made)] * 3).hex() == root
