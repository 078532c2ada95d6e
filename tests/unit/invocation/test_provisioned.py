"""Environments of provisioned concurrency at an edge: handed over unasked, served first, moved when idle."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from tests.unit.invocation.test_two_edges import Town

from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.invocation.api import Limits
from lambent.model.environment import EnvironmentExit, Provisioned
from lambent.model.function import FunctionKey
from lambent.model.messages import Initialised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.unit.invocation.conftest import Lab

    from lambent.environment.fake import Answer

KEY = FunctionKey("000000000000", "us-east-1", "f")


async def provision(
    lab: Lab, name: str, init: Outcome | None = None, answers: Sequence[Answer] = ()
) -> FakeEnvironment:
    """An environment for the key of the lab's function, as the agent hands it over."""
    environment = FakeEnvironment(
        name, "k1", lab.fake_clock, init=init or Outcome(OutcomeKind.READY, 50_000), answers=answers
    )
    lab.estate.provisioned(environment, Provisioned(KEY, "1", f"stream of {name}", 130.0))
    await lab.settle()
    return environment


async def test_it_serves_without_a_lease_and_without_an_init_phase(lab: Lab) -> None:
    await provision(lab, "p1")
    assert lab.provisioned == [Initialised("p1")]
    await lab.invoke()
    (record,) = lab.records
    assert (record.environment_id, record.init_us, record.provisioned, record.log_stream) == (
        "p1", 0, True, "stream of p1",
    )  # fmt: skip
    assert record.billed_ms == 1
    assert (lab.leases, lab.data_plane.statistics().cold_starts) == ([], 0)


async def test_what_is_over_spills_and_provisioned_ones_are_served_first(lab: Lab) -> None:
    gates = [lab.gate(Outcome(OutcomeKind.RESPONSE, 1_000, b"1")) for _ in range(2)]
    await provision(lab, "p1", answers=[gates[0]])
    lab.answers = [[gates[1]]]
    calls = [lab.begin(), lab.begin()]
    await lab.settle()
    lab.open_all(gates)
    await asyncio.gather(*calls)
    await lab.invoke()
    await lab.invoke()
    assert [record.provisioned for record in lab.records] == [True, False, True, True]
    assert len(lab.leases) == 1


async def test_it_is_kept_however_long_it_is_idle_and_whatever_changes(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(keep_alive_s=10))
    await provision(lab, "p1")
    await lab.invoke()
    lab.functions[KEY, ""] = lab.snapshot_of(environment_key="k2")
    lab.estate.invalidate([KEY])
    await lab.settle()
    await lab.fake_clock.advance(1_000)
    lab.estate.sweep()
    assert lab.stopped == []
    assert lab.idle_changes == []


async def test_it_ends_at_the_end_of_its_life_at_the_latest(labs: Callable[..., Lab]) -> None:
    lab = labs(limits=Limits(life_s=100))
    await provision(lab, "p1")
    await lab.fake_clock.advance(101)
    lab.estate.sweep()
    await lab.settle()
    assert lab.retired == ["p1"]


async def test_an_init_phase_that_fails_is_told_and_leaves_nothing(lab: Lab) -> None:
    await provision(lab, "p1", Outcome(OutcomeKind.ERROR, 1_000, b"{}", "ImportError"))
    assert lab.provisioned == [Initialised("p1", "FUNCTION_ERROR_INIT_FAILURE")]
    assert lab.retired == ["p1"]
    assert lab.estate.held() == []


async def test_one_that_dies_is_sent_away(lab: Lab) -> None:
    await provision(lab, "p1")
    lab.estate.exited(EnvironmentExit("p1", signal=9))
    await lab.settle()
    assert lab.retired == ["p1"]


async def test_an_idle_one_is_given_up_to_be_moved_and_a_busy_one_is_not(lab: Lab) -> None:
    environment = await provision(lab, "p1")
    assert lab.estate.give_up("other") == ""
    assert lab.estate.give_up("k1") == "p1"
    assert environment.closed
    assert lab.estate.give_up("k1") == ""
    assert (lab.retired, lab.stopped, lab.estate.held()) == ([], [], [])


async def test_one_that_is_released_ends_when_it_is_done(lab: Lab) -> None:
    for name in ("p1", "p2"):
        await provision(lab, name)
    lab.estate.release("p2")
    assert lab.retired == ["p2"]
    call = lab.begin()
    await lab.settle()
    lab.estate.release("p1")
    await call
    await lab.settle()
    assert lab.retired == ["p2", "p1"]


async def test_one_that_is_released_while_it_moves_here_ends_after_its_invocation(lab: Lab) -> None:
    lab.estate.release("e1")
    await lab.invoke()
    await lab.settle()
    assert lab.retired == ["e1"]


async def test_a_request_at_any_edge_meets_one_as_long_as_not_all_are_busy() -> None:
    """Whatever edge has them: they move, and nobody waits for a start."""
    town = await Town().open(edges=3)
    for _ in range(4):
        await town.provision("f", edge=0)
    for turn in range(5):
        calls = [town.edges[(turn + number) % 3].begin(f"r{turn}-{number}", "f") for number in range(4)]
        await town.settle()
        assert len(town.running) == 4
        for request_id in list(town.running):
            town.finish(request_id)
        await asyncio.gather(*calls)
    records = [record for edge in town.edges.values() for record in edge.records]
    assert len(town.alive) == 4
    assert Counter(record.provisioned for record in records) == {True: 20}
    assert town.moves > 0
    await town.close()
