"""Requests that wait for an environment in use, without a task of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.environment.api import Outcome, OutcomeKind
from lambent.errors import ServiceError
from lambent.invocation.errors import ServiceFailed
from lambent.model.invocation import InvocationResult

if TYPE_CHECKING:
    from tests.unit.invocation.conftest import Gate, Lab

    from lambent.invocation.pool import Place

START_S = 10.0  # so dear that nobody asks for another environment
QUICK = Outcome(OutcomeKind.RESPONSE, 1_000, b'"done"')


class Told:
    """What became of some invocations, in the order in which it was told."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.results = lab, list[InvocationResult | Exception]()

    def ask(self, payload: bytes = b"{}") -> None:
        self.lab.data_plane.begin(self.lab.invocation(payload), self.results.append)


async def crowded(lab: Lab, *answers: Outcome | Gate) -> Gate:
    """The one environment, warm, is in use until the gate opens; then it gives `answers`."""
    gate = lab.gate(QUICK)
    lab.answers = [[QUICK, gate, *answers]]
    await lab.invoke()
    (pool,) = lab.estate._pools.values()
    pool.start_s = START_S
    return gate


async def test_who_waits_costs_no_task_and_is_served_in_the_order_of_arrival(lab: Lab) -> None:
    gate = await crowded(lab)
    told = Told(lab)
    told.ask()
    await lab.settle()
    before = len(asyncio.all_tasks())
    for number in range(5):
        told.ask(b"%d" % number)
    assert lab.data_plane.statistics().waiting == 5
    await lab.settle()
    assert len(asyncio.all_tasks()) - before <= 1  # the pool's, who sees whether they wait for too long
    gate.open()
    while len(told.results) < 6:
        await asyncio.sleep(0)
    payloads = [result.payload for result in told.results if isinstance(result, InvocationResult)]
    assert payloads == [b'"done"', b"0", b"1", b"2", b"3", b"4"]
    assert len(lab.leases) == 1


async def test_what_ended_before_it_was_taken_up_is_not_used_and_the_place_in_the_line_kept(lab: Lab) -> None:
    gate = await crowded(lab)
    told = Told(lab)
    told.ask()
    await lab.settle()
    told.ask(b"1")
    told.ask(b"2")
    (pool,) = lab.estate._pools.values()
    first = pool._waiters[0].given

    def given(what: Place | ServiceError) -> bool:
        """It ends in the same turn, before the request has it."""
        taken = first(what)
        lab.environments["e1"].close()
        return taken

    pool._waiters[0] = pool._waiters[0]._replace(given=given)
    gate.open()
    while len(told.results) < 3:
        await asyncio.sleep(0)
    assert [result.payload for result in told.results[1:] if isinstance(result, InvocationResult)] == [b"1", b"2"]
    assert [record.environment_id for record in lab.records[2:]] == ["e2", "e3"]


async def test_a_refused_start_is_told_to_who_waits_for_it(lab: Lab) -> None:
    await crowded(lab)
    (pool,) = lab.estate._pools.values()
    pool.start_s = None  # nothing is known: each gets its own
    lab.limit = 1
    told = Told(lab)
    told.ask()
    told.ask()
    await lab.settle()
    (error,) = told.results
    assert isinstance(error, ServiceError)
    assert error.code == "TooManyRequestsException"
    assert lab.data_plane.statistics().throttles == 1


async def test_who_waits_when_the_edge_closes_is_told_once(lab: Lab) -> None:
    gate = await crowded(lab)
    told = Told(lab)
    told.ask()
    await lab.settle()
    told.ask()
    told.ask()
    gate.open()
    await lab.data_plane.close()
    await lab.settle()
    assert len(told.results) == 3
    with pytest.raises(ServiceFailed, match="stopping"):
        raise next(result for result in told.results if isinstance(result, ServiceFailed))
