"""How a member publishes the keys of its log and of its witness: a JWT that its node signs, at a well-known path.

Pure. The node's own keys are in the membership list; so whoever trusts the list can trust these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import ECKey

from federation.jose import JwtError, sign, verify
from federation.membership import Member
from federation.tlog.note import COSIGNATURE, ED25519, NoteError, VerifierKey
from federation.trust.statements import Second

PATH = "/.well-known/verbund-log"
TYP = "log-keys+jwt"
LIFETIME_S = 86_400
SKEW_S = 60
MAX_BYTES = 4_096
MAX_OTHERS = 6  # keys beside the one in use, of each kind


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The public keys of a member's log and witness: those in use, and those that are next or were used yesterday."""

    log: VerifierKey
    witness: VerifierKey
    other_logs: tuple[VerifierKey, ...] = ()
    other_witnesses: tuple[VerifierKey, ...] = ()

    @property
    def of_log(self) -> tuple[VerifierKey, ...]:
        """All that may have signed a head of now."""
        return self.log, *self.other_logs

    @property
    def of_witness(self) -> tuple[VerifierKey, ...]:
        """All that may have cosigned now."""
        return self.witness, *self.other_witnesses


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A private key with the public one under the name that notes use."""

    key: VerifierKey
    private: Ed25519PrivateKey


class LogKeysError(ValueError):
    """The published keys can't be accepted. `reason` is plain ASCII without foreign text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_Others = Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_OTHERS)]


class _Claims(msgspec.Struct, omit_defaults=True):
    iss: str
    iat: Second
    exp: Second
    log: str
    witness: str
    other_logs: _Others = ()
    other_witnesses: _Others = ()


def log_name(issuer: str) -> str:
    """The origin of a node's log."""
    return f"{urlsplit(issuer).netloc}/log"


def witness_name(issuer: str) -> str:
    """The name under which a node cosigns."""
    return f"{urlsplit(issuer).netloc}/witness"


def sign_log_keys(keys: LogKeys, issuer: str, key: ECKey, now: datetime) -> bytes:
    """The keys, signed by the node."""
    issued = int(now.timestamp())
    claims = _Claims(
        issuer,
        issued,
        issued + LIFETIME_S,
        str(keys.log),
        str(keys.witness),
        tuple(map(str, keys.other_logs[:MAX_OTHERS])),
        tuple(map(str, keys.other_witnesses[:MAX_OTHERS])),
    )
    return sign(msgspec.to_builtins(claims), key, TYP).encode()


def verify_log_keys(token: bytes, member: Member, now: datetime) -> LogKeys:
    """The keys that this member's node signed.

    Raises:
        LogKeysError: they are not signed by it, not for now, malformed, or under another one's name.
    """
    try:
        claims = msgspec.convert(verify(token.strip(), member.keys, {TYP}, MAX_BYTES), _Claims)
    except JwtError as error:
        raise LogKeysError(f"its log keys are not accepted: {error.reason}") from None
    except msgspec.ValidationError:
        raise LogKeysError("its log keys are malformed") from None
    is_of_now = claims.iat - SKEW_S <= now.timestamp() < claims.exp <= claims.iat + LIFETIME_S
    if claims.iss != member.issuer or not is_of_now:
        raise LogKeysError("its log keys are another node's or not for now")
    try:
        keys = LogKeys(
            VerifierKey.parse(claims.log),
            VerifierKey.parse(claims.witness),
            tuple(map(VerifierKey.parse, claims.other_logs)),
            tuple(map(VerifierKey.parse, claims.other_witnesses)),
        )
    except NoteError as error:
        raise LogKeysError(f"its log keys are malformed: {error}") from None
    if {(key.name, key.kind) for key in keys.of_log} != {(log_name(member.issuer), ED25519)}:
        raise LogKeysError("its log key has another name or kind")
    if {(key.name, key.kind) for key in keys.of_witness} != {(witness_name(member.issuer), COSIGNATURE)}:
        raise LogKeysError("its witness key has another name or kind")
    return keys
