"""A running federation of four cities, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.anchor import Anchor
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
    """Offenbach alone takes Limburg for a member: it trusts a second anchor, which vouches for Limburg only."""
    liar = Liar(tmp_path_factory.mktemp("liar"))
    other = Anchor(tmp_path_factory.mktemp("other"), "Zweiter Anker")
    other.put(liar.vouched)
    other.publish()
    home = federation["offenbach"].settings
    async with liar.running():
        other.trusted_by(home)
        await federation.settled("offenbach", limburg="ACTIVE")
        yield liar
    other.forgotten_by(home)
    await federation.settled("offenbach", limburg=None)
    other.stop()
