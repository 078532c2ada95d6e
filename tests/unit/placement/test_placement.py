"""Placement at work, over agents, edges, limits and specs in memory."""

import asyncio

import pytest

from lambent.clock import FakeClock
from lambent.errors import InternalFailure, Unavailable
from lambent.ids import FakeIds
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey
from lambent.model.messages import EnvironmentStatus, Hosted, IdleChange, LeaseGrant, LeaseRequest, Start
from lambent.placement.api import Links
from lambent.placement.fakes import FakeAgents, FakeEdges, FakeLimits, FakeSpecs
from lambent.placement.placement import Placement
from lambent.placement.throttle import PlacementFailed, Reason, Throttled


class House:
    def __init__(self, capacity_mb: int = 10_000, account_limit: int = 1_000) -> None:
        self.agents, self.edges, self.limits = FakeAgents(), FakeEdges(), FakeLimits(account_limit)
        self.clock = FakeClock()
        links = Links(self.agents, self.edges, self.limits, FakeSpecs())
        self.placement = Placement(capacity_mb, self.clock, FakeIds(), links)

    async def open(self) -> "House":
        await self.placement.recover([])
        return self

    async def lease(self, edge: int, request: LeaseRequest) -> LeaseGrant:
        grant = await self.placement.lease(edge, request)
        assert isinstance(grant, LeaseGrant)
        return grant


def wish(name: str = "a", key: str = "k1", *, here: bool = True) -> LeaseRequest:
    return LeaseRequest(FunctionKey("000000000000", "us-east-1", name), "$LATEST", "", key, here=here)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_lease_starts_an_environment_for_the_asking_edge() -> None:
    house = await House().open()
    grant = await house.lease(2, wish())
    start = house.agents.running[grant.environment_id]
    assert start.edge == 2
    assert start.spec.log_stream == grant.log_stream


async def test_the_throttle_carries_what_the_model_names() -> None:
    """Source: the Lambda model's TooManyRequestsException; retryAfterSeconds is the Retry-After header."""
    house = await House(account_limit=1).open()
    await house.lease(1, wish())
    with pytest.raises(Throttled) as caught:
        await house.lease(1, wish())
    members = {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "retryAfterSeconds": "1"}
    assert (caught.value.code, caught.value.message, caught.value.members) == (
        "TooManyRequestsException",
        "Rate Exceeded.",
        members,
    )


async def test_an_idle_environment_of_another_edge_makes_room() -> None:
    house = await House(account_limit=1).open()
    first = await house.lease(1, wish())
    house.placement.idle(IdleChange(first.environment_id, 1))
    house.edges.idle.add(first.environment_id)
    second = await house.lease(2, wish())
    assert list(house.agents.running) == [second.environment_id]
    assert house.edges.asked == [(1, first.environment_id)]


async def test_room_is_found_even_before_the_edge_has_told_that_it_is_idle() -> None:
    house = await House(account_limit=1).open()
    first = await house.lease(1, wish())
    house.edges.idle.add(first.environment_id)
    second = await house.lease(2, wish())
    assert list(house.agents.running) == [second.environment_id]


async def test_a_full_node_makes_claims_wait_and_throttles_them_at_last() -> None:
    house = await House(capacity_mb=128).open()
    first = await house.lease(1, wish())
    served = asyncio.ensure_future(house.lease(1, wish("b")))
    throttled = asyncio.ensure_future(house.lease(1, wish("c")))
    await settle()
    house.placement.exited(EnvironmentExit(first.environment_id))
    assert (await served).environment_id in house.agents.running
    await house.clock.advance(6)
    with pytest.raises(Throttled):
        await throttled


async def test_a_function_larger_than_the_node_is_told_so() -> None:
    house = await House(capacity_mb=100).open()
    with pytest.raises(Throttled, match="raise node_memory_mb or lower MemorySize"):
        await house.lease(1, wish())


async def test_a_start_that_fails_gives_its_place_back() -> None:
    house = await House(account_limit=1).open()
    house.agents.reachable = False
    with pytest.raises(PlacementFailed):
        await house.lease(1, wish())
    house.agents.reachable = True
    await house.lease(1, wish())


