"""The breakdown of a start: every microsecond has one name."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.clock import FakeClock
from lambent.environment.api import Outcome, OutcomeKind
from lambent.environment.fake import FakeEnvironment
from lambent.invocation.lease import Lease
from lambent.model.environment import StartTimes
from lambent.model.messages import LeaseGrant

US = st.integers(0, 10_000_000)


@given(st.tuples(US, US, US, US), US, US, US, US)
@settings(max_examples=50)
async def test_the_stages_of_a_start_and_the_queue_are_the_whole_wait(
    agent: tuple[int, int, int, int], placement_us: int, init_us: int, rest_us: int, queue_us: int
) -> None:
    grant, init = LeaseGrant("e", "s", placement_us), Outcome(OutcomeKind.READY, init_us)
    took_us = sum(agent) + placement_us + init_us + rest_us
    lease = Lease(FakeEnvironment("e", "k", FakeClock()), grant, init, StartTimes(*agent), took_us)
    lease.waited(took_us + queue_us)
    assert lease.start is not None
    assert sum(msgspec.structs.astuple(lease.start)) == took_us + queue_us
    assert (lease.start.queue_us, lease.start.between_us) == (queue_us, rest_us)
    lease.used()
    assert lease.start is None
