"""What processes use, out of /proc: CPU time and memory."""

import os
from collections.abc import Sequence
from pathlib import Path

from lambent.cli.access import Access, read_status

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def control_of(access: Access) -> int:
    """The pid of a server's control."""
    return int(read_status(access)["parts"]["control"]["pid"])


def edges_of(access: Access) -> list[int]:
    """The pids of its edges."""
    return [int(each["pid"]) for each in read_status(access)["parts"]["edges"]]


class Meter:
    """The CPU time of some processes from now on."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._before_s = [cpu_s(pid) for pid in pids]

    def used_us(self, count: int) -> list[float]:
        """Of each of them, for each of `count`."""
        spent_s = [cpu_s(pid) - before_s for pid, before_s in zip(self._pids, self._before_s, strict=True)]
        return [each_s / count * 1e6 for each_s in spent_s]


class PartsMeter(Meter):
    """The same of a server's control and edges."""

    def __init__(self, access: Access) -> None:
        super().__init__([control_of(access), *edges_of(access)])

    def figures(self, count: int) -> dict[str, float]:
        """Microseconds for each of `count`."""
        control_us, *edges_us = self.used_us(count)
        return {"control_us": control_us, "edge_us": sum(edges_us)}


def cpu_s(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def pss_kb(pid: int) -> int:
    """The memory of a process, pages that it shares counted in parts; 0 of one that has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
