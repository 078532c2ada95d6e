"""SQS in batches of ten, on a server of its own: sending, then receiving and deleting, then all at once.

    .venv/bin/python bench/queues.py [--messages 30000] [--waiting 1000000] [--connections 16]

The promise is 5,000 messages a second sent, and received and deleted as fast, on two cores, the load generator and
signatures included; and no less with a million messages waiting, which are put into the database before the start.
CPU is that of control and of the edge, a message.
"""

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from callers import Caller
from command import how_many, parser, run
from lambent.cli.access import client
from lambent.cli.server import Server, server_on
from lambent.services.sqs.model import Content, encode_content
from processes import PartsMeter

BATCH = 10
BODY = "x" * 200


class Bench:
    """The runs; what each measured stays in `figures`."""

    def __init__(self, server: Server, url: str, connections: int) -> None:
        self._access, self._url, self._connections = server.access, url, connections
        self.figures: dict[str, dict[str, float]] = {}

    async def run(self, name: str, count: int, *works: Any) -> None:
        """Let every connection do its share of `works`; note messages a second, and CPU a message."""
        share = count // self._connections // BATCH * BATCH
        count = share * self._connections
        if not count:
            raise SystemExit(f"{self._connections} connections need at least {self._connections * BATCH} messages")
        callers = [Caller(self._access, "sqs", "AmazonSQS") for _ in range(self._connections * len(works))]
        await asyncio.gather(*(caller.connect() for caller in callers))
        pairs = zip(callers, works * self._connections, strict=True)
        meter, began_s = PartsMeter(self._access), time.perf_counter()
        await asyncio.gather(*(work(caller, share) for caller, work in pairs))
        took_s = time.perf_counter() - began_s
        self.figures[name] = {"per_s": count / took_s, **meter.figures(count)}

    async def send(self, caller: Caller, count: int) -> None:
        """Send so many messages in batches."""
        entries = [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]
        request = caller.request("SendMessageBatch", QueueUrl=self._url, Entries=entries)
        for _ in range(count // BATCH):
            await caller.send(request)

    async def drain(self, caller: Caller, count: int) -> None:
        """Receive so many messages in batches and delete them."""
        wanted = {"QueueUrl": self._url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 5}
        request, done = caller.request("ReceiveMessage", **wanted), 0
        while done < count:
            messages = (await caller.send(request)).get("Messages", [])
            if not messages:
                return
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            answer = await caller.call("DeleteMessageBatch", QueueUrl=self._url, Entries=entries)
            done += len(answer["Successful"])


def fill(database: Path, waiting: int) -> None:
    """Put so many messages into the one queue there is, as a stopped server would have left them."""
    now_ms = time.time_ns() // 1_000_000
    content = encode_content(Content("0" * 36, BODY, "0" * 32, ""))
    with sqlite3.connect(database) as connection:
        (lane,) = connection.execute("SELECT lane FROM queue").fetchone()
        rows = ((n, lane, now_ms, now_ms) for n in range(1, waiting + 1))
        connection.executemany("INSERT INTO message (id, lane, visible_ms, sent_ms) VALUES (?, ?, ?, ?)", rows)
        contents = ((n, content) for n in range(1, waiting + 1))
        connection.executemany("INSERT INTO content (id, content) VALUES (?, ?)", contents)


async def _runs(server: Server, url: str, connections: int, messages: int) -> dict[str, dict[str, float]]:
    bench = Bench(server, url, connections)
    await bench.run("send", messages, bench.send)
    await bench.run("receive and delete", messages, bench.drain)
    await bench.run("send, receive and delete at once", messages, bench.send, bench.drain)
    return bench.figures


def measure(
    messages: int = 30_000, waiting: int = 1_000_000, connections: int = 16
) -> dict[int, dict[str, dict[str, float]]]:
    """The three runs with an empty queue and with so many messages waiting, by how many wait."""
    found: dict[int, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        data = Path(temporary) / "data"
        for before in (0, waiting):
            began_s = time.perf_counter()
            with server_on(data, ["--log-level", "warning"]) as server:
                ready_s = time.perf_counter() - began_s
                url = client(server.access, "sqs").create_queue(QueueName="bench")["QueueUrl"]
                found[before] = uvloop.run(_runs(server, url, connections, messages))
                found[before]["ready"] = {"s": ready_s}
            if not before:
                fill(data / "db" / "sqs.sqlite", waiting)
    return found


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--messages", type=how_many, default=30_000, help="of each run")
    flags.add_argument("--waiting", type=how_many, default=1_000_000)
    flags.add_argument("--connections", type=how_many, default=16)
    for waiting, runs in measure(**vars(flags.parse_args())).items():
        print(f"{waiting:,} messages waiting; ready after {runs.pop('ready')['s']:.1f} s")
        for name, figures in runs.items():
            shown = f"control {figures['control_us']:4.0f}, edge {figures['edge_us']:4.0f}"
            print(f"  {name:34} {figures['per_s']:8,.0f} messages/s   CPU us a message: {shown}")


if __name__ == "__main__":
    run(main)
