"""The contract of asynchronous invocation.

`EventQueue` (queue.py) lives in control. `put` may be called at any time; `run` delivers until it
is cancelled, and then leaves every event that it had not finished where it was. One `run` at a
time. Claims live in memory only: after a crash whatever was claimed is delivered again.
"""

from typing import Protocol

from msgspec import Struct

from lambent.model.invocation import Invocation, InvocationResult


class Invoker(Protocol):
    """Runs one invocation somewhere; control connects it to the edges."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """The result, function errors included. Raises ServiceError (throttled, no such function)
        or Unavailable."""


class Event(Struct, frozen=True):
    """An invocation that was accepted.

    `attempts` counts those that the function answered for, `requeues` those that failed before
    they reached it or were the platform's fault.
    """

    id: int
    invocation: Invocation
    accepted_ms: int
    attempts: int = 0
    requeues: int = 0


class Statistics(Struct, frozen=True):
    """What the queue holds and has done since its start, for status and metrics."""

    waiting: int
    running: int
    succeeded: int
    retried: int
    dropped: int
