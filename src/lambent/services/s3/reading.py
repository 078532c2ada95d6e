"""Which version of an object a request means.

Source: S3 User Guide, "Working with delete markers": a GET of a marker by its version is not allowed (405), one of a
key whose newest version is a marker finds nothing (404). S3 API reference, GetObject: who may not list the bucket is
not told that an object is missing (403).
"""

from lambent.services.operation import Request, RequestContext
from lambent.services.s3 import store
from lambent.services.s3.actions import LIST
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.errors import (
    S3Error,
    access_denied,
    invalid_argument,
    method_not_allowed,
    no_such_key,
    no_such_version,
)
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.permissions import may
from lambent.store.api import Transaction


def find_object(tx: Transaction, ctx: RequestContext, request: Request) -> tuple[Bucket, Version]:
    """The object of a request. Raises NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed."""
    bucket = bucket_of(tx, ctx, request)
    try:
        return bucket, version_of(tx, bucket, request["Key"], request.get("VersionId"))
    except S3Error as error:
        if error.code == "NoSuchKey" and not may(tx, ctx, bucket, LIST, {}):
            raise access_denied() from None
        raise


def version_of(tx: Transaction, bucket: Bucket, key: str, name: str | None) -> Version:
    """That version, or the newest where none is named."""
    if name is None:
        found = store.current(tx, bucket.id, key)
        if found is None or found.marker:
            raise no_such_key(key)
        return found
    if not name:
        raise invalid_argument("Version id cannot be the empty string", "versionId")
    found = store.version(tx, bucket.id, key, name)
    if found is None:
        raise no_such_version(key, name)
    if found.marker:
        raise method_not_allowed("DeleteMarker")
    return found
