"""The contract of pollers: what a mapping asks for, and what pollers need of their surroundings.

`Pollers` (pollers.py) lives in control. The Lambda service, which owns the mappings, tells it `apply`, `stop` and
`forget`; they return once they hold, and batches that were begun before run on to their end under the settings that
they began with. After a restart it is told anew. `close` begins no more batches and waits a moment for those in hand.

Of queues nothing is kept on disk, because a queue's own visibility timeouts are what survives. Of streams it is kept
how far each shard has been read (checkpoints.py), in a database that belongs to the caller, who opens it with the
schema of PACKAGE. A mapping's place in its stream is settled when `apply` returns for the first time.

Sources (queue_poller.py, stream_poller.py), batching (gathering.py), invoking (invoking.py), judging (responses.py,
stream_failures.py) and pace (scaling.py) are rooms apart: another kind of source brings its own loop and records.
"""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from lambent.invocation.asynchronous.api import Outbox
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation, InvocationResult
from lambent.model.meter import Meter
from lambent.store.api import Database

PACKAGE = "lambent.pollers"  # whose schema the database has
BEGIN = ""  # the position before the first record
FOR_EVER = -1


class StreamSettings(Struct, frozen=True):
    """What only mappings of streams have. `parallel` lanes serve each shard; `max_retries` and `max_age_s` may be
    FOR_EVER; `on_failure` is the ARN that is told of records which are given up, "" for none; `tumbling_s` is the
    length of a tumbling window, 0 for none."""

    starting_position: str
    parallel: int = 1
    bisects: bool = False
    max_retries: int = FOR_EVER
    max_age_s: int = FOR_EVER
    on_failure: str = ""
    tumbling_s: int = 0


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
    stream: StreamSettings | None = None


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


class Shard(Struct, frozen=True):
    """A shard of a stream; `parent` is "" where there is none that may still have records."""

    id: str
    parent: str


class Change(Struct, frozen=True):
    """A record of a stream: `key` is a number that all records of an item share, `encoded` what the function sees."""

    sequence: str
    arrived_s: int
    key: int
    encoded: bytes


class Page(Struct, frozen=True):
    """Records of a shard after the position `after`; `upto` is where to read on, `ended` that there will be no more,
    `more` that there are more already."""

    after: str
    upto: str
    changes: list[Change]
    ended: bool = False
    more: bool = False


class Streams(Protocol):
    """Streams, addressed by ARN. Positions are sequence numbers, whose order is that of their text, over all streams.
    Each method raises ServiceError when there is no such stream, or no such shard any longer."""

    async def shards(self, arn: str) -> list[Shard]:
        """The shards, parents first."""

    async def newest(self, arn: str) -> str:
        """The position after everything that is there now."""

    async def read(self, arn: str, shard: str, position: str, wait_s: float) -> Page:
        """Records after a position, waiting for the first. May be cancelled."""


class Invoker(Protocol):
    """Runs one invocation somewhere; control connects it to the edges."""

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """The result, function errors included. Raises ServiceError or Unavailable."""


class Registry(Protocol):
    """Who owns the mappings: the Lambda service."""

    async def ended(self, mapping: Mapping, problem: str) -> None:
        """The poller stopped by itself, and will not begin again unless it is told to."""

    async def role(self, mapping: Mapping) -> str:
        """The ARN of the role that the mapping's function has now; "" when there is no function."""


class Poller(Protocol):
    """What serves one mapping: a loop that its owner runs, `run`, between `start` and `stop`."""

    async def prepare(self) -> None:
        """Before the first `start`: settle where to begin. Raises StoreFailed, Unavailable."""

    def change(self, mapping: Mapping) -> None:
        """Serve this from now on: another version of the same mapping."""

    def start(self) -> None:
        """Before `run`."""

    def stop(self) -> None:
        """Begin nothing more; `run` returns soon."""

    async def run(self) -> None:
        """Poll until stopped."""

    async def forget(self) -> None:
        """After `stop`: the mapping is no more."""

    def result(self) -> str:
        """What LastProcessingResult says; "" for nothing."""

    def statistics(self) -> "Statistics": ...


class Links(NamedTuple):
    """What pollers talk to. `database` keeps how far streams have been read; `outbox` takes what is said of records
    that are given up."""

    queues: Queues
    streams: Streams
    invoker: Invoker
    meter: Meter
    database: Database
    outbox: Outbox


class Statistics(Struct, frozen=True):
    """What pollers do and have done since the start; for status and metrics. Counts are of messages or records but for
    `running` (batches now), `allowed` (batches at once) and `throttled` (attempts). `dropped` are records that were
    given up, `handed_on` those of them that went to a destination."""

    running: int = 0
    allowed: int = 0
    polled: int = 0
    filtered_out: int = 0
    invoked: int = 0
    failed: int = 0
    deleted: int = 0
    throttled: int = 0
    dropped: int = 0
    handed_on: int = 0
