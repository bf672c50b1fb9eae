"""Every kind of signed message between applications, nodes and anchors: made well, and checked as its receiver does.

So that an attack is written once and tried on all of them: `tests/unit/test_every_message.py`, and `make fuzz`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from federation import agreements, grants, log_keys, proofs, receipts, summary
from federation.agreements import AgreementError
from federation.errors import MembershipError, PeerIncompatible
from federation.grants import authorization_grant, client_assertion
from federation.jose import json_object, public_jwks, sign, sign_parts
from federation.log_keys import LogKeys, LogKeysError, log_name, witness_name
from federation.proofs import ProofError, ProofKey, check_proof, read_proof
from federation.receipts import Exchange, Receipt, ReceiptError, digest, make_receipt, verify_receipt
from federation.tlog.note import COSIGNATURE, ED25519, verifier_key
from federation.trust import former_keys, statements
from federation.trust.anchor import (
    AnchorConfiguration,
    Vouched,
    members_document,
    read_anchor,
    read_members,
    sign_anchor,
    sign_member,
)
from federation.trust.former_keys import FormerKey, read_former_keys, sign_former_keys
from federation.trust.node_configuration import Presented, read_configuration, sign_configuration
from federation.trust.statements import LIFETIME, Period
from node.auth import access_tokens
from node.auth.clients import ApplicationClient, PeerClient
from node.auth.server import NodeAuthorizationServer, Reply
from node.auth.token_check import InvalidToken, TokenCheck
from node.auth.token_request import TokenRequest
from policy.model import Caller
from tests.unit.node.auth.world import (
    App,
    City,
    access_token_claims,
    application_form,
    assertion,
    grant,
    membership_of,
    new_key,
    peer_form,
)

HOME, OWNER, ANCHOR = City("offenbach"), City("wetzlar"), City("anker")
MEMBERS = membership_of(HOME, OWNER)
APP = App()
LARGEST = 300_000  # bytes: more than any kind may have


class Refused(Exception):
    """The receiver did not accept it, in the way in which it is meant to refuse."""


@dataclass(frozen=True)
class Kind:
    """A kind of message. `make`: a good one, made now. `check`: as its receiver does; raises `Refused`.

    `claims` are those that must be there; `ours` have one value alone. `ahead`, `late`: how many seconds `iat` may be
    ahead, and how many after `exp` it may come (None: it has no such bound). `untyped`: `typ` may be left out.
    """

    name: str
    typ: str
    key: ECKey
    make: Callable[[], str]
    check: Callable[[str], object]
    claims: frozenset[str]
    ours: frozenset[str]
    ahead: int | None = None
    late: int | None = None
    untyped: bool = False
    carries_key: bool = False
    may_be: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    def header(self) -> dict[str, Any]:
        """The header of a good one."""
        if self.carries_key:
            point = self.key.as_dict(private=False)
            return {"alg": "ES256", "typ": self.typ, "jwk": {name: point[name] for name in ("kty", "crv", "x", "y")}}
        return {"alg": "ES256", "typ": self.typ, "kid": self.key.kid}

    def said(self) -> dict[str, Any]:
        """The claims of a good one."""
        return json_object(self.make().split(".")[1].encode())

    def signed(
        self, *, header: dict[str, Any] | None = None, key: ECKey | None = None, claims: dict[str, Any] | None = None
    ) -> str:
        """One with another header, key or other claims; what is None is left out."""
        head = {name: value for name, value in (self.header() | (header or {})).items() if value is not None}
        body = {name: value for name, value in (self.said() | (claims or {})).items() if value is not None}
        return sign_parts(urlsafe_b64encode(json.dumps(head).encode()), json.dumps(body).encode(), key or self.key)


def _now() -> int:
    return int(time.time())


def _utc() -> datetime:
    return datetime.fromtimestamp(_now(), UTC)


def _refusing(*errors: type[Exception]) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def wrap(check: Callable[[str], object]) -> Callable[[str], object]:
        def checked(token: str) -> object:
            try:
                return check(token)
            except errors as error:
                raise Refused(str(error)) from error

        return checked

    return wrap


# ---- what the token endpoint gets -----------------------------------------------------------------------------------
SERVER = NodeAuthorizationServer(OWNER.identity, TokenCheck(OWNER.identity, lambda: MEMBERS).verified)
PROOF_KEY = ProofKey(HOME.key)
PROOF = read_proof(PROOF_KEY.proof("POST", OWNER.identity.token_endpoint, _now()))
CALLER = Caller(city=HOME.id, application=APP.id, purpose="statistics")


def _granted(reply: Reply) -> None:
    if reply.status != 200:
        assert reply.status == 400, reply
        raise Refused(str(reply.body))


def _check_assertion(token: str) -> None:
    request = TokenRequest(application_form(token), ApplicationClient(APP.registration), PROOF)
    _granted(SERVER.create_token_response(request))


def _check_nodes_assertion(token: str) -> None:
    form = peer_form(OWNER, grant(HOME, OWNER), token)
    _granted(SERVER.create_token_response(TokenRequest(form, PeerClient(HOME.member), PROOF)))


def _check_grant(token: str) -> None:
    form = peer_form(OWNER, token, assertion(HOME.issuer, HOME.key, OWNER.issuer))
    _granted(SERVER.create_token_response(TokenRequest(form, PeerClient(HOME.member), PROOF)))


# ---- what comes with a request, and with its answer -----------------------------------------------------------------
URL = OWNER.identity.graphql_url
TRACE = "ab" * 16


def _make_access_token() -> str:
    return sign(access_token_claims(OWNER, "k" * 43), OWNER.key, access_tokens.TYP)


def _check_access_token(token: str) -> object:
    return TokenCheck(OWNER.identity, lambda: MEMBERS).verified(token)


def _check_proof(token: str) -> None:
    proof = read_proof(token)
    check_proof(proof, "POST", URL, time.time())
    if proof.thumbprint != HOME.key.thumbprint():  # as `Callers` compares it with the token's
        raise ProofError("another key")


EXCHANGE = Exchange(b"{}", b'{"data":null}', "a.b.c", TRACE)


def _make_receipt() -> str:
    stated = Receipt(
        iss=OWNER.issuer,
        aud=HOME.issuer,
        iat=_now(),
        request=digest(EXCHANGE.request),
        response=digest(EXCHANGE.response),
        proof=digest(EXCHANGE.proof.encode()),
        trace_id=TRACE,
    )
    return make_receipt(stated, OWNER.key)


def _check_receipt(token: str) -> object:
    keys = OWNER.member.keys
    return verify_receipt(token, keys, owner=OWNER.issuer, home=HOME.issuer, exchange=EXCHANGE, now=time.time())


# ---- what nodes and anchors say of themselves and of each other ------------------------------------------------------
FEDERATION, JWKS = new_key(), public_jwks(OWNER.key)
VOUCHED = Vouched(
    OWNER.id, "Wetzlar", None, OWNER.issuer, public_jwks(FEDERATION), OWNER.status, datetime(2026, 1, 1, tzinfo=UTC)
)
DIGEST = "ab" * 32


def _make_configuration() -> str:
    return sign_configuration(
        issuer=OWNER.issuer,
        presented=Presented(OWNER.id, "Wetzlar"),
        federation_key=FEDERATION,
        federation_jwks=public_jwks(FEDERATION),
        jwks=JWKS,
        server_metadata={"issuer": OWNER.issuer, "token_endpoint": OWNER.identity.token_endpoint},
        anchors=[ANCHOR.issuer],
        now=_utc(),
    )


def _check_configuration(token: str) -> object:
    return read_configuration(token, OWNER.issuer, public_jwks(FEDERATION), _utc())


def _make_anchor() -> str:
    return sign_anchor(ANCHOR.issuer, "Anker", ANCHOR.key, public_jwks(ANCHOR.key), DIGEST, _utc(), LIFETIME)


def _check_anchor(token: str) -> object:
    return read_anchor(token, ANCHOR.issuer, public_jwks(ANCHOR.key), _utc())


def _make_statement() -> str:
    return sign_member(ANCHOR.issuer, VOUCHED, ANCHOR.key, _utc(), LIFETIME)


def _check_statement(token: str) -> object:
    document = members_document([token])
    period = Period(_utc(), _utc() + LIFETIME)
    named = hashlib.sha256(document).hexdigest()
    anchor = AnchorConfiguration(ANCHOR.issuer, public_jwks(ANCHOR.key), named, period)
    return read_members(document, anchor, _utc())


def _make_former_keys() -> str:
    (jwk,) = JWKS["keys"]
    return sign_former_keys(OWNER.issuer, [FormerKey(jwk["kid"], jwk, _now() - 5)], FEDERATION, _utc())


def _check_former_keys(token: str) -> object:
    return read_former_keys(token, OWNER.issuer, public_jwks(FEDERATION), _utc())


SUMMARY = summary.Summary(tiers={"OPEN": 1}, themes=(), properties=(), box=None, observed=None)


def _make_summary() -> str:
    return summary.sign_summary(SUMMARY, OWNER.id, OWNER.issuer, OWNER.key, _utc()).decode()


def _check_summary(token: str) -> object:
    return summary.verify_summary(token.encode(), OWNER.member, _utc())


ED_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG_KEYS = LogKeys(
    verifier_key(log_name(OWNER.issuer), ED25519, ED_KEY),
    verifier_key(witness_name(OWNER.issuer), COSIGNATURE, ED_KEY),
)


def _make_log_keys() -> str:
    return log_keys.sign_log_keys(LOG_KEYS, OWNER.issuer, OWNER.key, _utc()).decode()


def _check_log_keys(token: str) -> object:
    return log_keys.verify_log_keys(token.encode(), OWNER.member, _utc())


TERMS = agreements.Terms(
    id="kfz", owner=OWNER.id, member=HOME.id, datasets=("kfz",), purposes=("statistics",), valid_from=1, valid_until=9
)


def _make_agreement() -> str:
    return agreements.sign_offer(TERMS, OWNER.issuer, HOME.issuer, OWNER.key, _utc())


def _check_agreement(token: str) -> object:
    return agreements.read_document(token, MEMBERS, HOME.issuer)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = (
    Kind(
        "assertion of an application",
        grants.CLIENT_ASSERTION_TYP,
        APP.key,
        lambda: client_assertion(APP.id, OWNER.issuer, APP.key, _now()),
        _check_assertion,
        _names("aud iss sub exp iat jti"),
        _names("aud iss sub"),
        ahead=10,
        late=30,
        untyped=True,
        may_be=frozenset({"JWT"}),
    ),
    Kind(
        "assertion of a node",
        grants.CLIENT_ASSERTION_TYP,
        HOME.key,
        lambda: client_assertion(HOME.issuer, OWNER.issuer, HOME.key, _now()),
        _check_nodes_assertion,
        _names("aud iss sub exp iat jti"),
        _names("aud iss sub"),
        ahead=10,
        late=30,
    ),
    Kind(
        "authorization grant",
        grants.GRANT_TYP,
        HOME.key,
        lambda: authorization_grant(HOME.issuer, OWNER.issuer, CALLER, "data:read", HOME.key, _now()),
        _check_grant,
        _names("aud iss sub exp iat jti client_id scope purpose"),
        _names("aud iss client_id scope purpose"),
        ahead=10,
        late=30,
    ),
    Kind(
        "access token",
        access_tokens.TYP,
        OWNER.key,
        _make_access_token,
        _refusing(InvalidToken)(_check_access_token),
        _names("aud iss sub exp iat jti client_id scope city application purpose cnf"),
        _names("aud iss city"),
        ahead=5,
        late=0,
    ),
    Kind(
        "DPoP proof",
        proofs.TYP,
        HOME.key,
        lambda: PROOF_KEY.proof("POST", URL, _now()),
        _refusing(ProofError)(_check_proof),
        _names("htm htu iat jti"),
        _names("htm htu"),
        ahead=10,
        carries_key=True,
    ),
    Kind(
        "receipt",
        receipts.TYP,
        OWNER.key,
        _make_receipt,
        _refusing(ReceiptError)(_check_receipt),
        _names("aud iss iat request response proof trace_id"),
        _names("aud iss request response proof trace_id"),
        ahead=60,
    ),
    Kind(
        "entity configuration",
        statements.TYP,
        FEDERATION,
        _make_configuration,
        _refusing(MembershipError)(_check_configuration),
        _names("iss sub iat exp jwks metadata verbund_member"),
        _names("iss sub"),
        ahead=60,
        late=0,
    ),
    Kind(
        "configuration of an anchor",
        statements.TYP,
        ANCHOR.key,
        _make_anchor,
        _refusing(MembershipError)(_check_anchor),
        _names("iss sub iat exp jwks verbund_members_sha256"),
        _names("iss sub"),
        ahead=60,
        late=0,
    ),
    Kind(
        "statement about a member",
        statements.TYP,
        ANCHOR.key,
        _make_statement,
        _refusing(MembershipError)(_check_statement),
        _names("iss sub iat exp jwks verbund_member"),
        _names("iss"),
        ahead=60,
        late=0,
    ),
    Kind(
        "list of former keys",
        former_keys.TYP,
        FEDERATION,
        _make_former_keys,
        _refusing(MembershipError)(_check_former_keys),
        _names("iss iat keys"),
        _names("iss"),
        ahead=60,
    ),
    Kind(
        "summary",
        summary.TYP,
        OWNER.key,
        _make_summary,
        _refusing(PeerIncompatible)(_check_summary),
        _names("iss sub iat exp summary"),
        _names("iss sub"),
        ahead=60,
        late=0,
    ),
    Kind(
        "keys of a log",
        log_keys.TYP,
        OWNER.key,
        _make_log_keys,
        _refusing(LogKeysError)(_check_log_keys),
        _names("iss iat exp log witness"),
        _names("iss log witness"),
        ahead=60,
        late=0,
    ),
    Kind(
        "agreement",
        agreements.TYP,
        OWNER.key,
        _make_agreement,
        _refusing(AgreementError)(_check_agreement),
        _names("iss aud iat kind agreement terms"),
        _names("iss aud"),
    ),
)
