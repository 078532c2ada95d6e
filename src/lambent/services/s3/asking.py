"""What every operation asks first: which bucket is meant, whether the caller may, and whether we do all that is asked.

Whether it may, permissions.py judges. What a request asks for and Lambent would
not carry out is refused by name.
"""

import re
from collections.abc import Callable
from typing import Any

from lambent.services.operation import Request, RequestContext
from lambent.services.s3 import store
from lambent.services.s3.actions import actions_of
from lambent.services.s3.errors import S3Error, access_denied, invalid_argument, not_implemented
from lambent.services.s3.model import AES256, Bucket
from lambent.services.s3.permissions import check
from lambent.store.api import Transaction

KMS = frozenset({"aws:kms", "aws:kms:dsse"})
OF_CUSTOMERS = tuple(
    f"{prefix}SSECustomer{name}" for prefix in ("", "CopySource") for name in ("Algorithm", "Key", "KeyMD5")
)
REFUSED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "ServerSideEncryption": (lambda value: value != AES256, "Encryption with KMS keys (all but AES256)"),
    **dict.fromkeys(OF_CUSTOMERS, (bool, "Encryption with keys of the customer (SSE-C)")),
    **dict.fromkeys(("SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled"), (bool, "Encryption with KMS keys")),
    "StorageClass": (lambda value: value != "STANDARD", "Any storage class but STANDARD"),
    "WebsiteRedirectLocation": (bool, "Website hosting"),
    "ObjectLockMode": (bool, "Object lock"),
    "ObjectLockRetainUntilDate": (bool, "Object lock"),
    "ObjectLockLegalHoldStatus": (bool, "Object lock"),
    "ObjectLockEventHold": (bool, "Object lock"),
    "ObjectLockEnabledForBucket": (bool, "Object lock"),
    "BypassGovernanceRetention": (bool, "Object lock"),
    "WriteOffsetBytes": (lambda value: value is not None, "Appending to objects"),
    "MFA": (bool, "Deleting with multi-factor authentication"),
    "AnnotationDirective": (bool, "Annotations"),
}
ACCOUNT = re.compile(r"\d{12}", re.ASCII)
GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
OWNERS_ACLS = ("private", "bucket-owner-full-control")


def bucket_of(tx: Transaction, ctx: RequestContext, request: Request) -> Bucket:
    """The bucket of a request whose operation the caller may do. Raises NoSuchBucket, AccessDenied."""
    found = store.bucket(tx, request["Bucket"])
    check_owner(found, request.get("ExpectedBucketOwner"))
    for action in actions_of(ctx.operation, request):
        check(tx, ctx, found, action, request)
    return found


def check_owner(bucket: Bucket, expected: str | None) -> None:
    """Whether the bucket is that account's. Raises AccessDenied, InvalidBucketOwnerAWSAccountID."""
    if expected is not None and not ACCOUNT.fullmatch(expected):
        message = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]"
        raise S3Error("InvalidBucketOwnerAWSAccountID", 400, message)
    if expected is not None and expected != bucket.account:
        raise access_denied()


def refuse(request: Request) -> None:
    """Raises NotImplemented for the first thing that we do not do, AccessControlListNotSupported for ACLs,
    InvalidArgument for an encryption that nobody does."""
    encryption = request.get("ServerSideEncryption", AES256)
    if encryption != AES256 and encryption not in KMS:
        message = "The encryption method specified is not supported"
        raise invalid_argument(message, "x-amz-server-side-encryption", encryption)
    for name, (asks, what) in REFUSED.items():
        value = request.get(name)
        if value is not None and asks(value):
            raise not_implemented(what)
    if request.get("ACL", "private") not in OWNERS_ACLS or any(map(request.get, GRANTS)):
        raise S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")


def count_of(request: Request, name: str, most: int = 1000) -> int:
    """MaxKeys and its like. Raises InvalidArgument."""
    value: int = request.get(name, most)
    if value < 0:
        raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647", name, str(value))
    return min(value, most)
