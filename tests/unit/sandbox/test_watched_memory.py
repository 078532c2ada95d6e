"""The memory limit that is kept by looking."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.sandbox.watched_memory import (
    AT_ONCE,
    LONGEST_S,
    PAUSE_S,
    SHORTEST_S,
    MemoryWatcher,
    Processes,
    Use,
    WatchedGroup,
    niceness,
    victims,
)

MIB = 1024 * 1024


class Given(Processes):
    """Processes whose use a test says."""

    def __init__(self, resident: Use, proportional: Use | None = None) -> None:
        self.use, self.shared, self.killed = resident, proportional or resident, []  # type: ignore[var-annotated]

    def resident(self, init: int) -> Iterator[tuple[int, int]]:
        return iter(self.use.items())

    def proportional(self, pids: list[int]) -> Iterator[tuple[int, int]]:
        return ((pid, self.shared[pid]) for pid in pids)

    def kill(self, pid: int, init: int) -> None:
        self.killed.append(pid)


def group(processes: Processes, memory_mb: int = 128) -> WatchedGroup:
    made = MemoryWatcher(FakeClock(), processes).make()
    made.holds(1)
    made.limit(memory_mb, 1024)
    return made


def test_the_largest_goes_when_the_sum_is_above_the_limit() -> None:
    processes = Given({10: 50 * MIB, 11: 90 * MIB, 12: 10 * MIB})
    watched = group(processes)
    watched.look()
    assert processes.killed == [11]
    assert watched.ran_out_of_memory()
    assert watched.peak_memory_bytes() == 150 * MIB


def test_what_processes_share_is_counted_once() -> None:
    processes = Given({10: 100 * MIB, 11: 100 * MIB}, {10: 50 * MIB, 11: 50 * MIB})
    watched = group(processes)
    watched.look()
    assert processes.killed == []
    assert not watched.ran_out_of_memory()


@given(st.dictionaries(st.integers(2, 99), st.integers(0, 1 << 40)), st.integers(0, 1 << 40))
@settings(max_examples=50)
def test_what_is_left_is_within_the_limit_and_no_more_die_than_needed(use: Use, limit_bytes: int) -> None:
    killed = list(victims(use, limit_bytes))
    assert sum(use.values()) - sum(use[pid] for pid in killed) <= limit_bytes
    assert not killed or sum(use.values()) - sum(use[pid] for pid in killed[:-1]) > limit_bytes


def test_a_look_at_a_crowd_is_many_short_ones() -> None:
    processes = Given(dict.fromkeys(range(10, 1000), MIB))
    watched = group(processes)
    looks = 1
    while not watched.look():
        looks += 1
    assert looks == 1 + 2 * (990 // AT_ONCE), "what all have, and what they share"
    assert len(processes.killed) == 990 - 128


async def test_who_is_looked_at_for_long_does_not_keep_the_others_waiting() -> None:
    class Crowded(Given):
        def resident(self, init: int) -> Iterator[tuple[int, int]]:
            return super().resident(init) if init == 2 else iter(dict.fromkeys(range(10, 1000), 0).items())

    clock, processes = FakeClock(), Crowded({5: 200 * MIB})
    watcher = MemoryWatcher(clock, processes)
    for number in (1, 2):
        made = watcher.make()
        made.holds(number)
        made.limit(128, 1024)
    watching = asyncio.create_task(watcher.run())
    await clock.advance(PAUSE_S)
    assert processes.killed == [5]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize(("memory_mb", "nice"), [(128, 12), (512, 6), (1024, 2), (1769, 0), (10_240, 0), (1, 19)])
def test_the_priority_follows_memory(memory_mb: int, nice: int) -> None:
    assert niceness(memory_mb) == nice


def test_it_looks_less_often_while_nothing_changes_and_at_once_when_it_does() -> None:
    processes = Given({10: 50 * MIB})
    watched = group(processes)
    for _ in range(10):
        watched.look()
    assert watched.wait_s == LONGEST_S
    processes.use = {10: 60 * MIB}
    watched.look()
    assert watched.wait_s == SHORTEST_S


def test_the_gauge_tells_the_highest_use() -> None:
    watched = group(Given({10: 7 * MIB}))
    gauge = watched.open_memory_gauge()
    watched.look()
    with open(gauge, "rb") as file:
        file.seek(0)
        assert int(file.read()) == 7 * MIB
    assert watched.remove()


def test_a_group_without_a_limit_is_left_alone() -> None:
    processes = Given({10: 900 * MIB})
    MemoryWatcher(FakeClock(), processes).make().look()
    assert processes.killed == []


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with an init (7) and its child (8), whose thread 9 has forked 20."""
    for path, text in {
        "7/task/7/children": "8 ",
        "8/task/8/children": "",
        "8/task/9/children": "20",
        "20/task/20/children": "",
        "7/status": "RssAnon:\t99 kB\n",
        "8/status": "VmRSS:\t99 kB\nRssAnon:\t  10 kB\nRssFile:\t50 kB\nRssShmem:\t  5 kB\nVmSwap:\t1 kB\n",
        "20/status": "RssAnon:\t  3 kB\n",
        "8/smaps_rollup": "Pss: 70 kB\nPss_Anon: 8 kB\nPss_File: 60 kB\nPss_Shmem: 2 kB\nSwapPss: 1 kB\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_memory_is_read_of_all_below_the_first_process(proc: Path) -> None:
    """Source: Linux's Documentation/filesystems/proc.rst."""
    assert dict(Processes(proc).resident(7)) == {8: 16 * 1024, 20: 3 * 1024}
    assert dict(Processes(proc).proportional([8, 20])) == {8: 11 * 1024, 20: 0}


def test_what_a_function_calls_its_processes_hides_nothing(proc: Path) -> None:
    """A name may be any bytes: prctl(2), PR_SET_NAME."""
    (proc / "8/status").write_bytes(b"Name:\t\xff\xfe\x85\rVmSwap\nRssAnon:\t  10 kB\n")
    assert dict(Processes(proc).resident(7)) == {8: 10 * 1024, 20: 3 * 1024}


def test_a_long_line_of_ancestors_hides_nothing(tmp_path: Path) -> None:
    for pid in range(1, 1_500):
        (tmp_path / f"{pid}/task/{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}/task/{pid}/children").write_text(f"{pid + 1} ")
        (tmp_path / f"{pid}/status").write_text("RssAnon:\t1 kB\n")
    assert sum(dict(Processes(tmp_path).resident(1)).values()) == 1_498 * 1024


async def test_a_group_that_cannot_be_looked_at_leaves_the_others_watched() -> None:
    class Broken(Given):
        def resident(self, init: int) -> Iterator[tuple[int, int]]:
            if init == 1:
                raise ValueError("a bug")
            return super().resident(init)

    clock, processes = FakeClock(), Broken({10: 900 * MIB})
    watcher = MemoryWatcher(clock, processes)
    for init in (1, 2, 1):
        made = watcher.make()
        made.holds(init)
        made.limit(128, 1024)
    watching = asyncio.create_task(watcher.run())
    await clock.advance(1)
    assert processes.killed[0] == 10
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
