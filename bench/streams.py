"""A table whose changes run a function, in batches of a hundred, on a server of its own.

    .venv/bin/python bench/streams.py [--records 20000] [--lanes 1]

A record counts when the function has succeeded with it: from a stream that is full, and from one that is being
written at the same time by a load generator with signatures. CPU is that of control and of
the edge, a record; the writers' part of it is told by the run that only writes (bench/tables.py).
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import mappings
import queues
import uvloop
from tables import Caller, Key

from lambent.cli.access import read_status
from lambent.cli.server import Server, free_port

BATCH, AT_ONCE = 100, 25
TEXT = "x" * 100


class Place:
    """A server with a table, a function and the mapping between them, disabled at first."""

    def __init__(self, server: Server, lanes: int) -> None:
        self.server, variables = server, server.access.variables()
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        self.key: Key = tuple(variables[name] for name in names)  # type: ignore[assignment]
        session = boto3.Session(*self.key[:2], region_name=self.key[2])
        self.lambda_ = session.client("lambda", endpoint_url=server.endpoint)
        stream = session.client("dynamodb", endpoint_url=server.endpoint).create_table(
            TableName="bench",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]
        mappings.make_function(session, server.endpoint, mappings.QUICK)
        self.uuid = self.lambda_.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="bench", BatchSize=BATCH, ParallelizationFactor=lanes,
            StartingPosition="TRIM_HORIZON", Enabled=False,
        )["UUID"]  # fmt: skip

    def enable(self) -> None:
        """Let it poll."""
        while self.lambda_.get_event_source_mapping(UUID=self.uuid)["State"] != "Disabled":
            time.sleep(0.02)
        self.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=True)

    def done(self) -> int:
        """How many records the function has succeeded with."""
        return int(read_status(self.server.access)["mappings"].get(self.uuid, {}).get("invoked", 0))

    def write(self, first: int, count: int, connections: int) -> None:
        """Put items with these numbers."""
        uvloop.run(self._write(first, count, connections))

    async def _write(self, first: int, count: int, connections: int) -> None:
        callers = [Caller(self.key, self.server.endpoint) for _ in range(connections)]
        await asyncio.gather(*(caller.connect() for caller in callers))

        async def share(caller: Caller, at: int) -> None:
            for start in range(first + at * AT_ONCE, first + count, AT_ONCE * connections):
                puts = [{"PutRequest": {"Item": _item(number)}} for number in range(start, start + AT_ONCE)]
                await caller.call("BatchWriteItem", RequestItems={"bench": puts})

        await asyncio.gather(*(share(caller, at) for at, caller in enumerate(callers)))


def _item(number: int) -> dict[str, Any]:
    return {"id": {"S": f"item {number}"}, "text": {"S": TEXT}, "number": {"N": str(number)}}


@contextmanager
def _place(lanes: int) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        server = Server(Path(temporary) / "data", free_port(), ["--log-level", "warning"])
        try:
            server.wait_ready()
            yield Place(server, lanes)
        finally:
            server.stop()


def measure(records: int = 20_000, lanes: int = 1, connections: int = 8) -> dict[str, dict[str, float]]:
    """Both runs: records a second, and CPU microseconds a record of control and of the edges."""
    count = records // (connections * AT_ONCE) * connections * AT_ONCE
    found: dict[str, dict[str, float]] = {}
    with _place(lanes) as place:
        pids = queues.parts(place.server.access)

        def run(name: str, begin: Callable[[], None]) -> None:
            before, cpu, began_s = place.done(), [queues.cpu_s(pid) for pid in pids], time.perf_counter()
            begin()
            while place.done() - before < count:
                time.sleep(0.05)
            took_s = time.perf_counter() - began_s
            used = [(queues.cpu_s(pid) - start) / count * 1e6 for pid, start in zip(pids, cpu, strict=True)]
            found[name] = {"per_s": count / took_s, "control_us": used[0], "edge_us": sum(used[1:])}

        place.write(0, count, connections)
        run("from a full stream", place.enable)
        run("while items are being written", lambda: place.write(count, count, connections))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000, help="of each run")
    parser.add_argument("--lanes", type=int, default=1, help="ParallelizationFactor")
    wanted = parser.parse_args()
    for name, run in measure(wanted.records, wanted.lanes).items():
        shown = f"control {run['control_us']:4.0f}, edge {run['edge_us']:4.0f}"
        print(f"  {name:30} {run['per_s']:8,.0f} records/s   CPU us a record: {shown}")


if __name__ == "__main__":
    main()
