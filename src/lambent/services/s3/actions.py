"""Which permissions an operation needs. Pure.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; S3 User Guide,
"Required permissions for Amazon S3 API operations".
"""

from collections.abc import Mapping
from typing import Any

READ, READ_VERSION = "s3:GetObject", "s3:GetObjectVersion"
WRITE, LIST = "s3:PutObject", "s3:ListBucket"
DELETE, DELETE_VERSION = "s3:DeleteObject", "s3:DeleteObjectVersion"

# Of operations whose permission has another name than they have.
NAMED: dict[str, tuple[str, ...]] = {
    "CompleteMultipartUpload": (WRITE,),
    "CopyObject": (WRITE,),
    "CreateMultipartUpload": (WRITE,),
    "DeleteBucketCors": ("s3:PutBucketCORS",),
    "DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "DeleteBucketTagging": ("s3:PutBucketTagging",),
    "DeleteObjects": (),  # each key by itself
    "DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "GetBucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration",),
    "GetBucketCors": ("s3:GetBucketCORS",),
    "GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "GetObjectAttributes": (READ, "s3:GetObjectAttributes"),
    "GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "HeadBucket": (LIST,),
    "HeadObject": (READ,),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "ListObjectVersions": ("s3:ListBucketVersions",),
    "ListObjects": (LIST,),
    "ListObjectsV2": (LIST,),
    "ListParts": ("s3:ListMultipartUploadParts",),
    "PutBucketCors": ("s3:PutBucketCORS",),
    "PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
    "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "UploadPart": (WRITE,),
    "UploadPartCopy": (WRITE,),
}
# Of operations on a version that is named, where it is another one.
OF_VERSIONS = {
    "DeleteObject": DELETE_VERSION,
    "DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "GetObject": READ_VERSION,
    "GetObjectAcl": "s3:GetObjectVersionAcl",
    "GetObjectAttributes": READ_VERSION,
    "GetObjectTagging": "s3:GetObjectVersionTagging",
    "HeadObject": READ_VERSION,
    "PutObjectAcl": "s3:PutObjectVersionAcl",
    "PutObjectTagging": "s3:PutObjectVersionTagging",
}
# The owner's account keeps these to itself, whatever the policy says.
OWNERS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


def actions_of(operation: str, request: Mapping[str, Any]) -> tuple[str, ...]:
    """What the caller has to be allowed for `operation`."""
    actions = NAMED.get(operation, (f"s3:{operation}",))
    if request.get("VersionId") is not None and operation in OF_VERSIONS:
        actions = (OF_VERSIONS[operation], *actions[1:])
    if request.get("Tagging") is not None and isinstance(request["Tagging"], str):
        actions = (*actions, "s3:PutObjectTagging")
    return actions
