"""ListMultipartUploads and ListParts.

An upload that was a page's last may be aborted before the next page is asked for. Where it stood nobody knows then, and
all that is left of its key is listed.

Source: S3 API reference: uploads are in the order of their keys, and of a key the oldest first.
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import upload_store
from lambent.services.s3.asking import bucket_of, count_of
from lambent.services.s3.conditions import quoted
from lambent.services.s3.errors import invalid_argument
from lambent.services.s3.listing import Page, Wish, encoded, list_page
from lambent.services.s3.listings import encoding_of
from lambent.services.s3.model import Bucket, Part, Upload, owner_id
from lambent.services.s3.showing import checksum_members, moment
from lambent.store.api import Database, Transaction


class UploadListings:
    """What there is of uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("ListMultipartUploads")
    async def list_multipart_uploads(self, ctx: RequestContext, request: Request) -> Answer:
        encoding = encoding_of(request)
        most = count_of(request, "MaxUploads")
        prefix, delimiter = request.get("Prefix", ""), request.get("Delimiter", "")
        wish = Wish(prefix, delimiter, request.get("KeyMarker", ""), most, behind_prefixes=True)
        bucket, page = await self._database.read(lambda tx: _uploads(tx, ctx, request, wish))
        answer: Answer = {
            "Bucket": bucket.name,
            "KeyMarker": encoded(wish.after, encoding),
            "UploadIdMarker": request.get("UploadIdMarker", ""),
            "Prefix": encoded(wish.prefix, encoding),
            "MaxUploads": most,
            "IsTruncated": page.truncated,
            "Uploads": [_upload(bucket, each, encoding) for each in page.items],
            "CommonPrefixes": [{"Prefix": encoded(each, encoding)} for each in page.prefixes],
        }
        if wish.delimiter:
            answer["Delimiter"] = encoded(wish.delimiter, encoding)
        if encoding is not None:
            answer["EncodingType"] = encoding
        if page.truncated:
            answer["NextKeyMarker"] = encoded(page.last, encoding)
            if page.items and page.items[-1].key == page.last:
                answer["NextUploadIdMarker"] = page.items[-1].id
        return answer

    @operation("ListParts")
    async def list_parts(self, ctx: RequestContext, request: Request) -> Answer:
        most, after = count_of(request, "MaxParts"), int(request.get("PartNumberMarker") or 0)

        def work(tx: Transaction) -> tuple[Bucket, Upload, list[Part]]:
            bucket = bucket_of(tx, ctx, request)
            upload = upload_store.upload(tx, bucket, request["Key"], request["UploadId"])
            return bucket, upload, upload_store.parts(tx, upload, after, most + 1)

        bucket, upload, found = await self._database.read(work)
        page, owner = found[:most], {"ID": owner_id(bucket.account)}
        answer: Answer = {
            "Bucket": bucket.name,
            "Key": upload.key,
            "UploadId": upload.id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page[-1].number if page else 0,
            "MaxParts": most,
            "IsTruncated": len(found) > most,
            "Parts": [_part(upload, each) for each in page],
            "Initiator": owner,
            "Owner": owner,
            "StorageClass": "STANDARD",
        }
        if upload.chosen:
            answer |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
        return answer


def _uploads(tx: Transaction, ctx: RequestContext, request: Request, wish: Wish) -> tuple[Bucket, Page[Upload]]:
    bucket = bucket_of(tx, ctx, request)
    rest: Iterable[Upload] = ()
    marker = request.get("UploadIdMarker")
    if wish.after and marker:
        found = upload_store.find_upload(tx, marker)
        if found is not None and (found.bucket_id, found.key) != (bucket.id, wish.after):
            raise invalid_argument("Invalid uploadId marker", "upload-id-marker", marker)
        behind = upload_store.BEFORE_ALL if found is None else (found.started_ms, found.id)
        same = upload_store.uploads_from(tx, bucket.id, wish.after, behind)
        rest = takewhile(lambda each: each.key == wish.after, same)
    return bucket, list_page(wish, lambda key: upload_store.uploads_from(tx, bucket.id, key), rest)


def _upload(bucket: Bucket, upload: Upload, encoding: str | None) -> dict[str, Any]:
    owner = {"ID": owner_id(bucket.account)}
    shown = {
        "Key": encoded(upload.key, encoding),
        "UploadId": upload.id,
        "Initiated": moment(upload.started_ms),
        "StorageClass": "STANDARD",
        "Owner": owner,
        "Initiator": owner,
    }
    if upload.chosen:
        shown |= {"ChecksumAlgorithm": upload.algorithm, "ChecksumType": upload.checksum_type}
    return shown


def _part(upload: Upload, part: Part) -> dict[str, Any]:
    shown = {
        "PartNumber": part.number,
        "LastModified": moment(part.modified_ms),
        "ETag": quoted(part.md5),
        "Size": part.bytes,
    }
    return shown | (checksum_members(part.checksums) if upload.chosen else {})
