"""Which permissions an operation needs. Pure.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; S3 User Guide,
"Required permissions for Amazon S3 API operations".
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

from lambent.protocol.models import load_model

READ, READ_VERSION = "s3:GetObject", "s3:GetObjectVersion"
WRITE, LIST = "s3:PutObject", "s3:ListBucket"
DELETE, DELETE_VERSION = "s3:DeleteObject", "s3:DeleteObjectVersion"

# Of operations whose permission has another name than they have.
NAMED: dict[str, tuple[str, ...]] = {
    "CompleteMultipartUpload": (WRITE,),
    "CopyObject": (WRITE,),
    "CreateMultipartUpload": (WRITE,),
    "DeleteBucketCors": ("s3:PutBucketCORS",),
    "DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
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
    "PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
    "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "UploadPart": (WRITE,),
    "UploadPartCopy": (WRITE,),
}
# Of operations on a version that is named, where it is another one.
OF_VERSIONS: dict[str, tuple[str, ...]] = {
    "DeleteObject": (DELETE_VERSION,),
    "DeleteObjectTagging": ("s3:DeleteObjectVersionTagging",),
    "GetObject": (READ_VERSION,),
    "GetObjectAcl": ("s3:GetObjectVersionAcl",),
    "GetObjectAttributes": (READ_VERSION, "s3:GetObjectVersionAttributes"),
    "GetObjectTagging": ("s3:GetObjectVersionTagging",),
    "HeadObject": (READ_VERSION,),
    "PutObjectAcl": ("s3:PutObjectVersionAcl",),
    "PutObjectTagging": ("s3:PutObjectVersionTagging",),
}
# Those that are neither above nor called as an operation is.
UNNAMED = frozenset(
    {
        *("s3:BypassGovernanceRetention", "s3:GetAnalyticsConfiguration"),
        *("s3:GetIntelligentTieringConfiguration", "s3:GetInventoryConfiguration", "s3:GetMetricsConfiguration"),
        *("s3:GetObjectVersionForReplication", "s3:GetObjectVersionTorrent"),
        *("s3:InitiateReplication", "s3:ObjectOwnerOverrideToBucketOwner", "s3:PutAccelerateConfiguration"),
        *("s3:PutAnalyticsConfiguration", "s3:PutBucketObjectLockConfiguration"),
        *("s3:PutIntelligentTieringConfiguration", "s3:PutInventoryConfiguration", "s3:PutMetricsConfiguration"),
        *("s3:PutReplicationConfiguration", "s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"),
    }
)
OF_OBJECTS = frozenset(
    {
        *("s3:abortmultipartupload", "s3:listmultipartuploadparts", "s3:bypassgovernanceretention"),
        *("s3:initiatereplication", "s3:replicatedelete", "s3:replicatetags", "s3:objectowneroverridetobucketowner"),
    }
)
# The owner's account keeps these to itself, whatever the policy says.
OWNERS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


def actions_of(operation: str, request: Mapping[str, Any]) -> tuple[str, ...]:
    """What the caller has to be allowed for `operation`."""
    actions = NAMED.get(operation, (f"s3:{operation}",))
    if request.get("VersionId") is not None and operation in OF_VERSIONS:
        actions = OF_VERSIONS[operation]
    if request.get("Tagging") is not None and isinstance(request["Tagging"], str):
        actions = (*actions, "s3:PutObjectTagging")
    return actions


@lru_cache(maxsize=1)
def known_actions() -> frozenset[str]:
    """Whatever policies may allow or deny, in lower case."""
    called = (f"s3:{name}" for name in load_model("s3").operation_names if name not in NAMED)
    return frozenset(each.lower() for each in chain(called, *NAMED.values(), *OF_VERSIONS.values(), UNNAMED))


def is_of_objects(action: str) -> bool:
    """Whether one of the known actions is about objects, and not about the bucket."""
    return action in OF_OBJECTS or ("object" in action and "bucket" not in action and "lockconf" not in action)
