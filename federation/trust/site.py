"""What an anchor publishes: static files, to be served by any web server. Pure.

The configuration comes last and names the rest by its digest, so that whoever fetches meanwhile sees either the old
state or the new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from joserfc.jwk import ECKey

from federation.membership import MemberStatus
from federation.trust.anchor import (
    FETCH_PATH,
    LIST_PATH,
    Vouched,
    document_path,
    members_document,
    sign_anchor,
    sign_member,
)
from federation.trust.statements import WELL_KNOWN


def site_files(
    entity: str,
    name: str,
    members: Sequence[Vouched],
    key: ECKey,
    jwks: dict[str, Any],
    issued_at: datetime,
    lifetime: timedelta,
) -> list[tuple[str, bytes]]:
    """Paths and contents, in the order in which they are to be put in place."""
    statements = {one.issuer: sign_member(entity, one, key, issued_at, lifetime) for one in members}
    trusted = [one.issuer for one in members if one.status is MemberStatus.ACTIVE and one.is_member_at(issued_at)]
    document = members_document(list(statements.values()))
    digest = hashlib.sha256(document).hexdigest()
    configuration = sign_anchor(entity, name, key, jwks, digest, issued_at, lifetime)
    return [
        *((statement_path(issuer), statements[issuer].encode()) for issuer in trusted),
        (LIST_PATH, json.dumps(trusted).encode()),
        (document_path(digest), document),
        (WELL_KNOWN, configuration.encode()),
    ]


def statement_path(issuer: str) -> str:
    """Where a single statement lies: a web server maps `…/federation/fetch?sub=<issuer>` to it (docs/membership.md)."""
    return f"{FETCH_PATH}/{quote(issuer, safe='')}.jwt"
