"""Which version of an object a request means.

Source: S3 User Guide, "Working with delete markers": a GET of a marker by its version is not allowed (405), one of a
key whose newest version is a marker finds nothing (404); both say by headers that there is a marker. S3 API reference,
GetObject: who may not list the bucket is not told that an object is missing (403).
"""

import re

from lambent.services.operation import Request, RequestContext
from lambent.services.s3 import store
from lambent.services.s3.actions import LIST
from lambent.services.s3.asking import OF_CUSTOMERS, bucket_of
from lambent.services.s3.errors import (
    S3Error,
    access_denied,
    invalid_request,
    method_not_allowed,
    no_such_key,
    no_such_version,
)
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.names import check_version
from lambent.services.s3.permissions import may
from lambent.services.s3.showing import http_date, moment
from lambent.store.api import Transaction

ABOUT_BYTES = frozenset(
    {"GetObject", "HeadObject", "GetObjectAttributes", "GetObjectAcl"}
)  # others may not be asked of a marker at all


def find_object(tx: Transaction, ctx: RequestContext, request: Request) -> tuple[Bucket, Version]:
    """The object of a request. Raises NoSuchBucket, NoSuchKey, NoSuchVersion, MethodNotAllowed, InvalidRequest."""
    bucket = bucket_of(tx, ctx, request)
    if any(map(request.get, OF_CUSTOMERS)):
        raise invalid_request("The encryption parameters are not applicable to this object.")
    try:
        return bucket, version_of(tx, bucket, request["Key"], request.get("VersionId"))
    except S3Error as error:
        if error.headers and ctx.operation not in ABOUT_BYTES:
            error = method_not_allowed("DeleteMarker")
        if error.status == 405:
            error.members = {"Method": re.split("(?<=.)(?=[A-Z])", ctx.operation)[0].upper(), **error.members}
            raise error from None
        if error.code == "NoSuchKey" and not may(tx, ctx, bucket, LIST, {}):
            raise access_denied() from None
        raise


def version_of(tx: Transaction, bucket: Bucket, key: str, name: str | None) -> Version:
    """That version, or the newest where none is named."""
    if name is None:
        found = store.current(tx, bucket.id, key)
        if found is None:
            raise no_such_key(key)
        if found.marker:
            raise _marked(no_such_key(key), found)
        return found
    check_version(bucket, name, "versionId")
    found = store.version(tx, bucket.id, key, name)
    if found is None:
        raise no_such_version(key, name)
    if found.marker:
        raise _marked(method_not_allowed("DeleteMarker"), found)
    return found


def _marked(error: S3Error, marker: Version) -> S3Error:
    error.headers = {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version}
    if error.status == 405:
        error.headers |= {"allow": "DELETE", "last-modified": http_date(moment(marker.modified_ms))}
    return error
