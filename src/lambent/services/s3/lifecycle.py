"""PutBucketLifecycleConfiguration and its like, and what the rules are for those who show or carry them out.

Source: S3 API reference; `x-amz-expiration` as GetObject and PutObject have it, `x-amz-abort-date` as
CreateMultipartUpload has it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from msgspec import json

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.errors import S3Error, not_implemented
from lambent.services.s3.lifecycle_rules import Rule, abort, entries_of, expiry, moment_of, rules_of
from lambent.services.s3.model import Bucket, Upload, Version
from lambent.services.s3.store import SQL
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction

SETTING = "lifecycle"
ALL_CLASSES = "all_storage_classes_128K"  # which only transitions heed


class Lifecycle:
    """The lifecycle configuration of a bucket. `wake` is told when one was put."""

    def __init__(self, writer: Writer, wake: Callable[[], None]) -> None:
        self._writer, self._database, self._wake = writer, writer.database, wake

    @operation("PutBucketLifecycleConfiguration")
    async def put_bucket_lifecycle_configuration(self, ctx: RequestContext, request: Request) -> Answer:
        if request.get("TransitionDefaultMinimumObjectSize", ALL_CLASSES) != ALL_CLASSES:
            raise not_implemented("TransitionDefaultMinimumObjectSize, as no object changes its storage class,")
        entries = entries_of(request.get("LifecycleConfiguration") or {}, self._writer.ids.uuid)
        body, now_ms = json.encode(entries).decode(), self._writer.clock.now_ms()

        def work(tx: Transaction) -> None:
            bucket = bucket_of(tx, ctx, request)
            store.set_setting(tx, bucket, SETTING, body)
            tx.run(SQL.set_lifecycle_due, id=bucket.id, due_ms=now_ms)

        await self._database.write(work)
        self._wake()
        return {"TransitionDefaultMinimumObjectSize": ALL_CLASSES}

    @operation("GetBucketLifecycleConfiguration")
    async def get_bucket_lifecycle_configuration(self, ctx: RequestContext, request: Request) -> Answer:
        body = await self._database.read(lambda tx: store.setting(tx, bucket_of(tx, ctx, request), SETTING))
        if body is None:
            message = "The lifecycle configuration does not exist"
            raise S3Error("NoSuchLifecycleConfiguration", 404, message, BucketName=request["Bucket"])
        rules = [_shown(entry) for entry in json.decode(body)]
        return {"Rules": rules, "TransitionDefaultMinimumObjectSize": ALL_CLASSES}

    @operation("DeleteBucketLifecycle")
    async def delete_bucket_lifecycle(self, ctx: RequestContext, request: Request) -> None:
        def work(tx: Transaction) -> None:
            bucket = bucket_of(tx, ctx, request)
            store.set_setting(tx, bucket, SETTING, None)
            tx.run(SQL.forget_lifecycle, id=bucket.id)

        await self._database.write(work)


def rules_for(tx: Transaction, bucket: Bucket) -> list[Rule]:
    """The rules of a bucket that are enabled."""
    body = store.setting(tx, bucket, SETTING)
    return [] if body is None else _parsed(body)


def expiration_member(tx: Transaction, bucket: Bucket, version: Version) -> dict[str, str]:
    """`Expiration`, for an object that will expire."""
    rules = rules_for(tx, bucket)
    found = expiry(version, rules) if rules and version.latest else None
    if found is None:
        return {}
    return {"Expiration": f'expiry-date="{_date(found[0])}", rule-id="{quote(found[1])}"'}


def abort_members(tx: Transaction, bucket: Bucket, upload: Upload) -> dict[str, Any]:
    """`AbortDate` and `AbortRuleId`, for an upload that will be aborted."""
    found = abort(upload, rules_for(tx, bucket))
    if found is None:
        return {}
    return {"AbortDate": datetime.fromtimestamp(found[0] / 1000, UTC), "AbortRuleId": found[1]}


@lru_cache(maxsize=256)
def _parsed(body: str) -> list[Rule]:
    return rules_of(json.decode(body))


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    if "Date" not in entry.get("Expiration", {}):
        return entry
    return entry | {"Expiration": {"Date": moment_of(entry["Expiration"]["Date"])}}


def _date(at_ms: int) -> str:
    return format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC), usegmt=True)
