"""Tags of objects and of buckets.

Source: S3 API reference, PutObjectTagging and PutBucketTagging (50 tags of a bucket).
"""

from collections.abc import Mapping

from msgspec import json, structs

from lambent.model.objects import WITHOUT_CONTENT, Download
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.errors import S3Error
from lambent.services.s3.facts import checked_tags
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.reading import find_object
from lambent.services.s3.showing import version_members
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction

SETTING, MOST_OF_BUCKET = "tagging", 50


class Tagging:
    """What tags."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._database = writer, writer.database

    @operation("PutObjectTagging")
    async def put_object_tagging(self, ctx: RequestContext, request: Request) -> Answer:
        refuse(request)
        pairs = ((each["Key"], each["Value"]) for each in request["Tagging"]["TagSet"])
        tags = checked_tags(pairs, reserved="Your TagKey cannot be prefixed with aws:")
        return await self._set(ctx, request, tags, "ObjectTagging:Put")

    @operation("DeleteObjectTagging")
    async def delete_object_tagging(self, ctx: RequestContext, request: Request) -> Answer:
        return await self._set(ctx, request, {}, "ObjectTagging:Delete")

    @operation("GetObjectTagging")
    async def get_object_tagging(self, ctx: RequestContext, request: Request) -> Answer:
        bucket, found = await self._database.read(lambda tx: find_object(tx, ctx, request))
        return {"TagSet": _shown(found.facts.tags), **version_members(bucket, found)}

    @operation("PutBucketTagging")
    async def put_bucket_tagging(self, ctx: RequestContext, request: Request) -> Download:
        tags = checked_tags(((each["Key"], each["Value"]) for each in request["Tagging"]["TagSet"]), MOST_OF_BUCKET)
        body = json.encode(tags).decode() if tags else None  # a set without tags is no set
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, body))
        return Download({}, WITHOUT_CONTENT)

    @operation("GetBucketTagging")
    async def get_bucket_tagging(self, ctx: RequestContext, request: Request) -> Answer:
        body = await self._database.read(lambda tx: store.setting(tx, bucket_of(tx, ctx, request), SETTING))
        if body is None:
            raise S3Error("NoSuchTagSet", 404, "The TagSet does not exist", BucketName=request["Bucket"])
        return {"TagSet": _shown(json.decode(body))}

    @operation("DeleteBucketTagging")
    async def delete_bucket_tagging(self, ctx: RequestContext, request: Request) -> None:
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), SETTING, None))

    async def _set(self, ctx: RequestContext, request: Request, tags: dict[str, str], event: str) -> Answer:
        def work(tx: Transaction) -> tuple[Bucket, Version]:
            bucket, found = find_object(tx, ctx, request)
            store.set_facts(tx, found, structs.replace(found.facts, tags=tags))
            self._writer.tell(tx, ctx, bucket, found, event)
            return bucket, found

        return version_members(*await self._writer.write(work))


def _shown(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
