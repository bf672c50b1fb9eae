"""Each connection of a worker notices that its database has vanished; who has said how long to wait is heeded."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from node.store.vanished import PATIENCE, noticing


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:b%40c@db.example:6432/verbund",
        "postgresql://a@db.example/verbund?sslmode=verify-full",
        "postgresql://db1.example,db2.example:6432/verbund?target_session_attrs=read-write",
        "postgresql://postgres:@/verbund?host=/tmp/a%20b/pg",
    ],
)
def test_what_was_there_stays_and_patience_is_added(url):
    assert conninfo_to_dict(noticing(url)) == conninfo_to_dict(url) | PATIENCE
    assert noticing(noticing(url)) == noticing(url)


def test_patience_of_ones_own_is_kept():
    url = "postgresql://db.example/verbund?tcp_user_timeout=5000&keepalives_idle=60"
    found = conninfo_to_dict(noticing(url))
    assert (found["tcp_user_timeout"], found["keepalives_idle"]) == ("5000", "60")
    assert found["keepalives_count"] == PATIENCE["keepalives_count"]
