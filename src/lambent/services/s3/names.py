"""Names of buckets and keys. Pure.

Source: S3 User Guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

import re

from lambent.services.s3.errors import S3Error

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
NOT_BEGINS = ("xn--", "sthree-", "amzn-s3-demo-")
NOT_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
LONGEST_KEY_BYTES = 1024


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
