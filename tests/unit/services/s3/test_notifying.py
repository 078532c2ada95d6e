"""What wakes the one who tells of changes."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import json

from lambent.clock import FakeClock
from lambent.delivery.api import Delivery
from lambent.ids import FakeIds
from lambent.services.s3 import store
from lambent.services.s3.events import Happened, Rule, Rules
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.notifying import SETTING, Notifier
from lambent.store.api import Database, Transaction
from lambent.store.sql import load_schema
from lambent.store.sqlite import open_sqlite

QUEUE = "arn:aws:sqs:us-east-1:111111111111:q"
TRACE = "Root=1-6a1c0de5-3d36461b8c0fa56b952715b3;Lineage=1:a87bd80c:3"
RULES = Rules((Rule("q", QUEUE, ("s3:ObjectCreated:*",)),))
LIMIT_S = 60


class Outbox:
    def __init__(self) -> None:
        self.got: list[Delivery] = []
        self.news = asyncio.Event()

    async def put(self, deliveries: Sequence[Delivery]) -> None:
        self.got += deliveries
        self.news.set()


class Watched:
    """A database that says when it was read."""

    def __init__(self, inner: Database) -> None:
        self.inner, self.was_read = inner, asyncio.Event()
        self.write, self.rewrite, self.close = inner.write, inner.rewrite, inner.close

    async def read(self, work: Callable[[Transaction], Any]) -> Any:
        answer = await self.inner.read(work)
        self.was_read.set()
        return answer


async def test_what_is_added_while_it_looks_and_committed_after_is_told_at_once(tmp_path: Path) -> None:
    database = Watched(await open_sqlite(tmp_path / "s3.sqlite", load_schema("lambent.services.s3")))
    outbox = Outbox()
    notifier = Notifier(database, FakeClock(), FakeIds(), outbox)

    def prepare(tx: Transaction) -> Bucket:
        store.add_bucket(tx, Bucket(0, "111111111111", "us-east-1", "bucket", 0))
        bucket = store.bucket(tx, "bucket")
        store.set_setting(tx, bucket, SETTING, json.encode(RULES).decode())
        return bucket

    bucket = await database.write(prepare)
    added, may_commit = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        version = Version(bucket.id, "k", version="null")
        notifier.add(tx, bucket, Happened("ObjectCreated:Put", version, "r", "127.0.0.1", "u", trace_header=TRACE))
        added.set()
        assert may_commit.wait(LIMIT_S)

    writing = asyncio.create_task(notifier.committed(work))
    assert await asyncio.to_thread(added.wait, LIMIT_S)
    running = asyncio.create_task(notifier.run())
    await asyncio.wait_for(database.was_read.wait(), LIMIT_S)
    assert not outbox.got  # it looked, and there was nothing yet
    may_commit.set()
    await writing
    await asyncio.wait_for(outbox.news.wait(), LIMIT_S)
    assert [(each.target_arn, each.options) for each in outbox.got] == [(QUEUE, {"TraceHeader": TRACE})]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()
