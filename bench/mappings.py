"""A queue that triggers a function, in batches of ten, on a server of its own.

    .venv/bin/python bench/mappings.py [--messages 30000] [--connections 8]

The promise is 5,000 messages a second through the function on two cores: from a queue that is full, and from one that
is being filled at the same time by a load generator with signatures. A message counts when it is deleted. CPU is that
of control and of the edge, a message; what senders cost is told by the run that only sends (bench/queues.py).

    .venv/bin/python bench/mappings.py --backlog 100000 --plot docs/guides/backlog.svg

drains a backlog with a function that takes its time, and draws how concurrency rises and falls.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

import functions
import queues
from command import how_many, parser, run
from lambent.cli.access import client, read_status
from lambent.cli.server import Server, temporary_server
from patience import Patience
from plot import Line, Panel, draw
from processes import PartsMeter

QUICK = "def handler(event, context):\n    return None\n"
SLOW = "import time\ndef handler(event, context):\n    time.sleep({seconds})\n"
TICK_S, AFTER_S = 0.5, 15.0


class Place:
    """A server with a queue, a function and the mapping between them, disabled at first."""

    def __init__(self, server: Server, source: str, batch_size: int = queues.BATCH) -> None:
        self.server, access = server, server.access
        self.sqs, self.lambda_ = client(access, "sqs"), client(access, "lambda")
        self.url = self.sqs.create_queue(QueueName="bench", Attributes={"VisibilityTimeout": "300"})["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = asked["Attributes"]["QueueArn"]
        make_function(server, source)
        self.uuid = self.lambda_.create_event_source_mapping(
            EventSourceArn=self.arn, FunctionName="bench", BatchSize=batch_size, Enabled=False
        )["UUID"]

    def enable(self, wanted: bool = True) -> None:
        """Let it poll, or not; returns once that is so."""
        state = "Enabled" if wanted else "Disabled"
        patience = Patience(f"the mapping becomes {state}", pause_s=0.02)
        while (present := self._state()) not in ("Enabled", "Disabled"):
            patience.wait(present)
        if present != state:
            self.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=wanted)
        while (present := self._state()) != state:
            patience.wait(present)

    def _state(self) -> str:
        return str(self.lambda_.get_event_source_mapping(UUID=self.uuid)["State"])

    def statistics(self) -> dict[str, int]:
        """What the mapping's poller does and has done."""
        found: dict[str, int] = read_status(self.server.access)["mappings"].get(self.uuid, {})
        return found

    def left(self) -> int:
        """How many messages are in the queue, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


def make_function(server: Server, source: str) -> None:
    """The function called bench, active and warm."""
    lambda_, role = client(server.access, "lambda"), functions.role_of(client(server.access, "iam"))
    functions.make(lambda_, role, "bench", source, Timeout=30)
    lambda_.invoke(FunctionName="bench", Payload=b'{"Records": []}')


@contextmanager
def _place(source: str, *flags: str) -> Iterator[Place]:
    with temporary_server(["--log-level", "warning", *flags]) as server:
        yield Place(server, source)


async def _send(place: Place, count: int, connections: int) -> None:
    bench = queues.Bench(place.server, place.url, connections)
    await bench.run("send", count, bench.send)


def _drained(place: Place, count: int, began_s: float, before: int) -> float:
    """Messages a second until so many more are deleted."""
    patience = Patience("messages are deleted")
    while (deleted := place.statistics().get("deleted", 0)) - before < count:
        patience.wait(deleted)
    return count / (time.perf_counter() - began_s)


def measure(messages: int = 30_000, connections: int = 8) -> dict[str, dict[str, float]]:
    """Both runs: messages a second, and CPU microseconds a message of control and of the edges."""
    count = messages // (connections * queues.BATCH) * connections * queues.BATCH
    found: dict[str, dict[str, float]] = {}
    with _place(QUICK) as place:

        def timed(name: str, begin: Callable[[], None]) -> None:
            before, meter = place.statistics().get("deleted", 0), PartsMeter(place.server.access)
            began_s = time.perf_counter()
            begin()
            rate = _drained(place, count, began_s, before)
            found[name] = {"per_s": rate, **meter.figures(count)}

        uvloop.run(_send(place, count, connections))
        timed("from a full queue", place.enable)
        timed("while it is being filled", lambda: uvloop.run(_send(place, count, connections)))
        if place.left():
            raise SystemExit(f"{place.left()} messages are left")
    return found


def drain(backlog: int, seconds: float, plot: Path | None) -> None:
    """Drain so many messages with a function that takes its time; print and draw what the poller did."""
    moments: list[float] = []
    running: list[float] = []
    allowed: list[float] = []
    left: list[float] = []
    with _place(SLOW.format(seconds=seconds), "--node-memory-mb", "250000") as place:
        uvloop.run(_send(place, backlog, 8))
        place.enable()
        began_s = time.perf_counter()
        empty_s = 0.0
        while not empty_s or time.perf_counter() - empty_s < AFTER_S:
            found, moment_s = place.statistics(), time.perf_counter()
            moments.append(moment_s - began_s)
            running.append(found["running"])
            allowed.append(found["allowed"])
            left.append(place.left())
            if not left[-1] and not empty_s:
                empty_s = moment_s
            time.sleep(max(0.0, TICK_S - (time.perf_counter() - moment_s)))
        found = place.statistics()
    print(f"{backlog:,} messages in {empty_s - began_s:.0f} s; at most {max(running):.0f} batches at once; {found}")
    if plot is not None:
        title = f"{backlog:,} waiting messages, batches of 10, {seconds:g} s each"
        panels = [
            Panel("batches at once", [Line("running", running), Line("allowed", allowed)]),
            Panel("messages in the queue", [Line("left", left)]),
        ]
        draw(plot, title, moments, panels)


def main() -> None:
    """Measure and print, or drain a backlog and draw."""
    flags = parser(__doc__)
    flags.add_argument("--messages", type=how_many, default=30_000, help="of each run")
    flags.add_argument("--connections", type=how_many, default=8, help="of the load generator")
    flags.add_argument("--backlog", type=int, default=0, help="drain so many messages instead")
    flags.add_argument("--seconds", type=float, default=1.0, help="that the function takes for a batch then")
    flags.add_argument("--plot", type=Path, help="where to draw it, as SVG")
    wanted = flags.parse_args()
    if wanted.backlog:
        drain(wanted.backlog, wanted.seconds, wanted.plot)
        return
    for name, figures in measure(wanted.messages, wanted.connections).items():
        shown = f"control {figures['control_us']:4.0f}, edge {figures['edge_us']:4.0f}"
        print(f"  {name:30} {figures['per_s']:8,.0f} messages/s   CPU us a message: {shown}")


if __name__ == "__main__":
    run(main)
