"""A running federation of four cities, shared by the tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from federation.membership import sign_membership
from tests.conftest import TEMPLATE
from tests.federation.cities import NAMES, Federation
from tests.federation.liar import Liar


@pytest.fixture(scope="session")
def federation(postgres_url, tmp_path_factory) -> Iterator[Federation]:
    """Four cities. Gießen and Wetzlar share kfz with Offenbach for traffic planning, Fulda does not."""
    formed = Federation(tmp_path_factory.mktemp("federation"))
    for city in NAMES:
        formed.add(city, postgres_url, TEMPLATE)
    formed.sign()
    formed.agree("giessen", "offenbach")
    formed.agree("wetzlar", "offenbach")
    formed.agree("fulda", "wetzlar", purposes=("statistics",))
    formed.start()
    yield formed
    formed.stop()


@pytest.fixture
def healthy(federation: Federation) -> Iterator[Federation]:
    """The federation; whatever a test stopped is started again afterwards."""
    yield federation
    for town in federation.towns.values():
        if town.process._process is None:
            town.process.start()
        else:
            town.thaw()
    for town in federation.towns.values():
        town.process.wait_ready()


@pytest.fixture(scope="module")
async def limburg(federation, tmp_path_factory) -> AsyncIterator[Liar]:
    """Offenbach alone takes Limburg for a member."""
    liar = Liar(tmp_path_factory.mktemp("liar"))
    home = federation["offenbach"]
    members = [federation._member(town, frozenset()) for town in federation.towns.values()]
    signed = sign_membership([*members, liar.member], federation.anchor, datetime.now(UTC), timedelta(hours=1))
    home.settings.membership_file.write_bytes(signed)
    await asyncio.sleep(1.5)
    async with liar.running():
        yield liar
    federation.sign(issued_at=datetime.now(UTC) + timedelta(seconds=1))
    await asyncio.sleep(2.2)
