"""Buckets: CreateBucket, HeadBucket, ListBuckets, DeleteBucket, GetBucketLocation, versioning.

Source: S3 API reference. A Region's name matters here only where a bucket was made; every endpoint of a server serves
every bucket, so that nobody is sent elsewhere.
"""

import base64
import re
from datetime import UTC, datetime

from lambent.clock import Clock
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.errors import S3Error, access_denied, invalid_argument, malformed, not_implemented
from lambent.services.s3.model import ENABLED, SUSPENDED, Bucket, owner_id
from lambent.services.s3.names import check_bucket_name
from lambent.services.s3.policies import ENFORCED, check_ownership
from lambent.store.api import Database, Transaction

FIRST_REGION = "us-east-1"
MOST_LISTED = 10_000
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")


class Buckets:
    """The resource `bucket`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @operation("CreateBucket")
    async def create_bucket(self, ctx: RequestContext, request: Request) -> Answer:
        check_bucket_name(request["Bucket"])
        refuse(request)
        if not ctx.account:
            raise access_denied()
        check_ownership(request.get("ObjectOwnership", ENFORCED))
        wanted = Bucket(0, ctx.account, _region(ctx, request), request["Bucket"], self._clock.now_ms())
        await self._database.write(lambda tx: _add(tx, ctx, wanted))
        return {"Location": f"/{wanted.name}", "BucketArn": wanted.arn}

    @operation("HeadBucket")
    async def head_bucket(self, ctx: RequestContext, request: Request) -> Answer:
        found = await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        return {"BucketRegion": found.region, "BucketArn": found.arn}

    @operation("DeleteBucket")
    async def delete_bucket(self, ctx: RequestContext, request: Request) -> None:
        def work(tx: Transaction) -> None:
            found = bucket_of(tx, ctx, request)
            if store.is_used(tx, found):
                message = "The bucket you tried to delete is not empty"
                if found.versioning:
                    message += ". You must delete all versions in the bucket."
                raise S3Error("BucketNotEmpty", 409, message, BucketName=found.name)
            store.delete_bucket(tx, found)

        await self._database.write(work)

    @operation("ListBuckets")
    async def list_buckets(self, ctx: RequestContext, request: Request) -> Answer:
        most = request.get("MaxBuckets") or MOST_LISTED
        after, prefix = _after(request), request.get("Prefix", "")
        every = await self._database.read(lambda tx: store.buckets(tx, ctx.account, after, 1_000_000))
        region = request.get("BucketRegion")
        found = [each for each in every if each.name.startswith(prefix) and region in (None, each.region)]
        answer: Answer = {
            "Buckets": [
                {
                    "Name": each.name,
                    "CreationDate": datetime.fromtimestamp(each.created_ms // 1000, UTC),
                    "BucketRegion": each.region,
                    "BucketArn": each.arn,
                }
                for each in found[:most]
            ],
            "Owner": {"ID": owner_id(ctx.account)},
        }
        if "Prefix" in request:
            answer["Prefix"] = prefix
        if len(found) > most:
            answer["ContinuationToken"] = base64.urlsafe_b64encode(found[most - 1].name.encode()).decode()
        return answer

    @operation("GetBucketLocation")
    async def get_bucket_location(self, ctx: RequestContext, request: Request) -> Answer:
        found = await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        return {"LocationConstraint": "" if found.region == FIRST_REGION else found.region}

    @operation("PutBucketVersioning")
    async def put_bucket_versioning(self, ctx: RequestContext, request: Request) -> None:
        wanted = request["VersioningConfiguration"]
        if wanted.get("MFADelete", "Disabled") != "Disabled":
            raise not_implemented("Deleting with multi-factor authentication")
        status = wanted.get("Status")
        if status is None:
            message = "The Versioning element must be specified"
            raise S3Error("IllegalVersioningConfigurationException", 400, message)
        if status not in (ENABLED, SUSPENDED):
            raise malformed()
        await self._database.write(lambda tx: store.set_versioning(tx, bucket_of(tx, ctx, request), status))

    @operation("GetBucketVersioning")
    async def get_bucket_versioning(self, ctx: RequestContext, request: Request) -> Answer:
        found = await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        return {"Status": found.versioning} if found.versioning else {}


def _add(tx: Transaction, ctx: RequestContext, wanted: Bucket) -> None:
    there = store.find_bucket(tx, wanted.name)
    if there is None:
        store.add_bucket(tx, wanted)
        return
    if there.account != ctx.account:
        message = (
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again."
        )
        raise S3Error("BucketAlreadyExists", 409, message, BucketName=wanted.name)
    if (there.region, wanted.region) != (FIRST_REGION, FIRST_REGION):
        message = "Your previous request to create the named bucket succeeded and you already own it."
        raise S3Error("BucketAlreadyOwnedByYou", 409, message, BucketName=wanted.name)


def _region(ctx: RequestContext, request: Request) -> str:
    """Where the bucket is to be. Raises IllegalLocationConstraintException, NotImplemented."""
    wanted = request.get("CreateBucketConfiguration") or {}
    if wanted.get("Location") or wanted.get("Bucket") or wanted.get("Tags"):
        raise not_implemented("A directory bucket, or tags in CreateBucketConfiguration")
    named = wanted.get("LocationConstraint") or ""
    named = "eu-west-1" if named == "EU" else named
    if named != ctx.region and not (named == "" and ctx.region == FIRST_REGION) and ctx.region != FIRST_REGION:
        message = (
            f"The {named or 'unspecified'} location constraint is incompatible for the region specific endpoint this "
            "request was sent to."
        )
        raise S3Error("IllegalLocationConstraintException", 400, message)
    if named == FIRST_REGION or not (named in ("", ctx.region) or REGION.fullmatch(named)):
        message = "The specified location-constraint is not valid"
        raise S3Error("InvalidLocationConstraint", 400, message, LocationConstraint=named)
    return named or FIRST_REGION


def _after(request: Request) -> str:
    try:
        return base64.urlsafe_b64decode(request.get("ContinuationToken", "")).decode()
    except ValueError:
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token") from None
