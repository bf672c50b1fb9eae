"""Signed notes, checkpoints and cosignatures, with examples from the specifications."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from federation.tlog.checkpoint import Checkpoint, cosign, cosigned_at, open_checkpoint, read_checkpoint
from federation.tlog.note import (
    COSIGNATURE,
    ED25519,
    Note,
    NoteError,
    VerifierKey,
    is_signed,
    read,
    sign,
    verifier_key,
)
from federation.tlog.witness import Submission, quorum, read_submission, witnesses_of

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = verifier_key("giessen.example/log", ED25519, PRIVATE)
WITNESS = verifier_key("fulda.example/witness", COSIGNATURE, PRIVATE)
HEAD = Checkpoint("giessen.example/log", 5, bytes(32))
# the example of golang.org/x/mod/sumdb/note, from which C2SP's signed notes come
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
POEM = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_notes_of_others_are_understood():
    note, key = read(POEM), VerifierKey.parse(PETER)
    assert is_signed(note, key)
    assert str(note) == POEM
    assert not is_signed(Note(note.text.replace("answer", "problem"), note.signatures), key)


def test_signatures_of_others_are_let_be():
    """By unknown keys, of unknown kinds, under any name that the specification allows."""
    text = str(sign(HEAD.text(), KEY, PRIVATE))
    for name, value in (("zeuge.gießen.example", bytes(72)), (KEY.name, bytes(5)), (KEY.name, bytes(3_000))):
        other = f"— {name} {base64.b64encode(value).decode()}\n"
        assert open_checkpoint(text + other, KEY)[0] == HEAD
        assert open_checkpoint(text.replace("\n\n", f"\n\n{other}"), KEY)[0] == HEAD
    for name in ("two names", "a\u2003b", "a+b", ""):
        with pytest.raises(NoteError):
            open_checkpoint(f"{text}— {name} {base64.b64encode(bytes(72)).decode()}\n", KEY)


def test_a_checkpoint_is_opened_with_its_logs_key_alone():
    text = str(sign(HEAD.text(), KEY, PRIVATE))
    assert open_checkpoint(text, KEY)[0] == HEAD
    assert VerifierKey.parse(str(KEY)) == KEY
    others = (
        verifier_key("wetzlar.example/log", ED25519, PRIVATE),
        verifier_key(KEY.name, ED25519, Ed25519PrivateKey.generate()),
        verifier_key(KEY.name, COSIGNATURE, PRIVATE),
    )
    for other in others:
        with pytest.raises(NoteError):
            open_checkpoint(text, other)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_byte_of_a_checkpoint_can_be_changed(at, bit):
    text = bytearray(str(sign(HEAD.text(), KEY, PRIVATE)).encode())
    text[at % len(text)] ^= 1 << bit
    with pytest.raises((NoteError, UnicodeDecodeError)):
        open_checkpoint(text.decode(), KEY)


def test_a_cosignature_says_when_and_by_whom():
    signature = cosign(HEAD.text(), WITNESS, PRIVATE, 1_679_315_147)
    note = Note(HEAD.text(), (signature,))
    assert cosigned_at(note, WITNESS) == 1_679_315_147
    assert cosigned_at(note, verifier_key("fulda.example/witness", ED25519, PRIVATE)) is None
    assert cosigned_at(Note(Checkpoint(HEAD.origin, 6, HEAD.root).text(), (signature,)), WITNESS) is None
    later = signature._replace(value=(1_679_315_148).to_bytes(8, "big") + signature.value[8:])
    assert cosigned_at(Note(HEAD.text(), (later,)), WITNESS) is None


def test_a_submission_reads_as_it_was_written():
    submission = Submission(3, [bytes([1]) * 32, bytes([2]) * 32], str(sign(HEAD.text(), KEY, PRIVATE)))
    assert read_submission(submission.body()) == submission
    assert submission.body().startswith("old 3\nAQEB")
    empty = Submission(0, [], submission.checkpoint)
    assert read_submission(empty.body()) == empty
    assert read_checkpoint(read(empty.checkpoint)) == HEAD


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 3",
        "old 03\n\nx",
        "old -1\n\nx",
        "new 3\n\nx",
        "old 1\nAQ==\n\nx",
        "old 1\n" + ("A" * 43 + "=\n") * 64 + "\nx",
    ],
)
def test_other_bodies_are_refused(body):
    with pytest.raises(NoteError):
        read_submission(body)


def test_two_of_three_others_witness_at_four_cities_and_three_of_five_at_many():
    cities = ["offenbach", "giessen", "wetzlar", "fulda"]
    assert sorted(witnesses_of("fulda", cities)) == ["giessen", "offenbach", "wetzlar"]
    assert [quorum(count) for count in range(6)] == [0, 1, 2, 2, 3, 3]
    many = [f"city{number}" for number in range(400)]
    chosen = {city: witnesses_of(city, many) for city in many}
    assert all(len(set(found)) == 5 and city not in found for city, found in chosen.items())
    assert chosen["city7"] == witnesses_of("city7", reversed(many)), "everybody finds the same"


def test_a_key_id_is_what_the_specification_says():
    assert KEY.id == __import__("hashlib").sha256(b"giessen.example/log\n\x01" + KEY.public).digest()[:4]
    assert base64.b64decode(str(WITNESS).split("+", 2)[2])[0] == COSIGNATURE
