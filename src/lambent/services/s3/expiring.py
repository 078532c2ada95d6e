"""Carrying lifecycle rules out: at every midnight, UTC, and when rules were put.

A bucket is walked by key. What is over is decided again in the transaction that deletes it, from what is there then, so
that nothing is deleted that was overwritten meanwhile. A walk that is cut off begins again, because the bucket stays
due until its walk is over.

Rejected: a due time for each object. Rules change, and with them the times of millions.
"""

from itertools import groupby
from typing import NamedTuple

import structlog

from lambent.delivery.due import DueLoop, Found
from lambent.model.principal import Principal
from lambent.services.operation import RequestContext
from lambent.services.s3 import store, upload_store
from lambent.services.s3.lifecycle import rules_for
from lambent.services.s3.lifecycle_rules import Rule, abort, acts, midnight_after
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.store import SQL
from lambent.services.s3.uploads import abort as forget_upload
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction

WHO = "s3.amazonaws.com"
FAMILY = "LifecycleExpiration"
WALKED = 1_000  # versions that are looked at in one go
PARALLEL = 4
log = structlog.get_logger()


class Due(NamedTuple):
    """A bucket whose rules are to be carried out."""

    id: int


class Expirer:
    """Who carries them out while `run` runs."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._database, self._clock = writer, writer.database, writer.clock
        self._loop = DueLoop(self._find, self.carry_out, writer.clock, "s3.lifecycle", PARALLEL)

    def wake(self) -> None:
        """Rules were put."""
        self._loop.wake()

    async def run(self) -> None:
        """Carry out until cancelled."""
        await self._loop.run()

    async def carry_out(self, due: Due) -> None:
        """One bucket, whole."""
        now_ms, ended = self._clock.now_ms(), 0
        key: str | None = ""
        while key is not None:
            over, key = await self._walk(due.id, key, now_ms)
            ended += await self._end(due.id, over, now_ms)
        ended += await self._writer.write(lambda tx: self._abort(tx, due.id, now_ms))
        later_ms = midnight_after(now_ms + 1, 0)
        await self._database.write(lambda tx: tx.run(SQL.postpone_lifecycle, id=due.id, due_ms=later_ms, now_ms=now_ms))
        if ended:
            log.info("what was over is deleted", action="s3.lifecycle", bucket=due.id, count=ended)

    async def _find(self, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Due]:
        rows = await self._database.read(lambda tx: tx.all(SQL.lifecycles_by_due, count=count + len(claimed) + 1))
        open_ = [row for row in rows if row["bucket_id"] not in claimed]
        due = [Due(row["bucket_id"]) for row in open_ if row["due_ms"] <= now_ms][:count]
        later = [row["due_ms"] for row in open_ if row["due_ms"] > now_ms]
        return Found(due, min(later, default=None))

    async def _walk(self, bucket_id: int, key: str, now_ms: int) -> tuple[list[str], str | None]:
        return await self._database.read(lambda tx: _walk(tx, bucket_id, key, now_ms))

    async def _end(self, bucket_id: int, keys: list[str], now_ms: int) -> int:
        if not keys:
            return 0
        return await self._writer.write(lambda tx: self._delete(tx, bucket_id, keys, now_ms))

    def _delete(self, tx: Transaction, bucket_id: int, keys: list[str], now_ms: int) -> int:
        """Delete what is over of these keys, by what is there and what holds now."""
        bucket = store.bucket_by_id(tx, bucket_id)
        if bucket is None:
            return 0
        rules, ctx, ended = rules_for(tx, bucket), self._context(bucket), 0
        for key in keys:
            versions = list(store.older_versions(tx, bucket.id, key, store.NEWEST))
            for what, version in acts(versions, rules, now_ms) if versions else ():
                if what == "expire":
                    self._writer.delete(tx, ctx, bucket, key, FAMILY)
                else:
                    self._writer.remove(tx, ctx, bucket, version, FAMILY)
                ended += 1
        return ended

    def _abort(self, tx: Transaction, bucket_id: int, now_ms: int) -> int:
        bucket = store.bucket_by_id(tx, bucket_id)
        if bucket is None:
            return 0
        rules, ended = rules_for(tx, bucket), 0
        for upload in upload_store.uploads_from(tx, bucket.id, ""):
            found = abort(upload, rules)
            if found is not None and found[0] <= now_ms:
                forget_upload(tx, upload, now_ms)
                ended += 1
        return ended

    def _context(self, bucket: Bucket) -> RequestContext:
        who = Principal(bucket.account, WHO, WHO)
        return RequestContext(who, bucket.account, bucket.region, self._writer.ids.uuid(), source_ip=WHO)


def _walk(tx: Transaction, bucket_id: int, key: str, now_ms: int) -> tuple[list[str], str | None]:
    """The keys from `key` on of which something is over, and where to go on."""
    bucket = store.bucket_by_id(tx, bucket_id)
    rules: list[Rule] = [] if bucket is None else rules_for(tx, bucket)
    over: list[str] = []
    seen = 0
    if not rules:
        return over, None
    for name, group in groupby(store.versions_from(tx, bucket_id, key), lambda version: version.key):
        versions: list[Version] = list(group)
        if acts(versions, rules, now_ms):
            over.append(name)
        seen += len(versions)
        if seen >= WALKED:
            return over, name + "\0"
    return over, None
