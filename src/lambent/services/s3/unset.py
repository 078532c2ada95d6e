"""What buckets could have on AWS and none has here, for the tools that ask: the answers of a bucket without it.

To put such a thing is refused by name, as every operation is that Lambent lacks.

Source: S3 API reference, the errors of each operation.
"""

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.errors import S3Error
from lambent.store.api import Database


class Unset:
    """Logging, replication, hosting and their like."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("GetBucketAccelerateConfiguration")
    async def get_bucket_accelerate_configuration(self, ctx: RequestContext, request: Request) -> Answer:
        return await self._found(ctx, request, {})

    @operation("GetBucketLogging")
    async def get_bucket_logging(self, ctx: RequestContext, request: Request) -> Answer:
        return await self._found(ctx, request, {})

    @operation("GetBucketRequestPayment")
    async def get_bucket_request_payment(self, ctx: RequestContext, request: Request) -> Answer:
        return await self._found(ctx, request, {"Payer": "BucketOwner"})

    @operation("GetBucketReplication")
    async def get_bucket_replication(self, ctx: RequestContext, request: Request) -> Answer:
        message = "The replication configuration was not found"
        return await self._missing(ctx, request, "ReplicationConfigurationNotFoundError", message)

    @operation("GetBucketWebsite")
    async def get_bucket_website(self, ctx: RequestContext, request: Request) -> Answer:
        message = "The specified bucket does not have a website configuration"
        return await self._missing(ctx, request, "NoSuchWebsiteConfiguration", message)

    @operation("GetObjectLockConfiguration")
    async def get_object_lock_configuration(self, ctx: RequestContext, request: Request) -> Answer:
        message = "Object Lock configuration does not exist for this bucket"
        return await self._missing(ctx, request, "ObjectLockConfigurationNotFoundError", message)

    async def _found(self, ctx: RequestContext, request: Request, answer: Answer) -> Answer:
        await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        return answer

    async def _missing(self, ctx: RequestContext, request: Request, code: str, message: str) -> Answer:
        await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        raise S3Error(code, 404, message, BucketName=request["Bucket"])
