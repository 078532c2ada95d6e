"""Provisioned concurrency: what is planned, and how it is carried out and kept.

Source: Lambda Developer Guide, "Configuring provisioned concurrency for a function"; behaviours section 10.
"""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.ids import FakeIds
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey
from lambent.model.messages import EnvironmentStatus, Initialised, LeaseGrant, LeaseRequest
from lambent.placement.api import Links, Standing, Target, Wanted
from lambent.placement.fakes import FakeAgents, FakeEdges, FakeLimits, FakeSpecs
from lambent.placement.holdings import Claim, Holding, State
from lambent.placement.placement import LONGEST_WAIT_S, Placement
from lambent.placement.provisioning import AT_ONCE, LONGEST_PAUSE_S, TICK_S, Provisioner, plan

F = FunctionKey("000000000000", "us-east-1", "f")
NEVER_OLD = float("-inf")


def holding(name: str, key: str = "k1", qualifier: str = "live", *, ready: bool = True, born_s: float = 0.0) -> Holding:
    return Holding(name, Claim(1, F, key, 128, qualifier), State.HELD, born_s=born_s, ready=ready)


def wanted(count: int, key: str = "k1", qualifier: str = "live") -> Wanted:
    return Wanted(qualifier, (Target("1", key, count),))


def names(holdings: list[Holding]) -> list[str]:
    return [each.environment_id for each in holdings]


def test_what_is_missing_is_started_and_what_is_under_way_counts() -> None:
    made = plan([wanted(4)], [holding("a")], Counter({("live", "k1"): 1}), NEVER_OLD)
    assert (len(made.starts), made.releases) == (2, [])


def test_when_less_is_wanted_the_unready_go_first() -> None:
    made = plan([wanted(1)], [holding("a", ready=False), holding("b")], Counter(), NEVER_OLD)
    assert (made.starts, names(made.releases)) == ([], ["a"])


def test_the_old_version_stays_until_the_new_one_is_ready() -> None:
    old, new = holding("old", "k1"), holding("new", "k2", ready=False)
    assert plan([wanted(1, "k2")], [old], Counter(), NEVER_OLD).releases == []
    assert plan([wanted(1, "k2")], [old, new], Counter(), NEVER_OLD).releases == []
    new.ready = True
    assert names(plan([wanted(1, "k2")], [old, new], Counter(), NEVER_OLD).releases) == ["old"]


def test_where_there_is_no_room_for_both_the_old_ones_go_one_by_one() -> None:
    old = [holding("a", "k1"), holding("b", "k1")]
    made = plan([wanted(2, "k2")], old, Counter(), NEVER_OLD, frozenset({"live"}))
    assert (len(made.starts), names(made.releases)) == (2, ["a"])


def test_what_grows_old_is_replaced_first() -> None:
    old, young = holding("a", born_s=0.0), holding("b", born_s=90.0)
    made = plan([wanted(1)], [old], Counter(), 50.0)
    assert (len(made.starts), made.releases) == (1, [])
    assert names(plan([wanted(1)], [old, young], Counter(), 50.0).releases) == ["a"]


def test_what_nobody_wants_any_more_is_released() -> None:
    assert names(plan([], [holding("a"), holding("b", ready=False)], Counter(), NEVER_OLD).releases) == ["a", "b"]


HOLDINGS = st.lists(
    st.tuples(
        st.sampled_from(["k1", "k2", "k3"]),
        st.sampled_from(["live", "1"]),
        st.booleans(),
        st.sampled_from([0.0, 90.0]),
    ),
    max_size=8,
)


@given(HOLDINGS, st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=50)
def test_from_anywhere_the_plan_leads_to_exactly_what_is_wanted(
    found: list[tuple[str, str, bool, float]], first: int, second: int
) -> None:
    """And never to less than was ready before, as long as that is wanted."""
    present = [
        holding(f"h{number}", key, qualifier, ready=ready, born_s=born_s)
        for number, (key, qualifier, ready, born_s) in enumerate(found)
    ]
    want = [Wanted("live", (Target("1", "k1", first), Target("2", "k2", second)))]
    for turn in range(8):
        made = plan(want, present, Counter(), 50.0)
        present = [each for each in present if each not in made.releases]
        for each in present:
            each.ready = True
        present += [
            holding(f"n{turn}-{number}", target.environment_key, qualifier, ready=False, born_s=90.0)
            for number, (qualifier, target) in enumerate(made.starts)
        ]
    assert Counter(each.claim.environment_key for each in present) == Counter({"k1": first, "k2": second})
    assert all(each.ready and each.born_s == 90.0 for each in present)


