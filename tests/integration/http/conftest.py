"""A real node's application over a small city."""

from __future__ import annotations

import psycopg
import pytest
from litestar.testing import AsyncTestClient

from node.app import create_app
from node.settings import load_settings
from node.setup import NodePlan, create_node
from tests.integration.store.conftest import SEED

TRUSTED = "query Trusted { cities { id } }"


@pytest.fixture
async def node(database_url, tmp_path):
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    home = tmp_path / "node"
    create_node(home, NodePlan("giessen", "Gießen", "https://giessen.example", database_url=database_url))
    (home / "documents").mkdir()
    (home / "documents" / "trusted.graphql").write_text(TRUSTED, encoding="utf-8")
    settings = load_settings(home, environment={"VERBUND_DATABASE_URL": database_url})
    async with AsyncTestClient(create_app(settings)) as client:
        yield client
