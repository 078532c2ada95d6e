"""ListObjectVersions.

A version that was a page's last may be deleted before the next page is asked for: who empties a bucket page by page
does so. Where it stood nobody knows then, and all that is left of its key is listed.

Source: S3 API reference; the newest version of a key comes first.
"""

from collections.abc import Iterable
from typing import Any

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import store
from lambent.services.s3.asking import bucket_of
from lambent.services.s3.conditions import quoted
from lambent.services.s3.errors import invalid_argument
from lambent.services.s3.listing import Page, Wish, encoded, list_page
from lambent.services.s3.listings import encoding_of, wish_of
from lambent.services.s3.model import NULL, Bucket, Version, owner_id
from lambent.services.s3.names import check_version
from lambent.services.s3.showing import moment
from lambent.store.api import Database, Transaction


class VersionListings:
    """All versions of a bucket's objects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("ListObjectVersions")
    async def list_object_versions(self, ctx: RequestContext, request: Request) -> Answer:
        encoding, wish = encoding_of(request), wish_of(request, request.get("KeyMarker", ""), behind_prefixes=True)
        bucket, page = await self._database.read(lambda tx: _list(tx, ctx, request, wish))
        answer: Answer = {
            "Name": bucket.name,
            "Prefix": encoded(wish.prefix, encoding),
            "KeyMarker": encoded(wish.after, encoding),
            "VersionIdMarker": request.get("VersionIdMarker", ""),
            "MaxKeys": wish.most,
            "IsTruncated": page.truncated,
            "Versions": [_item(bucket, each, encoding) for each in page.items if not each.marker],
            "DeleteMarkers": [_marker(bucket, each, encoding) for each in page.items if each.marker],
            "CommonPrefixes": [{"Prefix": encoded(each, encoding)} for each in page.prefixes],
        }
        if wish.delimiter:
            answer["Delimiter"] = encoded(wish.delimiter, encoding)
        if encoding is not None:
            answer["EncodingType"] = encoding
        if page.truncated:
            answer["NextKeyMarker"] = encoded(page.last, encoding)
            if page.items and page.items[-1].key == page.last:
                answer["NextVersionIdMarker"] = page.items[-1].version
        return answer


def _list(tx: Transaction, ctx: RequestContext, request: Request, wish: Wish) -> tuple[Bucket, Page[Version]]:
    bucket = bucket_of(tx, ctx, request)
    rest: Iterable[Version] = ()
    marker = request.get("VersionIdMarker")
    if marker is not None:
        if not wish.after:
            message = "A version-id marker cannot be specified without a key marker."
            raise invalid_argument(message, "version-id-marker", marker)
        check_version(bucket, marker, "version-id-marker")
        found = store.version(tx, bucket.id, wish.after, marker)
        rest = store.older_versions(tx, bucket.id, wish.after, store.NEWEST if found is None else found.id)
    return bucket, list_page(wish, lambda key: store.versions_from(tx, bucket.id, key), rest)


def _marker(bucket: Bucket, version: Version, encoding: str | None) -> dict[str, Any]:
    return {
        "Owner": {"ID": owner_id(bucket.account)},
        "Key": encoded(version.key, encoding),
        "VersionId": version.version or NULL,
        "IsLatest": version.latest,
        "LastModified": moment(version.modified_ms),
    }


def _item(bucket: Bucket, version: Version, encoding: str | None) -> dict[str, Any]:
    item = {
        **_marker(bucket, version, encoding),
        "ETag": quoted(version.etag),
        "Size": version.bytes,
        "StorageClass": "STANDARD",
    }
    if version.facts.checksums:
        item |= {"ChecksumAlgorithm": list(version.facts.checksums), "ChecksumType": version.facts.checksum_type}
    return item