async def test_a_retiring_environment_is_waited_for() -> None:
    house = await House(account_limit=1).open()
    first = await house.lease(1, wish())
    house.placement.retiring(first.environment_id)
    second = asyncio.ensure_future(house.lease(1, wish()))
    await settle()
    assert not second.done()
    house.placement.exited(EnvironmentExit(first.environment_id))
    await second


async def test_a_lost_edge_is_cleaned_up_after() -> None:
    house = await House().open()
    first = await house.lease(1, wish())
    kept = await house.lease(2, wish())
    house.placement.edge_lost(1)
    await settle()
    assert [stop.environment_id for stop in house.agents.stopped] == [first.environment_id]
    assert house.placement.count(wish().key) == 1
    assert kept.environment_id in house.agents.running


async def test_an_edge_that_hangs_up_while_its_environment_is_made_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = await House().open()
    gate = asyncio.Event()
    start = house.agents.start

    async def slow_start(message: Start) -> None:
        await gate.wait()
        await start(message)

    monkeypatch.setattr(house.agents, "start", slow_start)
    lease = asyncio.ensure_future(house.lease(1, wish()))
    await settle()
    lease.cancel()
    house.placement.edge_lost(1)
    await settle()
    gate.set()
    await settle()
    assert house.agents.running == {}
    assert house.placement.usage().environments == 0


async def test_a_cancelled_claim_that_waits_is_forgotten() -> None:
    house = await House(capacity_mb=128).open()
    first = await house.lease(1, wish())
    waiting = asyncio.ensure_future(house.lease(1, wish()))
    await settle()
    waiting.cancel()
    await settle()
    assert house.placement.usage().waiting == 0
    house.placement.exited(EnvironmentExit(first.environment_id))
    assert house.placement.usage().environments == 0


async def test_leases_wait_until_it_is_known_what_the_agent_holds() -> None:
    house = House(account_limit=1)
    lease = asyncio.ensure_future(house.lease(1, wish()))
    await settle()
    assert not lease.done()
    key = wish().key
    await house.placement.recover([EnvironmentStatus("old", "k1", key, "$LATEST", 1, 128, 0, 7)])
    with pytest.raises(Throttled):
        await lease
    assert house.placement.count(key) == 1


async def test_without_an_agent_a_lease_fails_after_a_bounded_time() -> None:
    house = await House().open()
    house.placement.agent_lost()
    lease = asyncio.ensure_future(house.lease(1, wish()))
    await settle()
    await house.clock.advance(6)
    with pytest.raises(PlacementFailed):
        await lease


async def test_a_lost_agent_takes_its_environments_out_of_the_books() -> None:
    house = await House(account_limit=1).open()
    await house.lease(1, wish())
    house.placement.agent_lost()
    await house.placement.recover([])
    await house.lease(1, wish())


async def test_a_limit_set_to_zero_empties_the_function() -> None:
    house = await House().open()
    first = await house.lease(1, wish())
    house.placement.idle(IdleChange(first.environment_id, 1))
    house.edges.idle.add(first.environment_id)
    house.limits.reserved["a"] = 0
    await house.placement.limits_changed(wish().key)
    await settle()
    assert house.agents.running == {}
    with pytest.raises(Throttled) as caught:
        await house.lease(1, wish())
    assert caught.value.reason is Reason.RESERVED


async def test_many_edges_at_once_get_exactly_the_limit() -> None:
    house = await House(account_limit=10, capacity_mb=1_000_000).open()
    leases = [house.lease(edge % 4, wish(key=f"k{edge % 3}")) for edge in range(60)]
    answers = await asyncio.gather(*leases, return_exceptions=True)
    assert sum(not isinstance(answer, Exception) for answer in answers) == 10
    assert len(house.agents.running) == 10


async def test_at_a_limit_a_request_goes_to_the_edge_that_has_what_there_is() -> None:
    house = await House(account_limit=1).open()
    await house.lease(1, wish())
    assert await house.placement.lease(2, wish(here=False)) == Hosted(1)


