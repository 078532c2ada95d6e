"""Loops that go on."""

import asyncio

from lambent.clock import FakeClock
from lambent.loops import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Loops, for_ever


class Failing:
    """Lives for `lives_s` each time, and then fails."""

    def __init__(self, clock: FakeClock, lives_s: float = 0.0) -> None:
        self.clock, self.lives_s = clock, lives_s
        self.began_s: list[float] = []

    async def run(self) -> None:
        self.began_s.append(self.clock.monotonic_s())
        await self.clock.sleep(self.lives_s)
        raise KeyError("a bug")


async def test_a_loop_that_fails_begins_again_after_pauses_that_double() -> None:
    clock = FakeClock()
    failing, loops = Failing(clock), Loops(clock)
    loops.begin("failing", failing.run)
    await clock.advance(FIRST_PAUSE_S * 7)
    assert failing.began_s == [0, FIRST_PAUSE_S, FIRST_PAUSE_S * 3, FIRST_PAUSE_S * 7]
    await clock.advance(20 * LONGEST_PAUSE_S)
    assert failing.began_s[-1] - failing.began_s[-2] == LONGEST_PAUSE_S
    await loops.close()


async def test_after_a_long_life_the_pause_is_short() -> None:
    clock = FakeClock()
    failing, loops = Failing(clock, STEADY_S), Loops(clock)
    loops.begin("failing", failing.run)
    await clock.advance(3 * (STEADY_S + 2 * FIRST_PAUSE_S))
    pauses_s = [after - before - STEADY_S for before, after in zip(failing.began_s, failing.began_s[1:], strict=False)]
    assert pauses_s == [FIRST_PAUSE_S] * len(pauses_s)
    assert len(pauses_s) >= 2
    await loops.close()


async def test_one_that_has_nothing_to_do_is_left_alone_and_cancelling_ends_it() -> None:
    begun = 0

    async def nothing() -> None:
        nonlocal begun
        begun += 1

    clock = FakeClock()
    await for_ever("nothing", nothing, clock)
    loops = Loops(clock)
    loops.begin("sleeping", lambda: clock.sleep(1_000))
    await asyncio.sleep(0)
    await loops.close()
    assert begun == 1


async def test_groups_of_loops_do_not_end_with_one_of_them() -> None:
    clock = FakeClock()
    failing, ticks = Failing(clock), list[float]()

    async def ticking() -> None:
        while True:
            ticks.append(clock.monotonic_s())
            await clock.sleep(10)

    async def both() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(for_ever("failing", failing.run, clock))
            tasks.create_task(for_ever("ticking", ticking, clock))

    loops = Loops(clock)
    loops.begin("both", both)
    await clock.advance(25)
    assert ticks == [0, 10, 20]
    await loops.close()
