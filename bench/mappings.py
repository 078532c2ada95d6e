"""A queue that triggers a function, in batches of ten, on a server of its own.

    .venv/bin/python bench/mappings.py [--messages 30000] [--connections 8]

The promise is 5,000 messages a second through the function on two cores: from a queue that is full, and from one that
is being filled at the same time by a load generator with signatures. A message counts when it is deleted. CPU is that
of control and of the edge, a message; what senders cost is told by the run that only sends (bench/queues.py).

    .venv/bin/python bench/mappings.py --backlog 100000 --plot docs/guides/backlog.svg

drains a backlog with a function that takes its time, and draws how concurrency rises and falls.
"""

import argparse
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import queues
import uvloop
from plot import Line, Panel, draw

from lambent.cli.access import read_status
from lambent.cli.server import Server, free_port

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
QUICK = "def handler(event, context):\n    return None\n"
SLOW = "import time\ndef handler(event, context):\n    time.sleep({seconds})\n"
TICK_S, AFTER_S = 0.5, 15.0


class Place:
    """A server with a queue, a function and the mapping between them, disabled at first."""

    def __init__(self, server: Server, source: str, batch_size: int = queues.BATCH) -> None:
        self.server, variables = server, server.access.variables()
        session = boto3.Session(
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_DEFAULT_REGION"],
        )
        self.sqs, self.lambda_ = (session.client(name, endpoint_url=server.endpoint) for name in ("sqs", "lambda"))
        self.url = self.sqs.create_queue(QueueName="bench", Attributes={"VisibilityTimeout": "300"})["QueueUrl"]
        self.arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        make_function(session, server.endpoint, source)
        self.uuid = self.lambda_.create_event_source_mapping(
            EventSourceArn=self.arn, FunctionName="bench", BatchSize=batch_size, Enabled=False
        )["UUID"]

    def enable(self, wanted: bool = True) -> None:
        """Let it poll, or not; returns once that is so."""
        state = "Enabled" if wanted else "Disabled"
        while (present := self._state()) not in ("Enabled", "Disabled"):
            time.sleep(0.02)
        if present != state:
            self.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=wanted)
        while self._state() != state:
            time.sleep(0.02)

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


def make_function(session: boto3.Session, endpoint: str, source: str) -> None:
    """The function called bench, active and warm."""
    lambda_, iam = (session.client(name, endpoint_url=endpoint) for name in ("lambda", "iam"))
    role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    lambda_.create_function(
        FunctionName="bench", Runtime="python3.11", Role=role, Handler="app.handler", Timeout=30, MemorySize=128,
        Code={"ZipFile": _zipped(source)},
    )  # fmt: skip
    lambda_.get_waiter("function_active_v2").wait(FunctionName="bench", WaiterConfig={"Delay": 1})
    lambda_.invoke(FunctionName="bench", Payload=b'{"Records": []}')


@contextmanager
def _place(source: str, *flags: str) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        server = Server(Path(temporary) / "data", free_port(), ["--log-level", "warning", *flags])
        try:
            server.wait_ready()
            yield Place(server, source)
        finally:
            server.stop()


async def _send(place: Place, count: int, connections: int) -> None:
    bench = queues.Bench(place.server, place.url, connections)
    await bench.run("send", count, bench.send)


def _drained(place: Place, count: int, began_s: float, before: int) -> float:
    """Messages a second until so many more are deleted."""
    while place.statistics().get("deleted", 0) - before < count:
        time.sleep(0.05)
    return count / (time.perf_counter() - began_s)


def measure(messages: int = 30_000, connections: int = 8) -> dict[str, dict[str, float]]:
    """Both runs: messages a second, and CPU microseconds a message of control and of the edges."""
    count = messages // (connections * queues.BATCH) * connections * queues.BATCH
    found: dict[str, dict[str, float]] = {}
    with _place(QUICK) as place:
        pids = queues.parts(place.server.access)

        def run(name: str, begin: Any) -> None:
            before, cpu, began_s = (
                place.statistics().get("deleted", 0),
                [queues.cpu_s(pid) for pid in pids],
                time.perf_counter(),
            )
            begin()
            rate = _drained(place, count, began_s, before)
            used = [(queues.cpu_s(pid) - start) / count * 1e6 for pid, start in zip(pids, cpu, strict=True)]
            found[name] = {"per_s": rate, "control_us": used[0], "edge_us": sum(used[1:])}

        uvloop.run(_send(place, count, connections))
        run("from a full queue", place.enable)
        run("while it is being filled", lambda: uvloop.run(_send(place, count, connections)))
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


def _zipped(source: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("app.py", source)
    return memory.getvalue()


def main() -> None:
    """Measure and print, or drain a backlog and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=30_000, help="of each run")
    parser.add_argument("--connections", type=int, default=8, help="of the load generator")
    parser.add_argument("--backlog", type=int, default=0, help="drain so many messages instead")
    parser.add_argument("--seconds", type=float, default=1.0, help="that the function takes for a batch then")
    parser.add_argument("--plot", type=Path, help="where to draw it, as SVG")
    wanted = parser.parse_args()
    if wanted.backlog:
        drain(wanted.backlog, wanted.seconds, wanted.plot)
        return
    for name, run in measure(wanted.messages, wanted.connections).items():
        shown = f"control {run['control_us']:4.0f}, edge {run['edge_us']:4.0f}"
        print(f"  {name:30} {run['per_s']:8,.0f} messages/s   CPU us a message: {shown}")


if __name__ == "__main__":
    main()
