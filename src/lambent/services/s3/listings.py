"""ListObjects and ListObjectsV2.

Source: S3 API reference. Continuation tokens are the last key or common prefix of the page before, in base64.
"""

import base64
from typing import Any

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of, count_of
from lambent.services.s3.conditions import quoted
from lambent.services.s3.errors import invalid_argument
from lambent.services.s3.listing import Page, Wish, encoded, list_page
from lambent.services.s3.model import Bucket, Version, owner_id
from lambent.services.s3.showing import moment
from lambent.store.api import Database, Transaction


class Listings:
    """The objects of a bucket."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("ListObjectsV2")
    async def list_objects_v2(self, ctx: RequestContext, request: Request) -> Answer:
        token, encoding = request.get("ContinuationToken"), encoding_of(request)
        after = _key_of(token) if token is not None else request.get("StartAfter", "")
        wish = wish_of(request, after)
        bucket, page = await self._database.read(lambda tx: _list(tx, ctx, request, wish))
        answer = {
            **_common(bucket, page, request, encoding, wish),
            "KeyCount": len(page.items) + len(page.prefixes),
            "Contents": [_item(bucket, each, encoding, owner=bool(request.get("FetchOwner"))) for each in page.items],
        }
        if token is not None:
            answer["ContinuationToken"] = token
        elif request.get("StartAfter"):
            answer["StartAfter"] = encoded(request["StartAfter"], encoding)
        if page.truncated:
            answer["NextContinuationToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
        return answer

    @operation("ListObjects")
    async def list_objects(self, ctx: RequestContext, request: Request) -> Answer:
        marker, encoding = request.get("Marker", ""), encoding_of(request)
        wish = wish_of(request, marker, behind_prefixes=True)
        bucket, page = await self._database.read(lambda tx: _list(tx, ctx, request, wish))
        answer = {
            **_common(bucket, page, request, encoding, wish),
            "Marker": encoded(marker, encoding),
            "Contents": [_item(bucket, each, encoding, owner=True) for each in page.items],
        }
        if page.truncated and wish.delimiter:
            answer["NextMarker"] = encoded(page.last, encoding)
        return answer


def encoding_of(request: Request) -> str | None:
    """EncodingType. Raises InvalidArgument."""
    encoding: str | None = request.get("EncodingType")
    if encoding not in (None, "url"):
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", str(encoding))
    return encoding


def wish_of(request: Request, after: str, *, behind_prefixes: bool = False) -> Wish:
    """What the request asks for."""
    prefix, delimiter = request.get("Prefix", ""), request.get("Delimiter", "")
    return Wish(prefix, delimiter, after, count_of(request, "MaxKeys"), behind_prefixes)


def _list(tx: Transaction, ctx: RequestContext, request: Request, wish: Wish) -> tuple[Bucket, Page[Version]]:
    bucket = bucket_of(tx, ctx, request)
    return bucket, list_page(wish, lambda key: store.objects_from(tx, bucket.id, key))


def _common(bucket: Bucket, page: Page[Version], request: Request, encoding: str | None, wish: Wish) -> Answer:
    answer: Answer = {
        "Name": bucket.name,
        "Prefix": encoded(wish.prefix, encoding),
        "MaxKeys": request.get("MaxKeys", 1000) if wish.most < 1000 else wish.most,
        "IsTruncated": page.truncated,
        "CommonPrefixes": [{"Prefix": encoded(each, encoding)} for each in page.prefixes],
    }
    if wish.delimiter:
        answer["Delimiter"] = encoded(wish.delimiter, encoding)
    if encoding is not None:
        answer["EncodingType"] = encoding
    return answer


def _item(bucket: Bucket, version: Version, encoding: str | None, *, owner: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "Key": encoded(version.key, encoding),
        "LastModified": moment(version.modified_ms),
        "ETag": quoted(version.etag),
        "Size": version.bytes,
        "StorageClass": "STANDARD",
    }
    if version.facts.checksums:
        item["ChecksumAlgorithm"] = list(version.facts.checksums)
        item["ChecksumType"] = version.facts.checksum_type
    if owner:
        item["Owner"] = {"ID": owner_id(bucket.account)}
    return item


def _key_of(token: str) -> str:
    try:
        if not token:
            raise ValueError(token)
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token", token) from None
