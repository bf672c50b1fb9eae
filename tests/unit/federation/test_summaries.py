"""What is kept of other cities' summaries, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from federation.health.breaker import IN_A_ROW
from federation.health.peers import PeerHealths
from federation.membership import Membership
from federation.summaries import Summaries
from federation.summary import sign_summary, version_of
from tests.unit.federation.test_summary import KEY, MEMBER, SUMMARY

ABSENT = ("datasets", {"filter": {"themes": ["GOVE"]}})


class Network:
    """Takes the place of the transport and the tokens; Fulda's node gives its summary."""

    def __init__(self) -> None:
        self.asked = 0

    async def token_for(self, *_: object) -> str:
        return "token"

    def authorize(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(headers={})

    def learn(self, *_: object) -> None:
        """No nonce here."""

    async def get(self, *_: object, **__: object) -> SimpleNamespace:
        self.asked += 1
        now = datetime.now(UTC)
        return SimpleNamespace(status=200, body=sign_summary(SUMMARY, MEMBER.id, MEMBER.issuer, KEY, now))


def kept(network: Network, healths: PeerHealths) -> Summaries:
    now = datetime.now(UTC)
    return Summaries("giessen", lambda: Membership((MEMBER,), now, now, "d"), network, network, 1.0, healths)


async def test_a_version_that_is_another_one_ends_what_is_known():
    summaries = kept(Network(), PeerHealths(1))
    assert summaries.why_skip(MEMBER, *ABSENT) is None, "nothing is known yet"
    await summaries.refresh()
    absence = summaries.why_skip(MEMBER, *ABSENT)
    assert absence.reason == "it has nothing under GOVE"
    assert abs((datetime.now(UTC) - absence.as_of).total_seconds()) < 5
    for same in (None, version_of(SUMMARY)):
        summaries.heard(MEMBER, same)
        assert summaries.why_skip(MEMBER, *ABSENT) == absence
    summaries.heard(MEMBER, "another")
    assert summaries.why_skip(MEMBER, *ABSENT) is None
    await summaries.refresh()
    assert summaries.why_skip(MEMBER, *ABSENT).reason == absence.reason


async def test_nothing_is_fetched_from_a_node_that_is_left_alone():
    network, healths = Network(), PeerHealths(1)
    summaries, breaker = kept(network, healths), healths.of(MEMBER).breaker
    for _ in range(IN_A_ROW):
        breaker.failed(breaker.admit(0.0), 0.0, OSError("down"))
    assert breaker.is_open
    await summaries.refresh()
    assert network.asked == 0
