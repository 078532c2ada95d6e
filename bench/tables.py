"""DynamoDB on a server of its own: durable puts, gets and updates a second, and what a Query costs in tables of two
sizes.

    .venv/bin/python bench/tables.py [--items 1000000] [--connections 16] [--requests 20000] [--endpoint URL]

The promise is 1,500 durable puts and 4,000 gets a second on two cores, load generator and signatures included, and a
Query whose cost does not grow with the table. Items are put into the database before the start, as a stopped server
would have left them. With `--endpoint` another endpoint that takes any key (DynamoDB Local) is measured in the same
way, without the large table. CPU is that of control and of the edge, a request.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from queues import cpu_s, parts  # the bench beside this one

from lambent.cli.server import Server, free_port
from lambent.services.dynamodb.keys import place_of
from lambent.services.dynamodb.model import KeyAttribute, KeySchema
from lambent.services.dynamodb.store import encode_item
from lambent.services.dynamodb.values import item_size

TEXT = "x" * 300
SCHEMA = KeySchema(KeyAttribute("id", "S"), KeyAttribute("number", "N"))
PER_PARTITION = 100
Key = tuple[str, str, str]


class Caller:
    """One connection that sends signed json requests, one after the other."""

    def __init__(self, key: Key, endpoint: str) -> None:
        self._host = urlsplit(endpoint).netloc
        self._key, secret, self._region = key
        self._day = datetime.now(UTC).strftime("%Y%m%d")
        seal = ("AWS4" + secret).encode()
        for part in (self._day, self._region, "dynamodb", "aws4_request"):
            seal = hmac.digest(seal, part.encode(), "sha256")
        self._secret = seal

    async def connect(self) -> None:
        """Open the connection."""
        host, _, port = self._host.partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))

    async def call(self, operation: str, **parameters: Any) -> Any:
        """The answer, which has to be a success."""
        body, now = json.dumps(parameters).encode(), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed, target = "content-type;host;x-amz-date;x-amz-target", f"DynamoDB_20120810.{operation}"
        kind = "application/x-amz-json-1.0"
        headers = {"content-type": kind, "host": self._host, "x-amz-date": now, "x-amz-target": target}
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{self._day}/{self._region}/dynamodb/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        seal = hmac.new(self._secret, text.encode(), "sha256").hexdigest()
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(
            f"POST / HTTP/1.1\r\n{sent}content-length: {len(body)}\r\nauthorization: AWS4-HMAC-SHA256 "
            f"Credential={self._key}/{scope}, SignedHeaders={signed}, Signature={seal}\r\n\r\n".encode()
            + body
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = json.loads(await self._reader.readexactly(length))
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SystemExit(f"{operation} was refused: {answer}")
        return answer


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


async def run(key: Key, endpoint: str, first: int, count: int, connections: int, pids: list[int]) -> dict[str, Any]:
    """Requests a second, by what they are; and CPU a request where the pids are known."""
    callers = [Caller(key, endpoint) for _ in range(connections)]
    await asyncio.gather(*(caller.connect() for caller in callers))
    figures = {}
    for name, make in requests_of(first).items():

        async def share(caller: Caller, at: int, make: Callable[[int], Any] = make) -> None:
            for number in range(at, count, connections):
                operation, parameters = make(number)
                await caller.call(operation, TableName="bench", **parameters)

        before, began_s = [cpu_s(pid) for pid in pids], time.perf_counter()
        await asyncio.gather(*(share(caller, at) for at, caller in enumerate(callers)))
        took_s = time.perf_counter() - began_s
        used = [(cpu_s(pid) - start) / count * 1e6 for pid, start in zip(pids, before, strict=True)]
        figures[name] = {"per_s": count / took_s, "cpu_us": used}
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


async def _first(key: Key, endpoint: str, items: int) -> None:
    caller = Caller(key, endpoint)
    await caller.connect()
    await make_table(caller)
    for number in range(items):
        await caller.call("PutItem", TableName="bench", Item=item_of(number))


def measure(items: int, count: int, connections: int) -> dict[int, dict[str, Any]]:
    """The figures in a table of 1,000 items and in one of `items`."""
    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        data = Path(temporary) / "data"
        for size in (1000, items):
            server = Server(data, free_port(), ["--log-level", "warning"])
            try:
                server.wait_ready()
                variables = server.access.variables()
                names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
                key: Key = tuple(variables[name] for name in names)  # type: ignore[assignment]
                if size == 1000:
                    uvloop.run(_first(key, server.endpoint, size))
                pids = parts(server.access)
                found[size] = uvloop.run(run(key, server.endpoint, size, count, connections, pids))
            finally:
                server.stop()
            if size == 1000:
                fill(data / "db" / "dynamodb.sqlite", items)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000, help="of the large table")
    parser.add_argument("--requests", type=int, default=20_000, help="of each kind")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--endpoint", help="of a peer that is to be measured instead")
    given = parser.parse_args()
    if given.endpoint:
        key: Key = ("test", "test", "us-east-1")
        uvloop.run(_first(key, given.endpoint, 1000))
        peer = run(key, given.endpoint, 1000, given.requests, given.connections, [])
        found = {1000: uvloop.run(peer)}
    else:
        found = measure(given.items, given.requests, given.connections)
    for size, figures in found.items():
        print(f"{size:,} items")
        for name, figure in figures.items():
            used = ", ".join(f"{each:4.0f}" for each in figure["cpu_us"])
            print(f"  {name:26} {figure['per_s']:8,.0f} /s   CPU us a request (control, edges): {used or 'unknown'}")


if __name__ == "__main__":
    main()
