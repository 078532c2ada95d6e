"""The clock of a development server: it goes on by itself, and jumps ahead."""

import asyncio
import time

from lambent.clock import ShiftedClock


async def test_whoever_is_due_by_the_new_time_wakes_the_earliest_first_and_the_others_sleep_on() -> None:
    clock, woken = ShiftedClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.ensure_future(sleeper(seconds)) for seconds in (90.0, 3600.0, 30.0)]
    await asyncio.sleep(0)
    clock.move_to(120.0)
    await asyncio.wait(tasks[::2])
    assert woken == [30.0, 90.0]
    clock.move_to(3500.0)
    await asyncio.sleep(0)
    assert woken == [30.0, 90.0]
    clock.move_to(3601.0)
    await tasks[1]
    assert woken == [30.0, 90.0, 3600.0]


async def test_a_sleeper_that_is_only_brought_nearer_wakes_by_itself() -> None:
    clock = ShiftedClock()
    sleeping = asyncio.ensure_future(clock.sleep(60.0))
    await asyncio.sleep(0)
    clock.move_to(59.99)
    await asyncio.wait_for(sleeping, 60)


async def test_a_sleeper_that_is_cancelled_leaves_nothing() -> None:
    clock = ShiftedClock()
    sleeping = asyncio.ensure_future(clock.sleep(60.0))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert clock._sleepers == {}
    clock.move_to(120.0)


def test_only_the_platforms_time_moves() -> None:
    clock = ShiftedClock(86_400.0)
    assert abs(clock.now_s() - time.time() - 86_400) < 5
    assert abs(clock.now_ms() / 1000 - time.time() - 86_400) < 5
    assert abs(clock.machine_s() - time.time()) < 5
    assert abs(clock.monotonic_s() - time.monotonic()) < 5
