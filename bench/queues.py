"""SQS in batches of ten, on a server of its own: sending, then receiving and deleting, then all at once.

    .venv/bin/python bench/queues.py [--messages 30000] [--waiting 1000000] [--connections 16]

The promise is 5,000 messages a second sent, and received and deleted as fast, on two cores, the load generator and
signatures included; and no less with a million messages waiting, which are put into the database before the start.
CPU is that of control and of the edge, a message.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import uvloop

from lambent.cli.access import Access, read_status
from lambent.cli.server import Server, free_port
from lambent.services.sqs.model import Content, encode_content

BATCH = 10
BODY = "x" * 200
TICKS = os.sysconf("SC_CLK_TCK")


class Caller:
    """One connection that sends signed json requests, one after the other."""

    def __init__(self, access: Access, endpoint: str) -> None:
        variables = access.variables()
        self._host = urlsplit(endpoint).netloc
        self._key, self._region = variables["AWS_ACCESS_KEY_ID"], variables["AWS_DEFAULT_REGION"]
        self._day = datetime.now(UTC).strftime("%Y%m%d")
        secret = ("AWS4" + variables["AWS_SECRET_ACCESS_KEY"]).encode()
        for part in (self._day, self._region, "sqs", "aws4_request"):
            secret = hmac.digest(secret, part.encode(), "sha256")
        self._secret = secret

    async def connect(self) -> None:
        """Open the connection."""
        host, _, port = self._host.partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))

    def request(self, operation: str, parameters: dict[str, Any]) -> bytes:
        """A signed request, whole."""
        body, now = json.dumps(parameters).encode(), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed, target = "content-type;host;x-amz-date;x-amz-target", f"AmazonSQS.{operation}"
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-date": now,
            "x-amz-target": target,
        }
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{self._day}/{self._region}/sqs/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        seal = hmac.new(self._secret, text.encode(), "sha256").hexdigest()
        sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (
            f"POST / HTTP/1.1\r\n{sent}content-length: {len(body)}\r\nauthorization: AWS4-HMAC-SHA256 "
            f"Credential={self._key}/{scope}, SignedHeaders={signed}, Signature={seal}\r\n\r\n"
        ).encode() + body

    async def send(self, request: bytes) -> dict[str, Any]:
        """The answer, which has to be a success."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SystemExit(f"refused: {body.decode()}")
        return json.loads(body) if body else {}  # type: ignore[no-any-return]


def parts(access: Access) -> list[int]:
    """The pids of control and the edges."""
    found = read_status(access)["parts"]
    return [found["control"]["pid"], *(edge["pid"] for edge in found["edges"])]


def cpu_s(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Bench:
    """The runs; what each measured stays in `figures`."""

    def __init__(self, server: Server, url: str, connections: int) -> None:
        self._server, self._url, self._connections = server, url, connections
        self._pids = parts(server.access)
        self.figures: dict[str, dict[str, float]] = {}

    async def run(self, name: str, count: int, *works: Any) -> None:
        """Let every connection do its share of `works`; note messages a second, and CPU a message."""
        share = count // self._connections // BATCH * BATCH
        count = share * self._connections
        callers = [Caller(self._server.access, self._server.endpoint) for _ in range(self._connections * len(works))]
        await asyncio.gather(*(caller.connect() for caller in callers))
        pairs = zip(callers, works * self._connections, strict=True)
        before, began_s = [cpu_s(pid) for pid in self._pids], time.perf_counter()
        await asyncio.gather(*(work(caller, share) for caller, work in pairs))
        took_s = time.perf_counter() - began_s
        used = [(cpu_s(pid) - start) / count * 1e6 for pid, start in zip(self._pids, before, strict=True)]
        self.figures[name] = {"per_s": count / took_s, "control_us": used[0], "edge_us": sum(used[1:])}

    async def send(self, caller: Caller, count: int) -> None:
        """Send so many messages in batches."""
        entries = [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]
        request = caller.request("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries})
        for _ in range(count // BATCH):
            await caller.send(request)

    async def drain(self, caller: Caller, count: int) -> None:
        """Receive so many messages in batches and delete them."""
        wanted = {"QueueUrl": self._url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 5}
        request, done = caller.request("ReceiveMessage", wanted), 0
        while done < count:
            messages = (await caller.send(request)).get("Messages", [])
            if not messages:
                return
            entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            answer = await caller.send(
                caller.request("DeleteMessageBatch", {"QueueUrl": self._url, "Entries": entries})
            )
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


def _queue_url(server: Server) -> str:
    variables = server.access.variables()
    client = boto3.client(
        "sqs",
        endpoint_url=server.endpoint,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )
    url: str = client.create_queue(QueueName="bench")["QueueUrl"]
    return url


def measure(
    messages: int = 30_000, waiting: int = 1_000_000, connections: int = 16
) -> dict[int, dict[str, dict[str, float]]]:
    """The three runs with an empty queue and with so many messages waiting, by how many wait."""
    found: dict[int, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="lambent-bench-", dir="/tmp") as temporary:
        for before in (0, waiting):
            server = Server(Path(temporary) / "data", free_port(), ["--log-level", "warning"])
            began_s = time.perf_counter()
            try:
                server.wait_ready()
                ready_s = time.perf_counter() - began_s
                found[before] = uvloop.run(_runs(server, _queue_url(server), connections, messages))
                found[before]["ready"] = {"s": ready_s}
            finally:
                server.stop()
            if not before:
                fill(Path(temporary) / "data" / "db" / "sqs.sqlite", waiting)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=30_000, help="of each run")
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=16)
    for waiting, runs in measure(**vars(parser.parse_args())).items():
        print(f"{waiting:,} messages waiting; ready after {runs.pop('ready')['s']:.1f} s")
        for name, run in runs.items():
            shown = f"control {run['control_us']:4.0f}, edge {run['edge_us']:4.0f}"
            print(f"  {name:34} {run['per_s']:8,.0f} messages/s   CPU us a message: {shown}")


if __name__ == "__main__":
    main()
