"""DynamoDB on a server of its own: durable puts, gets and updates a second, and what a Query costs in tables of two
sizes.

    .venv/bin/python bench/tables.py [--items 1000000] [--connections 16] [--requests 20000] [--endpoint URL]

The promise is 1,500 durable puts and 4,000 gets a second on two cores, load generator and signatures included, and a
Query whose cost does not grow with the table. Items are put into the database before the start, as a stopped server
would have left them. With `--endpoint` another endpoint that takes any key (DynamoDB Local) is measured in the same
way, without the large table. CPU is that of control and of the edge, a request.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop

from callers import Caller
from command import how_many, parser, run
from lambent.cli.access import Access
from lambent.cli.server import server_on
from lambent.services.dynamodb.keys import place_of
from lambent.services.dynamodb.model import KeyAttribute, KeySchema
from lambent.services.dynamodb.store import encode_item
from lambent.services.dynamodb.values import item_size
from processes import Meter, control_of, edges_of

TEXT = "x" * 300
SCHEMA = KeySchema(KeyAttribute("id", "S"), KeyAttribute("number", "N"))
PER_PARTITION = 100
SMALL = 1000  # items of the small table


def caller_to(access: Access) -> Caller:
    """One connection to DynamoDB."""
    return Caller(access, "dynamodb", "DynamoDB_20120810")


def item_of(number: int) -> dict[str, Any]:
    """The item with that number."""
    key = {"id": {"S": f"partition {number // PER_PARTITION}"}, "number": {"N": str(number)}}
    return key | {"text": {"S": TEXT}, "count": {"N": "1"}}


def key_of(number: int) -> dict[str, Any]:
    """Its key."""
    return {name: value for name, value in item_of(number).items() if name in SCHEMA.names}


async def make_table(caller: Caller) -> None:
    """The one table."""
    keys = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}]
    kinds = [{"AttributeName": each.name, "AttributeType": each.kind} for each in SCHEMA.attributes]
    await caller.call(
        "CreateTable", TableName="bench", KeySchema=keys, AttributeDefinitions=kinds, BillingMode="PAY_PER_REQUEST"
    )


def requests_of(first: int) -> dict[str, Callable[[int], tuple[str, dict[str, Any]]]]:
    """What is measured: a request by its number. Puts begin behind the items that are there."""
    update = {
        "UpdateExpression": "SET #count = #count + :one",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeNames": {"#count": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    def query(number: int) -> dict[str, Any]:
        key = {":id": {"S": f"partition {number % max(1, first // PER_PARTITION)}"}, ":from": {"N": "0"}}
        condition = {"KeyConditionExpression": "id = :id AND #number >= :from", "Limit": 10}
        return condition | {"ExpressionAttributeValues": key, "ExpressionAttributeNames": {"#number": "number"}}

    return {
        "put": lambda number: ("PutItem", {"Item": item_of(first + number)}),
        "get": lambda number: ("GetItem", {"Key": key_of(number % first)}),
        "update with expressions": lambda number: ("UpdateItem", {"Key": key_of(number % first), **update}),
        "query of ten": lambda number: ("Query", query(number)),
    }


async def figures_of(access: Access, first: int, count: int, connections: int, pids: Sequence[int]) -> dict[str, Any]:
    """Requests a second, by what they are; and CPU a request where the pids are known."""
    callers = [caller_to(access) for _ in range(connections)]
    await asyncio.gather(*(caller.connect() for caller in callers))
    figures = {}
    for name, make in requests_of(first).items():

        async def share(caller: Caller, at: int, make: Callable[[int], Any] = make) -> None:
            for number in range(at, count, connections):
                operation, parameters = make(number)
                await caller.call(operation, TableName="bench", **parameters)

        meter, began_s = Meter(pids), time.perf_counter()
        await asyncio.gather(*(share(caller, at) for at, caller in enumerate(callers)))
        figures[name] = {"per_s": count / (time.perf_counter() - began_s), "cpu_us": meter.used_us(count)}
    return figures


def fill(database: Path, items: int) -> None:
    """Put so many items into the one table there is, as a stopped server would have left them."""
    with sqlite3.connect(database) as connection:
        ((space,),) = connection.execute("SELECT id FROM space")

        def rows() -> Any:
            for number in range(items):
                item = item_of(number)
                place = place_of(SCHEMA, item)
                yield space, place.partition, place.sort, encode_item(item)

        connection.execute("DELETE FROM item")
        connection.execute("CREATE TEMPORARY TABLE staged AS SELECT * FROM item")
        connection.executemany("INSERT INTO staged VALUES (?, ?, ?, ?)", rows())
        connection.execute(
            "INSERT INTO item SELECT * FROM staged ORDER BY 1, 2, 3"
        )  # a growing tree is filled in order
        connection.execute("UPDATE space SET items = ?, bytes = ?", (items, items * item_size(item_of(0))))


async def _begin(access: Access) -> None:
    caller = caller_to(access)
    await caller.connect()
    await make_table(caller)
    for number in range(SMALL):
        await caller.call("PutItem", TableName="bench", Item=item_of(number))


def measure(items: int, count: int, connections: int) -> dict[int, dict[str, Any]]:
    """The figures in a small table and in one of `items`."""
    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        data = Path(temporary) / "data"
        for size in (SMALL, items):
            with server_on(data, ["--log-level", "warning"]) as server:
                access = server.access
                if size == SMALL:
                    uvloop.run(_begin(access))
                pids = [control_of(access), *edges_of(access)]
                found[size] = uvloop.run(figures_of(access, size, count, connections, pids))
            if size == SMALL:
                fill(data / "db" / "dynamodb.sqlite", items)
    return found


def measure_peer(endpoint: str, count: int, connections: int) -> dict[int, dict[str, Any]]:
    """The figures of another endpoint, in a small table."""
    access = Access(endpoint, "us-east-1", "test", "test")
    uvloop.run(_begin(access))
    return {SMALL: uvloop.run(figures_of(access, SMALL, count, connections, []))}


def main() -> None:
    """Measure and print."""
    flags = parser(__doc__)
    flags.add_argument("--items", type=how_many, default=1_000_000, help="of the large table")
    flags.add_argument("--requests", type=how_many, default=20_000, help="of each kind")
    flags.add_argument("--connections", type=how_many, default=16)
    flags.add_argument("--endpoint", help="of a peer that is to be measured instead")
    given = flags.parse_args()
    if given.items <= SMALL:
        flags.error(f"the large table needs more than {SMALL} items")
    if given.endpoint:
        found = measure_peer(given.endpoint, given.requests, given.connections)
    else:
        found = measure(given.items, given.requests, given.connections)
    for size, figures in found.items():
        print(f"{size:,} items")
        for name, figure in figures.items():
            used = ", ".join(f"{each:4.0f}" for each in figure["cpu_us"])
            print(f"  {name:26} {figure['per_s']:8,.0f} /s   CPU us a request (control, edges): {used or 'unknown'}")


if __name__ == "__main__":
    run(main)
