"""Who may do what with a bucket and its objects.

The owner's account may do everything that the bucket's policy does not deny; all others, and those who do not say who
they are, what it allows. A policy that lets in the public does so only where the bucket's public access block lets it.

Sources: S3 User Guide, "How Amazon S3 authorizes a request", "Blocking public access to your Amazon S3 storage" (its
four settings, all on for a new bucket).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct, json

from lambent.services.operation import Request, RequestContext
from lambent.services.request_keys import request_keys
from lambent.services.resource_policy import Document, Question, decision, parsed
from lambent.services.s3 import store, upload_store
from lambent.services.s3.actions import OWNERS, WRITE
from lambent.services.s3.errors import access_denied, method_not_allowed
from lambent.services.s3.model import Bucket
from lambent.services.s3.policy_document import is_public
from lambent.store.api import Transaction

POLICY, BLOCK = "policy", "publicAccessBlock"
REMOVED = "null"
CREATING = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
ASKED = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "VersionId": "s3:versionid",
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "StorageClass": "s3:x-amz-storage-class",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
}


class Block(Struct, frozen=True, rename="pascal"):
    """The public access block. The two about ACLs have nothing to do: no ACL opens a bucket here."""

    block_public_acls: bool = True
    ignore_public_acls: bool = True
    block_public_policy: bool = True
    restrict_public_buckets: bool = True


def block_of(tx: Transaction, bucket: Bucket) -> Block | None:
    """The public access block of a bucket: that of new ones where none was put, None where it was removed."""
    text = store.setting(tx, bucket, BLOCK)
    return Block() if text is None else json.decode(text, type=Block | None)


def check(tx: Transaction, ctx: RequestContext, bucket: Bucket, action: str, request: Request) -> None:
    """Whether the caller may do `action` with the bucket, or the object whose Key the request names.

    Raises:
        AccessDenied: it may not.
        MethodNotAllowed: nobody but the owner's account ever may.
    """
    own = ctx.account == bucket.account
    if not own and action in OWNERS and ctx.account:
        raise method_not_allowed("BUCKETPOLICY")
    if not may(tx, ctx, bucket, action, request):
        raise access_denied()


def may(tx: Transaction, ctx: RequestContext, bucket: Bucket, action: str, request: Request) -> bool:
    """The same as an answer."""
    own = ctx.account == bucket.account
    text = store.setting(tx, bucket, POLICY)
    if text is None:
        return own
    if action in OWNERS and (not own or ctx.principal.arn.endswith(":root")):
        return own  # so that no policy locks everybody out
    document, public = _known(text)
    decided = decision(document, _question(tx, ctx, bucket, action, request))
    if own or decided != "Allow":
        return own and decided != "Deny"
    block = block_of(tx, bucket) if public else None
    return block is None or not block.restrict_public_buckets


def _question(
    tx: Transaction, ctx: RequestContext, bucket: Bucket, action: str, request: Mapping[str, Any]
) -> Question:
    key = request.get("Key")
    resource = bucket.arn if key is None else f"{bucket.arn}/{key}"
    context: dict[str, str | list[str]] = {
        **request_keys(ctx),
        "aws:resourceaccount": bucket.account,
        "s3:resourceaccount": bucket.account,
        **{name: str(request[member]) for member, name in ASKED.items() if request.get(member) is not None},
    }
    if action == WRITE:
        context["s3:objectcreationoperation"] = str(ctx.operation in CREATING).lower()
        context |= _of_upload(tx, request)
    if key is not None:
        context |= _tags(tx, bucket, request)
    return Question("AWS", ctx.principal.arn, ctx.account, action, resource, context, complete=True)


def _of_upload(tx: Transaction, request: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """What was asked for once, when the upload began, and parts cannot ask for again."""
    upload = upload_store.find_upload(tx, request["UploadId"]) if "UploadId" in request else None
    if upload is None or not upload.asked_encryption:
        return {}
    return {ASKED["ServerSideEncryption"]: upload.asked_encryption}


def _tags(tx: Transaction, bucket: Bucket, request: Mapping[str, Any]) -> dict[str, str | list[str]]:
    key, name, wanted = request["Key"], request.get("VersionId"), request.get("Tagging")
    there = store.version(tx, bucket.id, key, name) if name else store.current(tx, bucket.id, key)
    existing = there.facts.tags if there is not None else {}
    asked = dict(parse_qsl(wanted, keep_blank_values=True)) if isinstance(wanted, str) else {}
    if isinstance(wanted, dict):
        asked = {each["Key"]: each["Value"] for each in wanted["TagSet"]}
    return {
        **{f"s3:existingobjecttag/{tag.lower()}": value for tag, value in existing.items()},
        **{f"s3:requestobjecttag/{tag.lower()}": value for tag, value in asked.items()},
        **({"s3:requestobjecttagkeys": list(asked)} if asked else {}),
    }


@lru_cache(maxsize=256)
def _known(text: str) -> tuple[Document, bool]:
    document = parsed(text)
    return document, is_public(document)
