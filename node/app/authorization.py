"""Who asks: applications by their tokens, people by the city's identity provider."""

from __future__ import annotations

from dataclasses import dataclass

from federation.transport import PeerTransport
from node.app.database import Database
from node.app.peers import Peers
from node.audit.security import SecurityLog
from node.auth.callers import Callers
from node.auth.identity import NodeIdentity
from node.auth.metadata import CALLBACK_PATH
from node.auth.service import TokenService
from node.auth.sign_in.desk import Desks
from node.auth.sign_in.desk_sign_ins import CALLBACK_PATH as DESK_CALLBACK_PATH
from node.auth.sign_in.desk_sign_ins import DeskSignIns
from node.auth.sign_in.provider import IdentityProvider
from node.auth.sign_in.service import SignIns
from node.auth.sign_in.store import SignInStore
from node.auth.uses import Uses
from node.settings import Settings


@dataclass(frozen=True, slots=True)
class Authorization:
    """`token_service` issues tokens, `callers` checks them, `uses` has what counts once; `desks` knows who works there.

    Without an identity provider nobody gets a token by signing in, and one-time links lead to the desks.
    """

    uses: Uses
    callers: Callers
    token_service: TokenService
    sign_ins: SignIns | None
    desks: Desks
    desk_sign_ins: DeskSignIns | None


def wire_authorization(
    settings: Settings, identity: NodeIdentity, database: Database, peers: Peers, security_log: SecurityLog
) -> Authorization:
    """What is refused goes to `security_log`. Who is revoked here is not spoken for to peers any more."""
    membership, pool = peers.members.current, database.pool
    uses, kept = Uses(database.spending), SignInStore(pool)
    desks = Desks(kept)
    provider = _provider(settings, identity, peers.transport, CALLBACK_PATH)
    desk_provider = _provider(settings, identity, peers.transport, DESK_CALLBACK_PATH, settings.desk.scope)
    return Authorization(
        uses=uses,
        callers=Callers(
            identity,
            membership,
            uses,
            on_revoked=lambda caller: peers.tokens.forget(application=caller.application),
            on_refused=security_log.refused,
        ),
        token_service=TokenService(
            identity, membership, pool, uses, learn=peers.members.learn, on_refused=security_log.refused
        ),
        sign_ins=None if provider is None else SignIns(identity, provider, pool, uses),
        desks=desks,
        desk_sign_ins=None if desk_provider is None else DeskSignIns(desk_provider, kept, desks, uses, settings.desk),
    )


def _provider(
    settings: Settings, identity: NodeIdentity, transport: PeerTransport, callback: str, scope: str = "openid"
) -> IdentityProvider | None:
    """The city's identity provider, if people can sign in here."""
    if settings.identity_provider is None:
        return None
    return IdentityProvider(
        settings.identity_provider,
        settings.identity_provider_client_id,
        settings.issuer + callback,
        transport,
        lambda: identity.signing_key,
        scope=scope,
    )
