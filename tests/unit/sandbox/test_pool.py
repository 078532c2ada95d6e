"""The pool of ready-made sandboxes."""

import asyncio

import pytest

from lambent.sandbox.api import SandboxFailure
from lambent.sandbox.pool import Pool


class Made:
    def __init__(self, number: int) -> None:
        self.number, self.alive, self.stopped = number, True, False

    async def stop(self) -> None:
        self.stopped = True


class Workshop:
    """Makes one thing whenever it is told to finish."""

    def __init__(self, size: int) -> None:
        self.begun: list[asyncio.Future[Made]] = []
        self.rests: list[asyncio.Future[None]] = []
        self.pool: Pool[Made] = Pool(self._make, size, self._rest)

    async def _make(self) -> Made:
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self.begun.append(future)
        return await future

    async def _rest(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rests.append(future)
        await future

    async def finish(self, *numbers: int) -> list[Made]:
        await settle()
        made = [Made(number) for number in numbers]
        for number, each in zip(numbers, made, strict=True):
            self.begun[number].set_result(each)
        await settle()
        return made


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_fills_up_to_its_size() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    shop.pool.fill()
    await shop.finish(0, 1)
    assert len(shop.begun) == 2
    assert shop.pool.statistics() == {"ready": 2, "making": 0, "waiting": 0}


async def test_what_is_ready_is_taken_at_once_and_replaced_after_a_rest() -> None:
    shop = Workshop(1)
    shop.pool.fill()
    [made] = await shop.finish(0)
    assert await shop.pool.take() is made
    await settle()
    assert len(shop.begun) == 1
    shop.rests[0].set_result(None)
    await settle()
    assert len(shop.begun) == 2


async def test_a_request_takes_whichever_is_ready_first_and_no_more_are_begun_than_needed() -> None:
    shop = Workshop(1)
    requests = [asyncio.create_task(shop.pool.take()) for _ in range(3)]
    await settle()
    assert len(shop.begun) == 4, "three requests and one empty place"
    made = await shop.finish(3, 1, 0)
    assert [(await request) for request in requests] == made


async def test_a_dead_one_is_passed_over() -> None:
    shop = Workshop(2)
    shop.pool.fill()
    dead, living = await shop.finish(0, 1)
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
