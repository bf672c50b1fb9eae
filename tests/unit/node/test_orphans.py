"""A worker whose supervisor was killed ends, at whatever moment that was."""

from __future__ import annotations

import subprocess
import sys

import psutil

SCRIPT = """
import asyncio, multiprocessing, os, time
from node.orphans import end_with_parent, supervisor

def worker(parent):
    while os.getppid() == parent:  # it is still starting, and has not come to ask who its supervisor is
        time.sleep(0.01)
    asyncio.run(end_with_parent(supervisor()))

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=worker, args=(os.getpid(),))
    process.start()
    print(process.pid, flush=True)
    os._exit(0)
"""


def test_a_worker_whose_supervisor_was_killed_while_it_started_ends():
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as started:
        worker = psutil.Process(int(started.stdout.readline()))
        try:
            worker.wait(20)
        finally:
            if worker.is_running():
                worker.kill()
