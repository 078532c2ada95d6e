"""The contract of pollers: what a mapping asks for, and what pollers need of their surroundings.

`Pollers` (pollers.py) lives in control. The Lambda service, which owns the mappings, tells it `apply`, `stop` and
`forget`; they return once they hold, and batches that were begun before run on to their end under the settings that
they began with. After a restart it is told anew: pollers keep nothing on disk, because a queue's own visibility
timeouts are what survives. `close` begins no more batches and waits a moment for those in hand.

Source (queue_poller.py), batching (gathering.py), invoking (invoking.py), judging (responses.py) and pace
(scaling.py) are rooms apart: another kind of source brings its own loop and its own records.
"""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.meter import Meter


class Mapping(Struct, frozen=True):
    """An event source mapping as its poller needs it. `qualifier` is "" for the function itself."""

    uuid: str
    source_arn: str
    function: FunctionKey
    qualifier: str = ""
    batch_size: int = 10
    window_s: int = 0
    filters: tuple[str, ...] = ()
    reports_failures: bool = False
    most_concurrent: int | None = None
    counts_events: bool = False


class Message(Struct, frozen=True):
    """A message that was received from a queue, and is hidden from others until `visible_ms`.

    `attributes` are those of the system, all strings; `message_attributes` have a data type and a value.
    """

    id: str
    handle: str
    body: str
    md5: str
    attributes: Dict[str, str]
    visible_ms: int
    message_attributes: Dict[str, tuple[str, Any]] = {}
    md5_of_attributes: str = ""

    @property
    def group(self) -> str:
        return self.attributes.get("MessageGroupId", "")

    @property
    def trace_header(self) -> str:
        return self.attributes.get("AWSTraceHeader", "")


class QueueFacts(Struct, frozen=True):
    """What a queue is."""

    fifo: bool
    visibility_s: int


class Queues(Protocol):
    """Queues, addressed by ARN. Each method raises ServiceError when there is no such queue."""

    def facts(self, arn: str) -> QueueFacts: ...

    def waiting(self, arn: str) -> int:
        """How many messages could be received."""

    def version(self, arn: str) -> int:
        """A number that changes with whatever makes a message visible."""

    async def wait(self, arn: str, version: int, seconds: float) -> None:
        """Return when the version is another, or the time is up. May be cancelled."""

    async def receive(self, arn: str, most: int) -> list[Message]:
        """Hide and take what is visible now, for the queue's own visibility timeout."""

    async def delete(self, arn: str, handles: Sequence[str]) -> int:
        """How many of these messages are deleted; a FIFO queue refuses those whose timeout has ended."""

    async def release(self, arn: str, handles: Sequence[str]) -> None:
        """Make messages visible again."""


class Invoker(Protocol):
    """Runs one invocation somewhere; control connects it to the edges."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """The result, function errors included. Raises ServiceError or Unavailable."""


class Registry(Protocol):
    """Who owns the mappings: the Lambda service."""

    async def ended(self, mapping: Mapping, problem: str) -> None:
        """The poller stopped by itself, and will not begin again unless it is told to."""


class Links(NamedTuple):
    """What pollers talk to."""

    queues: Queues
    invoker: Invoker
    meter: Meter


class Statistics(Struct, frozen=True):
    """What pollers do and have done since the start; for status and metrics. Counts are of messages but for
    `running` (batches now), `allowed` (batches at once) and `throttled` (attempts)."""

    running: int = 0
    allowed: int = 0
    polled: int = 0
    filtered_out: int = 0
    invoked: int = 0
    failed: int = 0
    deleted: int = 0
    throttled: int = 0
