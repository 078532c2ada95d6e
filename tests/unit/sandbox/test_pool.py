"""The pool of ready-made sandboxes."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.depth import CALM_S, Depth
from lambent.sandbox.pool import LOOK_S, REST_S, Pool


class Made:
    def __init__(self, number: int) -> None:
        self.number, self.alive, self.stopped = number, True, False

    async def stop(self) -> None:
        self.stopped = True


class Workshop:
    """Makes one thing whenever it is told to finish."""

    def __init__(self, least: int, most: int = 0, idle_s: float = float("inf")) -> None:
        self.begun: list[asyncio.Future[Made]] = []
        self.clock = FakeClock()
        self.room = True
        self.pool: Pool[Made] = Pool(self._make, Depth(least, most, idle_s), self.clock, lambda: self.room)

    async def _make(self) -> Made:
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self.begun.append(future)
        return await future

    async def finish(self, *numbers: int) -> list[Made]:
        await settle()
        made = [Made(number) for number in numbers]
        for number, each in zip(numbers, made, strict=True):
            self.begun[number].set_result(each)
        await settle()
        return made

    async def pool_closed(self) -> None:
        """Close the pool; what it still makes comes to nothing."""
        for future in self.begun:
            if not future.done():
                future.set_exception(SandboxFailure("closed"))
        await self.pool.close()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_fills_up_to_its_size() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    shop.pool.fill()
    await shop.finish(0)
    await shop.finish(1)
    assert len(shop.begun) == 2
    assert shop.pool.statistics() == {"ready": 2, "making": 0, "waiting": 0}


async def test_a_reserve_that_is_looked_after_only_now_and_then_is_filled_soon_after_a_start() -> None:
    shop = Workshop(1, idle_s=1000.0)
    shop.pool.expect()
    [made] = await shop.finish(0)
    await shop.clock.advance(REST_S)
    assert await shop.pool.take() is made
    await settle()
    await shop.clock.advance(2 * REST_S)
    assert len(shop.begun) == 2
    await shop.finish(1)
    await shop.pool_closed()


async def test_one_that_is_given_up_keeps_nobody_waiting() -> None:
    shop = Workshop(1, idle_s=1000.0)
    shop.pool.expect()
    [made] = await shop.finish(0)
    assert shop.pool.give_one_up()
    assert not shop.pool.give_one_up()
    taking = asyncio.ensure_future(shop.pool.take())
    [second] = await shop.finish(1)
    assert await taking is second
    assert made.stopped
    await shop.pool_closed()


async def test_where_there_is_no_room_nothing_is_kept() -> None:
    shop = Workshop(1, idle_s=1000.0)
    shop.room = False
    shop.pool.expect()
    await settle()
    assert shop.begun == []
    shop.room = True
    await shop.clock.advance(2 * LOOK_S)
    assert len(shop.begun) == 1
    await shop.pool_closed()


async def test_what_is_ready_is_taken_at_once_and_replaced_after_a_rest() -> None:
    shop = Workshop(1)
    shop.pool.fill()
    [made] = await shop.finish(0)
    assert await shop.pool.take() is made
    await settle()
    assert len(shop.begun) == 1
    await shop.clock.advance(2 * REST_S)
    assert len(shop.begun) == 2
    await shop.pool_closed()


async def test_a_request_takes_whichever_is_ready_first_and_no_more_are_begun_than_needed() -> None:
    shop = Workshop(1)
    requests = [asyncio.create_task(shop.pool.take()) for _ in range(3)]
    await settle()
    assert len(shop.begun) == 3, "and none for the reserve meanwhile"
    made = await shop.finish(2, 1, 0)
    assert [(await request) for request in requests] == made


async def test_a_dead_one_is_passed_over() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    [dead] = await shop.finish(0)
    [living] = await shop.finish(1)
    dead.alive = False
    assert await shop.pool.take() is living
    assert dead.stopped


async def test_a_failure_is_the_oldest_requests_to_hear_and_is_not_tried_again_in_a_loop() -> None:
    shop = Workshop(0)
    first, second = (asyncio.create_task(shop.pool.take()) for _ in range(2))
    await settle()
    shop.begun[0].set_exception(SandboxFailure("no"))
    [made] = await shop.finish(1)
    with pytest.raises(SandboxFailure, match="no"):
        await first
    assert await second is made
    assert len(shop.begun) == 2


async def test_a_request_that_gave_up_leaves_its_sandbox_to_the_pool() -> None:
    shop = Workshop(0)
    request = asyncio.create_task(shop.pool.take())
    await settle()
    request.cancel()
    await shop.finish(0)
    assert shop.pool.statistics()["ready"] == 1


async def test_close_stops_what_is_ready_and_what_is_still_being_made() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    [ready] = await shop.finish(0)
    closing = asyncio.create_task(shop.pool.close())
    [late] = await shop.finish(1)
    await closing
    assert ready.stopped
    assert late.stopped
    shop.pool.fill()
    assert len(shop.begun) == 2


async def test_after_a_burst_as_many_wait_as_it_took_one_made_after_the_other_and_not_before_it_is_over() -> None:
    shop = Workshop(1, most=3)
    requests = [asyncio.create_task(shop.pool.take()) for _ in range(5)]
    await shop.finish(*range(5))
    await asyncio.gather(*requests)
    assert len(shop.begun) == 5
    for made in range(5, 8):
        await shop.clock.advance(2 * REST_S)
        assert len(shop.begun) == made + 1, "one at a time"
        await shop.finish(made)
    await shop.clock.advance(2 * REST_S)
    assert len(shop.begun) == 8
    assert shop.pool.statistics() == {"ready": 3, "making": 0, "waiting": 0}
    await shop.clock.advance(CALM_S + 2 * LOOK_S)
    assert shop.pool.statistics() == {"ready": 1, "making": 0, "waiting": 0}
    await shop.pool.close()


async def test_a_reserve_that_cannot_be_made_is_not_tried_again_before_the_next_request() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    await settle()
    shop.begun[0].set_exception(SandboxFailure("no"))
    await shop.clock.advance(60)
    assert len(shop.begun) == 1
    request = asyncio.create_task(shop.pool.take())
    await shop.finish(1)
    await request
    await shop.clock.advance(2 * REST_S)
    assert len(shop.begun) == 3
    await shop.pool_closed()


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(0, 5), st.integers(0, 40))
@settings(max_examples=50)
def test_the_depth_stays_within_its_bounds_and_comes_down_again(gaps_s: list[float], least: int, most: int) -> None:
    depth, now_s = Depth(least, most), 0.0
    for gap_s in gaps_s:
        now_s += gap_s
        depth.taken(now_s)
        assert least <= depth.wanted(now_s) <= max(least, most)
    assert depth.wanted(now_s + CALM_S + 2) == least


async def test_what_comes_in_the_moment_in_which_its_taker_goes_is_kept() -> None:
    shop = Workshop(0)
    taking = asyncio.create_task(shop.pool.take())
    await settle()
    made = Made(0)
    shop.begun[0].set_result(made)
    while shop.pool.statistics()["waiting"]:
        await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert shop.pool.ready == [made] or made.stopped
    await shop.pool.close()
    assert made.stopped


async def test_a_failure_that_nobody_thought_of_keeps_nobody_waiting() -> None:
    shop = Workshop(0)
    taking = asyncio.create_task(shop.pool.take())
    await settle()
    shop.begun[0].set_exception(OSError("no process is left"))
    with pytest.raises(SandboxFailure, match="no process is left"):
        await taking
    await shop.pool_closed()
