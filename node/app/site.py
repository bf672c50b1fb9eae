"""Pages for people: portal, explorer, guide, and the desks of auditors and stewards."""

from __future__ import annotations

from node.app.audit import Audit
from node.app.authorization import Authorization
from node.app.database import Database
from node.app.peers import Peers
from node.audit.reconciling import Reconciler
from node.settings import Settings
from node.web.desk.log_work import LogWork
from node.web.site import Site
from node.web.stored import Asker


def wire_site(
    settings: Settings, database: Database, peers: Peers, audit: Audit, authorization: Authorization, asker: Asker
) -> Site:
    """Auditors compare this node's log with those of `peers`."""
    reconciler = Reconciler(settings.city, peers.members.current, peers.transport, peers.tokens)
    return Site(
        settings,
        asker,
        peers.members,
        audit.service.tree,
        authorization.desks,
        authorization.desk_sign_ins,
        LogWork(database.url, settings.city, lambda: audit.keys.of_log, reconciler),
    )
