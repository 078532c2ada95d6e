"""The policy of a bucket, its public access block, its one kind of ownership, and ACLs, of which there is one.

Source: S3 API reference, PutBucketPolicy, GetBucketPolicyStatus, PutPublicAccessBlock, PutBucketOwnershipControls,
PutBucketAcl; S3 User Guide, "Controlling ownership of objects and disabling ACLs": with BucketOwnerEnforced, which is
what new buckets have, ACLs that say what holds anyway are taken, and all others are refused.
"""

from typing import Any

from msgspec import json, to_builtins

from lambent.model.objects import WITHOUT_CONTENT, Download
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.errors import S3Error, access_denied, not_implemented
from lambent.services.s3.model import Bucket, owner_id
from lambent.services.s3.permissions import BLOCK, POLICY, REMOVED, Block, block_of, may
from lambent.services.s3.policy_document import document_of, is_public
from lambent.services.s3.reading import find_object
from lambent.store.api import Database, Transaction

ENFORCED = "BucketOwnerEnforced"


class Policies:
    """Who may do what, as it is put and shown; permissions.py judges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("PutBucketPolicy")
    async def put_bucket_policy(self, ctx: RequestContext, request: Request) -> Download:
        text = request["Policy"]

        def work(tx: Transaction) -> None:
            bucket = bucket_of(tx, ctx, request)
            document = document_of(text, bucket.arn)
            block = block_of(tx, bucket)
            if is_public(document) and block is not None and block.block_public_policy:
                raise access_denied(
                    f"User: {ctx.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
                    f'"{bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 '
                    "Block Public Access."
                )
            before = store.setting(tx, bucket, POLICY)
            store.set_setting(tx, bucket, POLICY, text)
            locked_out = not may(tx, ctx, bucket, "s3:PutBucketPolicy", request)
            if locked_out and not request.get("ConfirmRemoveSelfBucketAccess"):
                store.set_setting(tx, bucket, POLICY, before)
                raise access_denied("The policy would keep you from changing it again.")

        await self._database.write(work)
        return Download({}, WITHOUT_CONTENT)

    @operation("GetBucketPolicy")
    async def get_bucket_policy(self, ctx: RequestContext, request: Request) -> Answer:
        return {"Policy": await self._database.read(lambda tx: _policy(tx, bucket_of(tx, ctx, request)))}

    @operation("DeleteBucketPolicy")
    async def delete_bucket_policy(self, ctx: RequestContext, request: Request) -> None:
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), POLICY, None))

    @operation("GetBucketPolicyStatus")
    async def get_bucket_policy_status(self, ctx: RequestContext, request: Request) -> Answer:
        text = await self._database.read(lambda tx: _policy(tx, bucket_of(tx, ctx, request)))
        return {"PolicyStatus": {"IsPublic": is_public(json.decode(text))}}

    @operation("PutPublicAccessBlock")
    async def put_public_access_block(self, ctx: RequestContext, request: Request) -> None:
        wanted = request["PublicAccessBlockConfiguration"]
        block = Block(*(bool(wanted.get(name, False)) for name in Block.__struct_encode_fields__))
        body = json.encode(block).decode()
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), BLOCK, body))

    @operation("GetPublicAccessBlock")
    async def get_public_access_block(self, ctx: RequestContext, request: Request) -> Answer:
        block = await self._database.read(lambda tx: block_of(tx, bucket_of(tx, ctx, request)))
        if block is None:
            message = "The public access block configuration was not found"
            raise S3Error("NoSuchPublicAccessBlockConfiguration", 404, message, BucketName=request["Bucket"])
        return {"PublicAccessBlockConfiguration": to_builtins(block)}

    @operation("DeletePublicAccessBlock")
    async def delete_public_access_block(self, ctx: RequestContext, request: Request) -> None:
        await self._database.write(lambda tx: store.set_setting(tx, bucket_of(tx, ctx, request), BLOCK, REMOVED))

    @operation("PutBucketOwnershipControls")
    async def put_bucket_ownership_controls(self, ctx: RequestContext, request: Request) -> None:
        for rule in request["OwnershipControls"]["Rules"]:
            check_ownership(rule["ObjectOwnership"])
        await self._database.read(lambda tx: bucket_of(tx, ctx, request))

    @operation("GetBucketOwnershipControls")
    async def get_bucket_ownership_controls(self, ctx: RequestContext, request: Request) -> Answer:
        await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ENFORCED}]}}

    @operation("PutBucketAcl")
    async def put_bucket_acl(self, ctx: RequestContext, request: Request) -> None:
        bucket = await self._database.read(lambda tx: bucket_of(tx, ctx, request))
        _check_acl(bucket, request)

    @operation("GetBucketAcl")
    async def get_bucket_acl(self, ctx: RequestContext, request: Request) -> Answer:
        return _acl(await self._database.read(lambda tx: bucket_of(tx, ctx, request)))

    @operation("PutObjectAcl")
    async def put_object_acl(self, ctx: RequestContext, request: Request) -> None:
        bucket, _ = await self._database.read(lambda tx: find_object(tx, ctx, request))
        _check_acl(bucket, request)

    @operation("GetObjectAcl")
    async def get_object_acl(self, ctx: RequestContext, request: Request) -> Answer:
        bucket, _ = await self._database.read(lambda tx: find_object(tx, ctx, request))
        return _acl(bucket)


def check_ownership(wanted: str) -> None:
    """Raises NotImplemented."""
    if wanted != ENFORCED:
        raise not_implemented(f"ObjectOwnership other than {ENFORCED}")


def _policy(tx: Transaction, bucket: Bucket) -> str:
    text = store.setting(tx, bucket, POLICY)
    if text is None:
        raise S3Error("NoSuchBucketPolicy", 404, "The bucket policy does not exist", BucketName=bucket.name)
    return text


def _acl(bucket: Bucket) -> Answer:
    """The owner has full control."""
    owner = owner_id(bucket.account)
    return {
        "Owner": {"ID": owner},
        "Grants": [{"Grantee": {"ID": owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}],
    }


def _check_acl(bucket: Bucket, request: Request) -> None:
    refuse(request)
    wanted: Any = request.get("AccessControlPolicy") or {}
    for grant in wanted.get("Grants") or ():
        if (grant.get("Grantee") or {}).get("ID") != owner_id(bucket.account):
            raise S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
