"""Environments between invocations: idle, taken back, replaced, lost, forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.errors import ServiceError
from lambent.invocation.api import Limits
from lambent.model.environment import EnvironmentExit
from lambent.model.function import FunctionKey
from lambent.model.invocation import InvocationResult
from lambent.model.messages import Hosted, LeaseGrant, LeaseRequest, Move

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.invocation.conftest import Lab

KEY = FunctionKey("000000000000", "us-east-1", "f")
SLEPT = Outcome(OutcomeKind.RESPONSE, 1_000_000, b'"slept"')


async def test_an_environment_that_is_idle_for_too_long_is_stopped(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(keep_alive_s=60))
    await lab.invoke()
    await lab.fake_clock.advance(59)
    lab.estate.sweep()
    assert lab.stopped == []
    await lab.fake_clock.advance(2)
    lab.estate.sweep()
    await lab.settle()
    assert [(stop.environment_id, stop.reason) for stop in lab.stopped] == [("e1", "idle for too long")]
    assert lab.environments["e1"].closed


async def test_an_environment_ends_before_its_credentials_do_however_busy_it_is(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(keep_alive_s=1000, life_s=100))
    await lab.invoke()
    await lab.fake_clock.advance(99)
    lab.estate.sweep()
    assert lab.stopped == []
    await lab.fake_clock.advance(2)
    lab.estate.sweep()
    await lab.settle()
    assert [(stop.environment_id, stop.reason) for stop in lab.stopped] == [("e1", "it is too old")]
    await lab.invoke()
    (lease,) = lab.estate._leases.values()
    assert lease.pool is not None
    assert lease.pool.take_nowait() is lease
    await lab.fake_clock.advance(101)
    lab.estate.sweep()
    assert len(lab.stopped) == 1
    lease.pool.give_back(lease)
    await lab.settle()
    assert len(lab.stopped) == 2


async def test_an_idle_environment_is_frozen_after_a_moment_and_not_when_it_is_used_within_it(
    labs: Callable[..., Lab],
) -> None:
    lab = labs(limits=Limits(freeze_after_s=0.5))
    await lab.invoke()
    environment = lab.environments["e1"]
    for _ in range(5):
        await lab.fake_clock.advance(0.4)
        lab.estate.sweep()
        assert not environment.frozen
        await lab.invoke()
    await lab.fake_clock.advance(0.6)
    lab.estate.sweep()
    assert environment.frozen
    await lab.invoke()
    assert not environment.frozen
    assert list(lab.environments) == ["e1"]


async def test_the_sweeper_sweeps_by_the_clock(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(keep_alive_s=1))
    await lab.invoke()
    sweeper = asyncio.ensure_future(lab.estate.run())
    await lab.settle()
    await lab.fake_clock.advance(2)
    await lab.settle()
    assert len(lab.stopped) == 1
    sweeper.cancel()


async def test_control_hears_of_idleness_that_lasts_and_of_its_end(lab: Lab) -> None:
    await lab.invoke()
    lab.estate.sweep()
    assert lab.idle_changes == []
    since_ms = lab.clock.now_ms()
    await lab.fake_clock.advance(0.2)
    lab.estate.sweep()
    lab.estate.sweep()
    assert [(change.environment_id, change.since_ms) for change in lab.idle_changes] == [("e1", since_ms)]
    await lab.invoke()
    assert lab.idle_changes[-1].since_ms == 0
    assert len(lab.idle_changes) == 2


async def test_only_an_idle_environment_is_given_back(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    assert not lab.estate.take_back("e1")
    assert not lab.estate.take_back("stranger")
    gate.open()
    await call
    assert lab.estate.take_back("e1")
    assert not lab.estate.take_back("e1")
    assert lab.environments["e1"].closed
    assert lab.stopped == []  # control does that
    await lab.invoke()
    assert lab.records[-1].environment_id == "e2"


async def test_the_request_after_a_change_meets_the_new_code(lab: Lab) -> None:
    await lab.invoke()
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate([KEY])
    await lab.invoke()
    assert [request.environment_key for request in lab.leases] == ["k1", "k2"]


async def test_idle_environments_of_replaced_code_go_at_once(lab: Lab) -> None:
    await lab.invoke()
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert [stop.reason for stop in lab.stopped] == ["its code or configuration was replaced"]


async def test_busy_environments_of_replaced_code_go_when_they_are_done(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert lab.stopped == []
    gate.open()
    assert (await call).status == "success"
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == ["e1"]


async def test_a_change_that_does_not_touch_environments_keeps_them(lab: Lab) -> None:
    await lab.invoke()
    lab.functions[KEY, ""] = lab.snapshot_of(reserved_concurrency=5)
    lab.estate.invalidate([KEY])
    await lab.settle()
    await lab.invoke()
    assert len(lab.leases) == 1


async def test_environments_of_a_deleted_function_go(lab: Lab) -> None:
    await lab.invoke()
    del lab.functions[KEY, ""]
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert lab.alive == {}


async def test_a_version_that_another_qualifier_leads_to_is_kept(lab: Lab) -> None:
    lab.functions[KEY, "prod"] = lab.snapshot_of(environment_key="k1", version="1")
    await lab.invoke()
    await lab.invoke(qualifier="prod")
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate([KEY])
    await lab.settle()
    assert len(lab.alive) == 1


async def test_code_that_comes_back_is_kept_again(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    for key in ("k2", "k1"):
        lab.functions[KEY, ""] = lab.snapshot_of(environment_key=key)
        lab.estate.invalidate([KEY])
        await lab.settle()
    gate.open()
    await call
    await lab.invoke()
    assert len(lab.leases) == 1


async def test_a_qualifier_not_seen_before_revives_code_that_was_replaced(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.functions[KEY, "1"] = lab.snapshot_of(environment_key="k1", version="1")
    lab.estate.invalidate([KEY])
    await lab.settle()
    first = lab.begin(qualifier="1")
    await first
    await lab.invoke(qualifier="1")
    gate.open()
    await call
    await lab.settle()
    assert lab.stopped == []


async def test_when_control_comes_back_everything_is_read_again(lab: Lab) -> None:
    await lab.invoke()
    lab.reachable = False
    lab.estate.invalidate([KEY])  # as if heard just before the end
    await lab.settle()
    lab.reachable = True
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate_all()
    await lab.settle()
    assert lab.alive == {}


async def test_a_lost_agent_takes_idle_environments_with_it(lab: Lab) -> None:
    await lab.invoke()
    lab.estate.agent_lost()
    await lab.settle()
    assert lab.data_plane.statistics().idle == 0
    assert (await lab.invoke(b"2")).payload == b"2"


async def test_a_grant_may_come_before_its_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lease(request: LeaseRequest) -> LeaseGrant:
        return LeaseGrant("late", "stream")

    monkeypatch.setattr(lab, "lease", lease)
    call = lab.begin()
    await lab.settle()
    assert not call.done()
    lab.estate.granted(FakeEnvironment("late", "k1", lab.fake_clock))
    assert (await call).status == "success"


async def test_a_grant_without_an_environment_fails_after_a_while(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lease(request: LeaseRequest) -> LeaseGrant:
        return LeaseGrant("never", "stream")

    monkeypatch.setattr(lab, "lease", lease)
    call = lab.begin()
    await lab.settle()
    await lab.fake_clock.advance(11)
    lab.estate.sweep()
    with pytest.raises(ServiceError) as caught:
        await call
    assert caught.value.code == "ServiceException"


async def test_an_exit_that_overtakes_its_environment_is_told_to_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lease(request: LeaseRequest) -> LeaseGrant:
        return LeaseGrant("late", "stream")

    monkeypatch.setattr(lab, "lease", lease)
    call = lab.begin()
    await lab.settle()
    lab.estate.exited(EnvironmentExit("late", exit_status=1))
    lab.estate.granted(FakeEnvironment("late", "k1", lab.fake_clock, init=None))
    assert b"exit status 1" in (await call).payload


async def test_an_environment_that_nobody_asked_for_is_stopped(lab: Lab) -> None:
    lab.estate.granted(FakeEnvironment("stranger", "k1", lab.fake_clock))
    lab.estate.sweep()
    assert lab.stopped == []
    await lab.fake_clock.advance(11)
    lab.estate.sweep()
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == ["stranger"]


async def test_an_init_that_fails_when_nobody_waits_any_more_is_cleaned_up(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers, lab.inits = [[gate]], [Outcome(OutcomeKind.READY, 1), None]
    calls = [lab.begin()]
    await lab.settle()
    calls.append(lab.begin())
    await lab.settle()
    gate.open()
    await asyncio.gather(*calls)
    lab.environments["e2"].wake(Outcome(OutcomeKind.ERROR, 1, b"{}", "X"))
    await lab.settle()
    assert [stop.environment_id for stop in lab.stopped] == ["e2"]
    assert len(lab.records) == 2


async def test_pools_that_nobody_needs_are_forgotten(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(keep_alive_s=1))
    await lab.invoke()
    for _ in range(2):
        await lab.fake_clock.advance(2)
        lab.estate.sweep()
    assert lab.estate._pools == {}


async def test_with_control_away_an_idle_environment_goes_to_the_edge_that_asks(lab: Lab) -> None:
    await lab.invoke()
    await lab.fake_clock.advance(5)
    grant = await lab.estate.hand_on("k1", 1)
    assert grant is not None
    assert (grant.environment_id, grant.log_stream, grant.moved, grant.provisioned, round(grant.age_s)) == (
        "e1", "stream of e1", True, False, 5,
    )  # fmt: skip
    assert lab.moves == [Move("e1", 1)]
    assert lab.environments["e1"].closed
    assert (lab.estate.held(), lab.retired, lab.stopped) == ([], [], [])
    assert await lab.estate.hand_on("k1", 1) is None


async def test_a_busy_environment_is_not_handed_on(lab: Lab) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[gate]]
    call = lab.begin()
    await lab.settle()
    assert await lab.estate.hand_on("k1", 1) is None
    gate.open()
    await call
    assert lab.moves == []


async def test_one_that_the_agent_does_not_move_is_stopped_and_the_asker_gets_none(lab: Lab) -> None:
    await lab.invoke()
    lab.alive.clear()  # it ended, and we have not heard yet
    assert await lab.estate.hand_on("k1", 1) is None
    await lab.settle()
    assert (lab.retired, [stop.reason for stop in lab.stopped]) == (["e1"], ["it could not be moved"])


async def test_what_is_busy_or_cannot_be_moved_is_here(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = lab.gate(SLEPT)
    lab.answers = [[Outcome(OutcomeKind.RESPONSE, 1_000, b"1"), gate]]
    await lab.invoke()
    assert lab.estate.has("k1")
    monkeypatch.setattr(FakeEnvironment, "movable", False)
    assert await lab.estate.hand_on("k1", 1) is None
    call = lab.begin()
    await lab.settle()
    assert lab.estate.has("k1")
    gate.open()
    await call
    assert not lab.estate.has("other")


async def test_a_request_that_ran_elsewhere_starts_nothing_and_is_written_down_there(lab: Lab) -> None:
    lab.limit, lab.other_edge, lab.told_by_host = 0, Hosted(1), InvocationResult("$LATEST", b"there")
    assert (await lab.invoke()).payload == b"there"
    assert (lab.alive, lab.records) == ({}, [])
    assert lab.data_plane.statistics().busy == 0


async def test_a_start_that_fails_unexpectedly_leaves_nobody_waiting(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lease(request: LeaseRequest) -> LeaseGrant:
        raise KeyError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(lab, "lease", lease)
        call = lab.begin()
        await lab.settle()
        with pytest.raises(ServiceError) as caught:
            await call
    assert caught.value.code == "ServiceException"
    assert (await lab.invoke()).status == "success"
