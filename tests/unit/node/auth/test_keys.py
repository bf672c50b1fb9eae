"""Key files: right modes, nothing overwritten, nothing loose loaded."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from federation.jose import public_jwks, sign, verify
from node.auth.identity import NodeIdentity
from node.auth.key_directory import OneKey
from node.auth.keys import (
    KeyFileError,
    create_signing_key,
    encrypt_key_file,
    load_public_key,
    load_signing_key,
    public_pem,
    read_passphrase,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "signing.pem"


def write(
    path: Path,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    encryption: KeySerializationEncryption | None = None,
) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    path.chmod(0o600)


def test_half_a_key_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("node.auth.keys.private_pem", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(KeyFileError, match=r"signing\.pem can't be written: No space left"):
        create_signing_key(tmp_path / "signing.pem")
    assert not (tmp_path / "signing.pem").exists()


def test_what_was_made_is_loaded(path: Path) -> None:
    made, loaded = create_signing_key(path), load_signing_key(path)
    assert loaded.kid == made.kid == made.thumbprint()
    assert public_jwks(loaded) == public_jwks(made)


def test_only_the_owner_can_read_it(path: Path) -> None:
    create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(path: Path) -> None:
    create_signing_key(path)
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="not overwritten"):
        create_signing_key(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_not_used(path: Path, mode: int) -> None:
    create_signing_key(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        load_signing_key(path)


def test_a_missing_key_names_the_command_that_makes_it(path: Path) -> None:
    with pytest.raises(KeyFileError, match="verbund init"):
        load_signing_key(path)


def test_other_kinds_of_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write(path, ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(KeyFileError, match="P-256"):
        load_signing_key(path)
    write(path, rsa.generate_private_key(65537, 2048))
    with pytest.raises(KeyFileError, match="P-256"):
        load_signing_key(path)
    write(path, ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"secret"))
    with pytest.raises(KeyFileError, match="is encrypted: set"):
        load_signing_key(path)
    path.write_bytes(b"rubbish")
    with pytest.raises(KeyFileError, match="PEM"):
        load_signing_key(path)


def test_the_published_key_set_holds_no_private_part(path: Path) -> None:
    key = create_signing_key(path)
    identity = NodeIdentity(
        "giessen", "https://g.example", "https://g.example/graphql", "https://g.example/t", OneKey(key)
    )
    (published,) = identity.jwks["keys"]
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert verify(sign({"a": 1}, key, "x"), identity.public_keys, {"x"}) == {"a": 1}


def test_a_public_key_file(path: Path) -> None:
    key = create_signing_key(path)
    assert load_public_key(public_pem(key).encode()).kid == key.kid


def test_a_private_key_is_not_taken_for_a_public_one(path: Path) -> None:
    create_signing_key(path)
    with pytest.raises(KeyFileError, match="private key"):
        load_public_key(path.read_bytes())


@pytest.mark.parametrize("pem", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_rubbish_is_not_taken_for_a_public_key(pem: bytes) -> None:
    with pytest.raises(KeyFileError, match="PEM"):
        load_public_key(pem)


PASSPHRASE = b"correct horse battery"


def test_a_key_is_encrypted_at_rest(path: Path) -> None:
    key = create_signing_key(path, PASSPHRASE)
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert load_signing_key(path, PASSPHRASE).kid == key.kid


def test_a_wrong_passphrase_tells_neither_passphrase_nor_key(path: Path) -> None:
    create_signing_key(path, PASSPHRASE)
    with pytest.raises(KeyFileError, match="the passphrase is another one") as caught:
        load_signing_key(path, b"some other passphrase")
    assert "some other" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_in_the_clear_is_refused_if_there_is_a_passphrase(path: Path) -> None:
    key = create_signing_key(path)
    with pytest.raises(KeyFileError, match="verbund key encrypt"):
        load_signing_key(path, PASSPHRASE)
    assert encrypt_key_file(path, PASSPHRASE) is True
    assert load_signing_key(path, PASSPHRASE).kid == key.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert encrypt_key_file(path, PASSPHRASE) is False


def test_a_passphrase_file_must_not_be_open_to_others(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(PASSPHRASE + b"\n")
    file.chmod(0o644)
    with pytest.raises(KeyFileError, match=f"chmod 600 {file}"):
        read_passphrase(file)
    file.chmod(0o400)
    assert read_passphrase(file) == PASSPHRASE


def test_a_short_passphrase_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b"hunter2")
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match="shorter than 12") as caught:
        read_passphrase(file)
    assert "hunter2" not in str(caught.value)
