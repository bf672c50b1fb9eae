"""Signatures are checked in a process beside, and here when there is none."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest
import uvloop

from federation.es256 import Signature, holds
from federation.proofs import ProofKey, parse_proof
from node.auth import signature_checks
from node.auth.signature_checks import MODULE, SignatureChecks

URL = "https://giessen.example/graphql"


def good(number: int) -> Signature:
    return parse_proof(ProofKey.new().proof("POST", f"{URL}?{number}", 1_790_000_000))[1]


def bad(number: int) -> Signature:
    """A signature of something else, by the same key."""
    return good(number)._replace(digest=bytes(32))


SIGNATURES = [make(number) for number in range(20) for make in (good, bad)]
VERDICTS = [True, False] * 20


def helpers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if MODULE in " ".join(one.cmdline())]


async def is_up(checks: SignatureChecks) -> psutil.Process:
    """Ask until the process answers instead of this one."""
    async with asyncio.timeout(30):
        while not helpers() or checks._helper is None or not checks._helper.is_alive:
            assert await checks.hold(SIGNATURES[0])
            await asyncio.sleep(0.05)
    (helper,) = helpers()
    return helper


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    def run(scenario):
        async def closed():
            checks = SignatureChecks(lambda: 1)
            try:
                return await scenario(checks)
            finally:
                await checks.close()

        with asyncio.Runner(loop_factory=request.param) as runner:
            found = runner.run(closed())
        assert not helpers()
        return found

    return run


def test_each_signature_gets_its_own_verdict(run, monkeypatch):
    async def scenario(checks):
        await is_up(checks)
        monkeypatch.setattr(signature_checks, "holds", lambda _signature: pytest.fail("it was checked here"))
        return await asyncio.gather(*map(checks.hold, SIGNATURES * 30))

    assert [holds(one) for one in SIGNATURES] == VERDICTS
    assert run(scenario) == VERDICTS * 30


def test_who_is_alone_starts_nothing():
    async def scenario():
        checks = SignatureChecks(lambda: 0)
        assert [await checks.hold(one) for one in SIGNATURES] == VERDICTS
        assert not helpers()
        await checks.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hanging"])
def test_a_process_that_fails_fails_nobody(run, monkeypatch, how):
    monkeypatch.setattr(signature_checks, "PATIENCE_S", 0.2)

    async def scenario(checks):
        helper = await is_up(checks)
        os.kill(helper.pid, how)
        assert await asyncio.gather(*map(checks.hold, SIGNATURES)) == VERDICTS
        assert [await checks.hold(one) for one in SIGNATURES] == VERDICTS

    run(scenario)


def test_there_is_another_one_after_a_while(run, monkeypatch):
    monkeypatch.setattr(signature_checks, "AGAIN_S", 0.1)

    async def scenario(checks):
        first = await is_up(checks)
        first.kill()
        async with asyncio.timeout(30):
            while checks._helper.is_alive:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
        assert (await is_up(checks)).pid != first.pid

    run(scenario)


def test_requests_that_give_up_disturb_no_others(run):
    async def scenario(checks):
        await is_up(checks)
        tasks = [asyncio.create_task(checks.hold(one)) for one in SIGNATURES]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    for number, found in enumerate(run(scenario)):
        assert isinstance(found, asyncio.CancelledError) if number % 3 == 0 else found is VERDICTS[number]
