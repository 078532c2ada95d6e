"""The right to use one environment, for one invocation at a time.

    with lease as environment:
        outcome = await environment.invoke(...)

Leaving the block gives the environment back to its pool, which passes it on, keeps it, or, when
it can no longer be used, has it stopped.
"""

from typing import TYPE_CHECKING

import msgspec

from lambent.environment.api import Environment, Outcome
from lambent.model.environment import StartTimes
from lambent.model.invocation import LogLine, StartBreakdown
from lambent.model.messages import LeaseGrant

if TYPE_CHECKING:  # the two know each other; only the pool makes the other work
    from lambent.invocation.pool import Pool


class Lease:
    """One environment of a pool, with what its first invocation has to report about the start.

    `init_status` other than "" says that an init phase failed; `spent_us` is what an init phase
    has used up of the first invocation's own time; `early_lines` what it wrote to the log.
    """

    __slots__ = (
        "age_s",
        "born_s",
        "early_lines",
        "environment",
        "first",
        "idle_since_s",
        "init",
        "init_status",
        "init_us",
        "log_stream",
        "pool",
        "provisioned",
        "reported",
        "restore_us",
        "restored",
        "spent_us",
        "start",
        "worn_out",
    )

    def __init__(
        self, environment: Environment, grant: LeaseGrant, init: Outcome, times: StartTimes, took_us: int = 0
    ) -> None:
        self.environment = environment
        self.log_stream = grant.log_stream
        self.init = init
        self.restored = times.restored
        self.init_us = init.duration_us  # of a restored one: what of its restore is billed
        self.restore_us = 0
        self.init_status = ""
        self.spent_us = 0
        self.early_lines: list[LogLine] = []
        self.start: StartBreakdown | None = _breakdown(grant, init, times, took_us)
        self.pool: Pool | None = None
        self.first = True
        self.reported = False  # control was told that it is idle
        self.idle_since_s = 0.0
        self.age_s = grant.age_s  # when it came here
        self.born_s = 0.0
        self.worn_out = False  # lived its whole life: not to be used again
        self.provisioned = grant.provisioned
        if grant.moved:
            self.used()

    def used(self) -> None:
        """The first invocation is over: the next one is warm."""
        self.first = False
        self.init_us, self.init_status, self.spent_us = 0, "", 0
        self.restored, self.restore_us = False, 0
        self.early_lines, self.start = [], None

    def waited(self, waited_us: int) -> None:
        """How long the first request waited; what the start did not need is its time in the queue."""
        if self.start is not None:
            queue_us = max(0, waited_us - sum(msgspec.structs.astuple(self.start)))
            self.start = msgspec.structs.replace(self.start, queue_us=queue_us)

    def __enter__(self) -> Environment:
        return self.environment

    def __exit__(self, *_: object) -> None:
        assert self.pool is not None
        if self.environment.settling:
            pool = self.pool
            self.environment.on_settled(lambda _: pool.give_back(self))
        else:
            self.pool.give_back(self)


def _breakdown(grant: LeaseGrant, init: Outcome, times: StartTimes, took_us: int) -> StartBreakdown:
    """Of a start that took `took_us` from the wish for it to the end of the init phase."""
    known = StartBreakdown(
        placement_us=grant.placement_us,
        sandbox_us=times.sandbox_us,
        fork_us=times.fork_us,
        cgroup_us=times.cgroup_us,
        mount_us=times.mount_us,
        init_us=init.duration_us,
    )
    between_us = max(0, took_us - sum(msgspec.structs.astuple(known)))
    return msgspec.structs.replace(known, between_us=between_us)