class Configured:
    """What callers want."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []

    async def provisioned_functions(self) -> list[FunctionKey]:
        return [F] if self.wanted else []

    async def provisioned(self, function: FunctionKey) -> list[Wanted]:
        return self.wanted


class House:
    def __init__(self, account_limit: int = 1_000, life_s: float = 1_000.0, capacity_mb: int = 100_000) -> None:
        self.agents, self.edges, self.clock = FakeAgents(), FakeEdges(), FakeClock()
        self.limits, self.configured = FakeLimits(account_limit), Configured()
        self.placement = Placement(
            capacity_mb, self.clock, FakeIds(), Links(self.agents, self.edges, self.limits, FakeSpecs())
        )
        self.provisioner = Provisioner(self.placement, self.edges, self.configured, self.clock, life_s)

    async def want(self, *wanted: Wanted) -> None:
        self.configured.wanted = list(wanted)
        self.provisioner.changed(F)
        await self.turn()

    async def turn(self) -> None:
        await self.provisioner.reconcile()
        for _ in range(20):
            await asyncio.sleep(0)

    def unready(self) -> list[str]:
        return names([each for each in self.placement.pinned(F) if not each.ready])

    async def finish(self, failure: str = "") -> None:
        """Every init phase that is under way ends."""
        for name in self.unready():
            self.provisioner.initialised(Initialised(name, failure))
            if failure:
                self.placement.retiring(name)
                self.placement.exited(EnvironmentExit(name))
        await self.turn()

    def end_released(self) -> None:
        """The edge ends what it was told to."""
        for edge, name in self.edges.released:
            assert edge == 1
            self.placement.retiring(name)
            self.placement.exited(EnvironmentExit(name))
        self.edges.released.clear()

    def ready(self, key: str = "k1") -> Standing:
        return self.provisioner.standing(F, "live", [key])


@pytest.fixture
async def house() -> House:
    house = House()
    await house.placement.recover([])
    return house


async def test_environments_are_made_before_any_request_and_spread_over_the_edges(house: House) -> None:
    house.edges.connected = [0, 1]
    await house.want(wanted(4))
    assert house.ready() == Standing(0)
    await house.finish()
    assert house.ready() == Standing(4)
    assert Counter(start.edge for start in house.agents.running.values()) == {0: 2, 1: 2}
    assert house.placement.usage().provisioned == 4


async def test_one_that_dies_is_replaced(house: House) -> None:
    await house.want(wanted(2))
    await house.finish()
    dead = names(house.placement.pinned(F))[0]
    house.placement.exited(EnvironmentExit(dead))
    assert house.ready() == Standing(1)
    await house.turn()
    await house.finish()
    assert house.ready() == Standing(2)


async def test_a_function_takes_only_a_part_of_the_node_at_once(house: House) -> None:
    await house.want(wanted(3 * AT_ONCE))
    assert len(house.unready()) == AT_ONCE
    for _ in range(4):
        await house.finish()
    assert house.ready() == Standing(3 * AT_ONCE)


async def test_an_init_error_is_told_and_tried_again_after_longer_and_longer_pauses(house: House) -> None:
    await house.want(wanted(1))
    pauses: list[float] = []
    for _ in range(9):
        await house.finish("FUNCTION_ERROR_INIT_FAILURE")
        assert house.ready() == Standing(0, "FUNCTION_ERROR_INIT_FAILURE")
        assert house.unready() == []
        waited_s = 0.0
        while not house.unready():
            await house.clock.advance(TICK_S)
            waited_s += TICK_S
            await house.turn()
        pauses.append(waited_s)
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    await house.finish()
    assert house.ready() == Standing(1)


async def test_a_change_is_worth_another_try_at_once(house: House) -> None:
    await house.want(wanted(1))
    await house.finish("FUNCTION_ERROR_INIT_FAILURE")
    await house.want(wanted(1, "k2"))
    await house.finish()
    assert house.ready("k2") == Standing(1)


async def test_an_alias_that_moves_keeps_the_old_until_the_new_is_ready(house: House) -> None:
    await house.want(wanted(2, "k1"))
    await house.finish()
    old = names(house.placement.pinned(F))
    await house.want(wanted(2, "k2"))
    assert (house.ready("k1"), house.ready("k2"), house.edges.released) == (Standing(2), Standing(0), [])
    await house.finish()
    assert house.ready("k2") == Standing(2)
    assert sorted(name for _, name in house.edges.released) == sorted(old)


async def test_an_alias_that_moves_inside_a_full_reservation_makes_room_for_itself(house: House) -> None:
    house.limits.reserved["f"] = 2
    await house.want(wanted(2, "k1"))
    await house.finish()
    await house.want(wanted(2, "k2"))
    for _ in range(40):
        house.end_released()
        await house.clock.advance(TICK_S)
        await house.turn()
        await house.finish()
    assert (house.ready("k2"), house.placement.count(F)) == (Standing(2), 2)


async def test_what_the_node_has_no_memory_for_has_failed_and_says_so_until_there_is_room() -> None:
    house = House(capacity_mb=3 * 128)
    await house.placement.recover([])
    await house.placement.lease(1, LeaseRequest(F, "9", "9", "k9"))
    await house.want(wanted(3))
    await house.finish()
    assert house.ready() == Standing(2)
    await house.clock.advance(LONGEST_WAIT_S)
    await house.turn()
    assert house.ready().available == 2
    assert "node_memory_mb" in house.ready().failure
    (other,) = house.agents.running.keys() - set(names(house.placement.pinned(F)))
    house.placement.exited(EnvironmentExit(other))
    await house.clock.advance(TICK_S)
    await house.turn()
    await house.finish()
    assert house.ready() == Standing(3)


@pytest.mark.parametrize(("capacity_mb", "account_limit"), [(8 * 128, 1_000), (100_000, 8)], ids=["memory", "limit"])
async def test_an_alias_that_moves_where_there_is_no_room_for_both_is_quick_and_gives_up_one_at_a_time(
    capacity_mb: int, account_limit: int
) -> None:
    house = House(capacity_mb=capacity_mb, account_limit=account_limit)
    await house.placement.recover([])
    await house.want(wanted(8, "k1"))
    await house.finish()
    began_s, fewest = house.clock.monotonic_s(), 8
    await house.want(wanted(8, "k2"))
    while house.ready("k2").available < 8:
        fewest = min(fewest, house.ready("k1").available + house.ready("k2").available)
        house.end_released()
        await house.clock.advance(0.1)
        await house.turn()
        await house.finish()
        assert house.clock.monotonic_s() - began_s < 4
    assert fewest == 7
    assert house.ready("k2") == Standing(8)


async def test_what_is_released_and_goes_on_running_does_not_take_the_others_along_at_once() -> None:
    """Its invocation may last; meanwhile the next one goes only after TICK_S."""
    house = House(capacity_mb=4 * 128)
    await house.placement.recover([])
    await house.want(wanted(4, "k1"))
    await house.finish()
    await house.want(wanted(4, "k2"))
    for _ in range(5):
        await house.clock.advance(0.1)
        await house.turn()
    assert len(set(house.edges.released)) == 1
    await house.clock.advance(TICK_S)
    await house.turn()
    assert len(set(house.edges.released)) == 2


async def test_an_alias_that_moves_on_a_full_node_makes_room_for_itself_and_has_not_failed() -> None:
    house = House(capacity_mb=2 * 128)
    await house.placement.recover([])
    await house.want(wanted(2, "k1"))
    await house.finish()
    await house.want(wanted(2, "k2"))
    for _ in range(40):
        assert house.ready("k2").failure == ""
        house.end_released()
        await house.clock.advance(TICK_S)
        await house.turn()
        await house.finish()
    assert house.ready("k2") == Standing(2)


async def test_one_is_renewed_before_its_life_ends(house: House) -> None:
    await house.want(wanted(1))
    await house.finish()
    first = names(house.placement.pinned(F))
    await house.clock.advance(899)
    await house.turn()
    assert names(house.placement.pinned(F)) == first
    await house.clock.advance(2)
    await house.turn()
    assert house.ready() == Standing(1)
    assert house.edges.released == []
    await house.finish()
    assert house.edges.released == [(1, first[0])]
    assert house.ready() == Standing(1)


async def test_a_lost_agent_and_a_lost_edge_are_made_up_for(house: House) -> None:
    await house.want(wanted(2))
    await house.finish()
    house.agents.running.clear()
    house.placement.agent_lost()
    await house.turn()
    assert house.ready() == Standing(0)
    await house.placement.recover([])
    await house.turn()
    await house.finish()
    assert house.ready() == Standing(2)
    house.placement.edge_lost(1)
    house.edges.connected = [0]
    await house.turn()
    await house.finish()
    assert house.ready() == Standing(2)
    assert {start.edge for start in house.agents.running.values()} == {0}


def status(name: str, *, initialised: bool = True) -> EnvironmentStatus:
    return EnvironmentStatus(name, "k1", F, "1", 1, 128, FakeClock().now_ms(), 7, "live", initialised)


async def test_a_restarted_control_finds_what_it_had_provisioned() -> None:
    house = House()
    house.configured.wanted = [wanted(2)]
    await house.placement.recover([status("a"), status("b"), status("c", initialised=False)])
    house.provisioner.changed(F)
    await house.turn()
    assert (house.ready(), names(house.placement.pinned(F))) == (Standing(2), ["a", "b"])
    assert [stop.environment_id for stop in house.agents.stopped] == ["c"]


async def test_what_was_lost_between_two_edges_when_control_died_is_stopped_and_replaced() -> None:
    house = House()
    house.configured.wanted = [wanted(2)]
    await house.placement.recover([status("a"), status("b")])
    house.placement.confirm(1, ["a"])
    house.provisioner.changed(F)
    await house.turn()
    assert [stop.environment_id for stop in house.agents.stopped] == ["b"]
    await house.finish()
    assert house.ready() == Standing(2)


def wish(key: str = "k1") -> LeaseRequest:
    return LeaseRequest(F, "1", "live", key)


async def test_an_idle_one_moves_to_the_edge_that_has_a_request(house: House) -> None:
    await house.want(wanted(1))
    await house.finish()
    (there,) = names(house.placement.pinned(F))
    house.edges.movable[1, "k1"] = [there]
    await house.clock.advance(7)
    grant = await house.placement.lease(2, wish())
    assert isinstance(grant, LeaseGrant)
    assert (grant.environment_id, grant.moved, grant.provisioned, grant.age_s) == (there, True, True, 7)
    assert house.agents.running[there].edge == 2
    assert grant.log_stream == house.agents.running[there].spec.log_stream


async def test_when_all_are_busy_a_request_spills_over(house: House) -> None:
    await house.want(wanted(1))
    await house.finish()
    grant = await house.placement.lease(2, wish())
    assert isinstance(grant, LeaseGrant)
    assert (grant.moved, grant.provisioned) == (False, False)
    assert house.placement.count(F) == 2


async def test_provisioned_ones_make_no_room_for_others(house: House) -> None:
    house.limits.account_limit = 1
    await house.want(wanted(1))
    await house.finish()
    other = LeaseRequest(FunctionKey("000000000000", "us-east-1", "g"), "$LATEST", "", "kg")
    asked = asyncio.ensure_future(house.placement.lease(1, other))
    await house.turn()
    assert asked.done()
    assert str(asked.exception()) == "Rate Exceeded."
    assert house.ready() == Standing(1)


async def test_what_cannot_be_handed_on_is_stopped_and_replaced(house: House) -> None:
    await house.want(wanted(1))
    await house.finish()
    (there,) = names(house.placement.pinned(F))
    house.edges.movable[1, "k1"] = [there]
    del house.agents.running[there]
    grant = await house.placement.lease(2, wish())
    assert isinstance(grant, LeaseGrant)
    assert not grant.moved
    await house.turn()
    await house.finish()
    assert house.ready() == Standing(1)
    assert names(house.placement.pinned(F)) != [there]


async def test_run_looks_after_it_by_itself(house: House) -> None:
    house.configured.wanted = [wanted(1)]
    running = asyncio.ensure_future(house.provisioner.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(house.unready()) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
