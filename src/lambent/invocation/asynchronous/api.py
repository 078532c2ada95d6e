"""The contract of asynchronous invocation.

`EventQueue` (queue.py) lives in control. `put` may be called at any time; `run` delivers until it
is cancelled, and then leaves every event that it had not finished where it was. One `run` at a
time. Claims live in memory only: after a crash whatever was claimed is delivered again.

What follows from an event's end (its destination, its dead-letter queue) is given to the durable
road of `lambent.delivery` before the event is deleted: a crash in between runs the event once more.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from lambent.delivery.api import Delivery
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult


class Invoker(Protocol):
    """Runs one invocation somewhere; control connects it to the edges."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """The result, function errors included. Raises ServiceError (throttled, no such function)
        or Unavailable."""


class EventRules(Struct, frozen=True):
    """What a function wants done with its events. Destinations are ARNs, "" for none.

    `arn` is what the event was sent to, with its qualifier (`$LATEST` for none). `stopped` says that
    the function's reserved concurrency is 0. `role` is the function's, as which it delivers.
    """

    arn: str
    max_retries: int = 2
    max_age_s: float = 21_600.0
    on_success: str = ""
    on_failure: str = ""
    dead_letter: str = ""
    stopped: bool = False
    role: str = ""


class Functions(Protocol):
    """Where the rules are kept; the Lambda service."""

    async def event_rules(self, key: FunctionKey, qualifier: str) -> EventRules:
        """The rules as they are now. Raises ServiceError (ResourceNotFoundException)."""


class Outbox(Protocol):
    """Where deliveries go: `lambent.delivery`."""

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        """Accept them all; they are on disk when this returns."""


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
