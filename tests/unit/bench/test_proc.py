"""Memory and processor time of real processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.bench.read import proc

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which Linux has")

CHILD = """
import sys
block = bytearray(60_000_000)
print('large', flush=True)
sys.stdin.readline()
del block
print('small', flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def child():
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "large\n"
        yield process
        process.kill()


def test_children_belong_to_the_tree(child):
    assert {os.getpid(), child.pid} <= set(proc.tree(os.getpid()))
    assert proc.tree(child.pid) == [child.pid]


def test_the_peak_stays_until_it_is_forgotten(child):
    assert proc.peak_mb(child.pid) > 60
    child.stdin.write("go on\n")
    child.stdin.flush()
    assert child.stdout.readline() == "small\n"
    assert proc.peak_mb(child.pid) > 60
    proc.forget_peak(child.pid)
    assert 1 < proc.peak_mb(child.pid) < 60


def test_work_is_counted_and_is_a_part_of_the_machines(child):
    machine, own = proc.machine_cpu_s(), proc.cpu_s(os.getpid())
    ends = own + 0.3
    while proc.cpu_s(os.getpid()) < ends:
        sum(range(10_000))
    assert proc.machine_cpu_s() - machine >= 0.2


def test_what_has_ended_counts_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert proc.peak_mb(process.pid) == 0
    assert proc.cpu_s(process.pid) == 0
