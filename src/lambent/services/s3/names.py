"""Names of buckets, keys and versions. Pure.

Source: S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

import re

from lambent.services.s3.errors import S3Error, invalid_argument
from lambent.services.s3.model import NULL, Bucket

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
NOT_BEGINS = ("xn--", "sthree-", "amzn-s3-demo-")
NOT_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
LONGEST_KEY_BYTES = 1024
VERSION_CHARACTERS = 32
VERSION = re.compile(rf"[A-Za-z0-9_-]{{{VERSION_CHARACTERS}}}|{NULL}")


def check_bucket_name(name: str) -> None:
    """Raises InvalidBucketName."""
    good = BUCKET.fullmatch(name) and not IPV4.fullmatch(name) and ".." not in name
    if not good or name.startswith(NOT_BEGINS) or name.endswith(NOT_ENDS):
        raise S3Error("InvalidBucketName", 400, "The specified bucket is not valid.", BucketName=name)


def check_key(key: str) -> None:
    """Raises KeyTooLongError."""
    size = len(key.encode())
    if size > LONGEST_KEY_BYTES:
        raise S3Error("KeyTooLongError", 400, "Your key is too long", Size=size, MaxSizeAllowed=LONGEST_KEY_BYTES)


def check_version(bucket: Bucket, name: str, argument: str) -> None:
    """Whether it could be the name of a version in the bucket, there or not. Raises InvalidArgument."""
    if not name:
        raise invalid_argument("Version id cannot be the empty string", argument)
    if not VERSION.fullmatch(name) or (name != NULL and not bucket.versioning):
        raise invalid_argument("Invalid version id specified", argument, name)
