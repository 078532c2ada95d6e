"""Requests a second, over all edges.

Source: Lambda Developer Guide, "Understanding and visualizing concurrency": ten requests a second for each unit of
concurrency, for an account and for a function with reserved concurrency; ThrottleReason of the service model.
"""

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.errors import Unavailable
from lambent.invocation.api import Limits
from lambent.invocation.rates import Rates
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationResult
from lambent.model.messages import LeaseRequest, RateGrant, RateQuery
from lambent.placement import rates
from lambent.placement.api import Allowance
from lambent.placement.throttle import Throttled

if TYPE_CHECKING:
    from tests.unit.invocation.conftest import Lab

F, G = (FunctionKey("000000000000", "us-east-1", name) for name in "fg")


class Town:
    """Control with limits, and some edges."""

    def __init__(self, edges: int = 1, *, account: int = 1_000, reserved: int | None = None) -> None:
        self.clock, self.account, self.reserved = FakeClock(), account, reserved
        self.control, self.reachable, self.queries = rates.Rates(10, self, self.clock), True, 0
        self.edges = [Rates(self.ask, self.clock) for _ in range(edges)]

    async def allowance(self, function: FunctionKey) -> Allowance:
        return Allowance(self.account, self.reserved if function == F else None)

    async def memory_mb(self, request: LeaseRequest) -> int:
        raise AssertionError("nobody asks for it")

    async def ask(self, function: FunctionKey, wanted: int) -> RateGrant:
        self.queries += 1
        await asyncio.sleep(0)
        if not self.reachable:
            raise Unavailable("no control")
        return await self.control.grant(RateQuery(function, wanted))

    async def passed(self, wanted: int, function: FunctionKey = F, edge: int = 0) -> int:
        """How many of so many requests, one after the other, may pass."""
        return sum([await self.reason(function, edge) == "" for _ in range(wanted)])

    async def reason(self, function: FunctionKey = F, edge: int = 0) -> str:
        if self.edges[edge].take_nowait(function):
            return ""
        try:
            await self.edges[edge].take(function)
        except Throttled as throttled:
            return throttled.reason.value
        return ""


async def test_a_reservation_of_three_makes_thirty_a_second() -> None:
    town = Town(reserved=3)
    assert await town.passed(100) == 30
    assert await town.reason() == "ReservedFunctionInvocationRateLimitExceeded"
    await town.clock.advance(0.5)
    assert await town.passed(100) == 15
    await town.clock.advance(60.0)
    assert await town.passed(100) == 30


async def test_functions_without_a_reservation_share_the_accounts() -> None:
    town = Town(account=5, reserved=None)
    passed = await town.passed(30, G), await town.passed(30), await town.passed(30, G)
    assert passed[0] == 30
    assert sum(passed) == 50
    assert {await town.reason(), await town.reason(G)} == {"FunctionInvocationRateLimitExceeded"}


async def test_one_with_a_reservation_takes_nothing_from_the_account() -> None:
    town = Town(account=5, reserved=1)
    assert (await town.passed(99), await town.passed(99, G)) == (10, 50)


async def test_another_region_is_another_account() -> None:
    town = Town(account=5, reserved=None)
    elsewhere = FunctionKey(F.account, "eu-west-1", "f")
    assert (await town.passed(99), await town.passed(99, elsewhere)) == (50, 50)


async def test_a_storm_that_is_throttled_asks_control_once() -> None:
    town = Town(reserved=1)
    await town.passed(10)
    before = town.queries
    answers = await asyncio.gather(*(town.reason() for _ in range(500)))
    assert "" not in answers
    assert town.queries - before <= 1


async def test_a_busy_function_asks_about_twenty_times_a_second_however_many_requests_it_has() -> None:
    town = Town(account=1_000)
    for _ in range(100):
        assert await town.passed(90) == 90
        await town.clock.advance(0.01)
    assert town.queries <= 30


async def test_many_that_come_at_once_ask_together() -> None:
    town = Town(account=1_000)
    assert set(await asyncio.gather(*(town.reason() for _ in range(800)))) == {""}
    assert town.queries < 10


async def test_while_control_is_away_nothing_is_refused() -> None:
    town = Town(reserved=1)
    town.reachable = False
    assert await town.passed(50) == 50
    town.reachable = True
    assert await town.passed(50) == 10


async def test_a_request_that_is_given_up_while_it_asks_hinders_no_other() -> None:
    town = Town(reserved=1)
    asking, waiting = (asyncio.ensure_future(town.edges[0].take(F)) for _ in range(2))
    await asyncio.sleep(0)
    asking.cancel()
    await waiting
    with pytest.raises(asyncio.CancelledError):
        await asking


@given(st.integers(1, 4), st.integers(1, 20), st.floats(0.2, 3.0), st.integers(0, 2**32))
@settings(max_examples=50)
def test_over_any_edges_the_sum_holds_and_little_is_lost(edges: int, reserved: int, load: float, seed: int) -> None:
    """Not more than a second's worth beyond the rate; and not less than what came, or nine tenths of the rate."""

    async def run() -> None:
        town, dice, rate, asked, passed = Town(edges, reserved=reserved), random.Random(seed), 10 * reserved, 0, 0
        for _ in range(200):  # ten seconds
            wanted = round(dice.random() * 2 * load * rate / 20)
            asked += wanted
            for _ in range(wanted):
                passed += await town.reason(edge=dice.randrange(edges)) == ""
            await town.clock.advance(0.05)
        assert passed <= rate * 11
        lent_and_lost = rates.LENT_AT_ONCE * rate * edges + edges
        assert passed >= min(asked, rate * 10) * 0.9 - lent_and_lost

    asyncio.run(run())


async def test_functions_that_stay_away_are_forgotten() -> None:
    town = Town(account=1_000)
    for number in range(50):
        await town.passed(1, FunctionKey("000000000000", "us-east-1", str(number)))
        await town.clock.advance(0.5)
    assert len(town.edges[0]._loans) < 5


async def as_caller(lab: "Lab") -> InvocationResult:
    """As the gateway does it."""
    told: asyncio.Future[InvocationResult | Exception] = asyncio.get_running_loop().create_future()
    lab.data_plane.begin(lab.invocation(), told.set_result)
    result = await told
    if isinstance(result, Exception):
        raise result
    return result


async def test_a_request_beyond_the_rate_is_throttled_and_written_down(labs: "Callable[..., Lab]") -> None:
    lab = labs(limits=Limits(paced=True))
    lab.rate = RateGrant(2)
    await as_caller(lab)
    await as_caller(lab)
    lab.rate = RateGrant(0, 1.0, "FunctionInvocationRateLimitExceeded")
    with pytest.raises(Throttled) as throttled:
        await as_caller(lab)
    assert throttled.value.members["Reason"] == "FunctionInvocationRateLimitExceeded"
    assert lab.data_plane.statistics().throttles == 1
    assert len(lab.records) == 3
    assert (len(lab.leases), len(lab.rate_queries)) == (1, 2)


async def test_what_the_platform_runs_for_a_queue_is_not_counted(labs: "Callable[..., Lab]") -> None:
    lab = labs(limits=Limits(paced=True))
    lab.rate = RateGrant(0, 1.0, "FunctionInvocationRateLimitExceeded")
    await lab.invoke()
    assert lab.rate_queries == []
