"""Which of a pool's waiting requests a refused start speaks for."""

import pytest

from lambent.clock import FakeClock
from lambent.errors import ServiceError
from lambent.invocation.lease import Lease
from lambent.invocation.pool import HOSTED_S, Place, Pool
from lambent.model.function import FunctionKey
from lambent.model.messages import Hosted, LeaseRequest
from lambent.placement.throttle import Reason, Throttled

REQUEST = LeaseRequest(FunctionKey("000000000000", "us-east-1", "f"), "1", "1", "k1")
FULL = Throttled(Reason.ACCOUNT)


class Keeper:
    """Notes when starts were asked for, and does nothing."""

    def __init__(self) -> None:
        self.began_s: list[float] = []

    def begin_start(self, pool: Pool, began_s: float) -> None:
        self.began_s.append(began_s)

    def retire(self, lease: Lease, reason: str) -> None:
        raise AssertionError(reason)

    def in_use_again(self, lease: Lease) -> None:
        raise AssertionError

    def watch(self, pool: Pool) -> None:
        pool.watched = True


class Line:
    """Requests that wait at a pool, by name, and those that were refused."""

    def __init__(self) -> None:
        self.clock, self.keeper, self.refused = FakeClock(), Keeper(), list[str]()
        self.gone: list[str] = []
        self.pool = Pool(REQUEST, self.clock, self.keeper)

    async def join(self, name: str, after_s: float = 0.0, *, stays: bool = False) -> None:
        await self.clock.advance(after_s)

        def given(what: Place | ServiceError) -> bool:
            assert not isinstance(what, Lease)
            (self.gone if isinstance(what, Hosted) else self.refused).append(name)
            return True

        self.pool.wait(given, stays=stays)

    async def refuse(self, start: int, after_s: float = 0.0) -> None:
        await self.clock.advance(after_s)
        self.pool.refused(FULL, self.keeper.began_s[start])


@pytest.fixture
async def line() -> Line:
    return Line()


async def test_a_refusal_at_once_fails_the_newest_request(line: Line) -> None:
    for name in "abc":
        await line.join(name, after_s=0.001)
    await line.refuse(2)
    assert (line.refused, line.pool.waiting, line.pool.coming) == (["c"], 2, 2)


async def test_who_came_long_after_a_start_was_asked_for_is_not_refused_with_it(line: Line) -> None:
    await line.join("early")
    line.pool._waiters.popleft()  # it was served by an environment that fell idle
    await line.join("late", after_s=4.9)
    assert len(line.keeper.began_s) == 1
    await line.refuse(0, after_s=0.1)
    assert line.refused == []
    assert len(line.keeper.began_s) == 2, "it asks anew"
    await line.refuse(1, after_s=5.0)
    assert (line.refused, line.pool.waiting) == (["late"], 0)


async def test_where_more_and_more_come_nobody_waits_for_ever(line: Line) -> None:
    for name in "abcd":
        await line.join(name, after_s=1.0)
    await line.refuse(0, after_s=2.0)
    await line.refuse(1, after_s=1.0)
    assert (line.refused, line.pool.waiting) == (["a", "b"], 2)


async def test_who_can_go_to_another_edge_goes_and_who_stays_asks_for_one_here() -> None:
    line = Line()
    await line.join("a")
    await line.join("stays", stays=True)
    assert not line.pool.wish().here, "a start is of use to both"
    line.pool.hosted(Hosted(2), line.keeper.began_s[0])
    assert (line.gone, line.refused, line.pool.waiting) == (["a"], [], 1)
    assert line.pool.wish().here
    assert not line.pool.serves


async def test_another_edge_is_believed_for_a_while_and_then_one_request_asks_anew() -> None:
    line = Line()
    await line.join("a")
    assert line.pool.host_nowait() is None
    line.pool.hosted(Hosted(2), line.keeper.began_s[0])
    assert line.pool.host_nowait() == Hosted(2)
    await line.clock.advance(HOSTED_S)
    assert [line.pool.host_nowait() for _ in range(3)] == [None, Hosted(2), Hosted(2)]
    line.pool.lose_host()
    assert line.pool.host_nowait() is None