async def test_at_a_limit_what_the_other_edge_does_not_use_moves() -> None:
    house = await House(account_limit=1).open()
    first = await house.lease(1, wish())
    house.edges.movable[1, "k1"] = [first.environment_id]
    moved = await house.lease(2, wish(here=False))
    assert (moved.environment_id, moved.moved) == (first.environment_id, True)
    assert await house.placement.lease(1, wish(here=False)) == Hosted(2)


@pytest.mark.parametrize(
    "fault", [Unavailable("gone"), InternalFailure("a bug")], ids=lambda fault: type(fault).__name__
)
async def test_an_edge_that_cannot_be_asked_gives_nothing_up(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    house = await House(account_limit=1).open()
    first = await house.lease(1, wish())
    house.placement.idle(IdleChange(first.environment_id, 1))

    async def unreachable(edge: int, environment_id: str) -> bool:
        raise fault

    monkeypatch.setattr(house.edges, "take_back", unreachable)
    with pytest.raises(Throttled):
        await house.lease(2, wish())
    await house.placement.close()


async def test_an_init_phase_without_an_invocation_holds_memory_and_no_concurrency() -> None:
    """SnapStart's, at PublishVersion: the node's memory is never overcommitted for it."""
    house = await House(capacity_mb=300, account_limit=1).open()
    house.limits.reserved["a"] = 0
    async with house.placement.room(wish()):
        assert house.placement.usage().memory_mb == 128
        assert house.placement.count(wish().key) == 0
        await house.lease(1, wish("b"))  # the account's one is still free
        waiting = asyncio.ensure_future(house.lease(1, wish("c")))
        await settle()
    await settle()
    assert house.placement.usage().memory_mb == 128
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_an_init_phase_that_counts_against_no_concurrency_takes_none_from_others() -> None:
    house = await House().open()
    grants = [await house.lease(1, wish()) for _ in range(2)]
    async with house.placement.room(wish("b")):
        for grant in grants:
            house.placement.idle(IdleChange(grant.environment_id, 1))
    await house.clock.advance(1.0)
    assert set(house.agents.running) == {grant.environment_id for grant in grants}


async def test_init_phases_wait_for_memory_and_are_throttled_where_there_is_none() -> None:
    house = await House(capacity_mb=300).open()
    others = [FunctionKey("000000000000", "us-east-1", name) for name in "bcd"]
    async with house.placement.room(wish("a")), house.placement.room(LeaseRequest(others[0], "1", "1", "kb")):

        async def third() -> None:
            async with house.placement.room(LeaseRequest(others[1], "1", "1", "kc")):
                pass

        waiting = asyncio.ensure_future(third())
        await house.clock.advance(4.9)
        assert not waiting.done()
        await house.clock.advance(0.2)
        with pytest.raises(Throttled):
            await waiting
    async with house.placement.room(LeaseRequest(others[2], "1", "1", "kd")):
        assert house.placement.usage().memory_mb == 128


async def test_an_init_phase_that_can_never_fit_fails_at_once() -> None:
    house = await House(capacity_mb=100).open()
    with pytest.raises(PlacementFailed, match="raise node_memory_mb"):
        async with house.placement.room(wish()):
            pass


async def test_what_is_idle_goes_for_an_init_phase_and_an_init_phase_for_nobody() -> None:
    house = await House(capacity_mb=256).open()
    grants = [await house.lease(1, wish(name)) for name in "ab"]
    house.edges.idle.add(grants[0].environment_id)
    house.placement.idle(IdleChange(grants[0].environment_id, 1))
    async with house.placement.room(LeaseRequest(wish("c").key, "1", "1", "kc")):
        assert [stop.environment_id for stop in house.agents.stopped] == [grants[0].environment_id]
        waiting = asyncio.ensure_future(house.lease(1, wish("d")))
        await house.clock.advance(5.1)
        with pytest.raises(Throttled):
            await waiting
