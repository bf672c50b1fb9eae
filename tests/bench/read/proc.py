"""What Linux tells about processes: memory, processor time, who belongs to whom."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """The process and all that descend from it; those that end meanwhile are left out."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def peak_mb(root: int) -> float:
    """The peaks of resident memory in the tree since `forget_peak`, summed, in MB (10^6 bytes).

    Pages that processes share are counted in each, so the sum is rather too high.
    """
    return sum(_peak_kib(pid) for pid in tree(root)) * 1024 / 1e6


def forget_peak(root: int) -> None:
    """Let the peaks start again from what is resident now (proc(5), clear_refs)."""
    for pid in tree(root):
        try:
            (PROC / str(pid) / "clear_refs").write_text("5")
        except OSError:
            continue  # not permitted, or ended: its peak then is that of its whole life


def cpu_s(root: int) -> float:
    """Processor time of the tree, in seconds, to a hundredth; ended children count once they are waited for."""
    return sum(_cpu_ticks(pid) for pid in tree(root)) * TICK_S


def machine_cpu_s() -> float:
    """Processor time of everything on this machine, in seconds; idle time is left out."""
    fields = (PROC / "stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _iowait, irq, softirq = (int(field) for field in fields[1:8])
    return (user + nice + system + irq + softirq) * TICK_S


def _stat(pid: int) -> list[str] | None:
    """The fields behind the name: state, parent, …"""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return sum(int(field) for field in fields[11:15]) if fields else 0


def _peak_kib(pid: int) -> int:
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
