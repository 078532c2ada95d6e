"""A table whose changes run a function, in batches of a hundred, on a server of its own.

    .venv/bin/python bench/streams.py [--records 20000] [--lanes 1]

A record counts when the function has succeeded with it: from a stream that is full, and from one that is being
written at the same time by a load generator with signatures. CPU is that of control and of
the edge, a record; the writers' part of it is told by the run that only writes (bench/tables.py).
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

import mappings
from callers import Caller
from command import how_many, parser, run
from lambent.cli.access import client, read_status
from lambent.cli.server import Server, temporary_server
from patience import Patience
from processes import PartsMeter
from tables import caller_to

BATCH, AT_ONCE = 100, 25
TEXT = "x" * 100


class Place:
    """A server with a table, a function and the mapping between them, disabled at first."""

    def __init__(self, server: Server, lanes: int) -> None:
        self.server, access = server, server.access
        self.lambda_ = client(access, "lambda")
        stream = client(access, "dynamodb").create_table(
            TableName="bench",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]["LatestStreamArn"]
        mappings.make_function(server, mappings.QUICK)
        self.uuid = self.lambda_.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="bench", BatchSize=BATCH, ParallelizationFactor=lanes,
            StartingPosition="TRIM_HORIZON", Enabled=False,
        )["UUID"]  # fmt: skip

    def enable(self) -> None:
        """Let it poll."""
        patience = Patience("the mapping becomes Disabled", pause_s=0.02)
        while (state := self.lambda_.get_event_source_mapping(UUID=self.uuid)["State"]) != "Disabled":
            patience.wait(state)
        self.lambda_.update_event_source_mapping(UUID=self.uuid, Enabled=True)

    def done(self) -> int:
        """How many records the function has succeeded with."""
        return int(read_status(self.server.access)["mappings"].get(self.uuid, {}).get("invoked", 0))

    def write(self, first: int, count: int, connections: int) -> None:
        """Put items with these numbers."""
        uvloop.run(self._write(first, count, connections))

    async def _write(self, first: int, count: int, connections: int) -> None:
        callers = [caller_to(self.server.access) for _ in range(connections)]
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
    with temporary_server(["--log-level", "warning"]) as server:
        yield Place(server, lanes)


def measure(records: int = 20_000, lanes: int = 1, connections: int = 8) -> dict[str, dict[str, float]]:
    """Both runs: records a second, and CPU microseconds a record of control and of the edges."""
    count = records // (connections * AT_ONCE) * connections * AT_ONCE
    if not count:
        raise SystemExit(f"{connections} connections need at least {connections * AT_ONCE} records")
    found: dict[str, dict[str, float]] = {}
    with _place(lanes) as place:

        def timed(name: str, begin: Callable[[], None]) -> None:
            before, meter, began_s = place.done(), PartsMeter(place.server.access), time.perf_counter()
            begin()
            patience = Patience("the function succeeds with records")
            while (done := place.done()) - before < count:
                patience.wait(done)
            found[name] = {"per_s": count / (time.perf_counter() - began_s), **meter.figures(count)}

        place.write(0, count, connections)
        timed("from a full stream", place.enable)
        timed("while items are being written", lambda: place.write(count, count, connections))
    return found


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--records", type=how_many, default=20_000, help="of each run")
    flags.add_argument("--lanes", type=how_many, default=1, help="ParallelizationFactor")
    wanted = flags.parse_args()
    for name, figures in measure(wanted.records, wanted.lanes).items():
        shown = f"control {figures['control_us']:4.0f}, edge {figures['edge_us']:4.0f}"
        print(f"  {name:30} {figures['per_s']:8,.0f} records/s   CPU us a record: {shown}")


if __name__ == "__main__":
    run(main)
