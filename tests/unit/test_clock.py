"""Time, injected: what only shows when the clock is moved at an awkward moment."""

import asyncio

from lambent.clock import FakeClock, sleep_until


async def test_a_clock_that_moves_before_the_sleep_begins_does_not_delay_it() -> None:
    clock = FakeClock(0.0)
    sleeping = asyncio.ensure_future(sleep_until(clock, 300_000))  # the task has not run yet
    clock._now_s = 300.0
    async with asyncio.timeout(60):
        await sleeping


async def test_a_sleep_is_no_longer_than_its_limit() -> None:
    clock = FakeClock(0.0)
    sleeping = asyncio.ensure_future(sleep_until(clock, 300_000, longest_s=60))
    await clock.advance(60)
    async with asyncio.timeout(60):
        await sleeping
