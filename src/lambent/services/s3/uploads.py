"""Multipart uploads: create, upload a part, complete, abort, and what there is of them.

Source: S3 API reference; S3 User Guide, "Uploading and copying objects using multipart upload".
"""

from urllib.parse import quote

from msgspec import structs

from lambent.model.objects import Stored
from lambent.protocol.checksums import COMPOSITE
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import bodies, store, upload_store
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.assembling import (
    MOST_PARTS,
    check_whole,
    checksum_of,
    checksum_rule,
    chosen_parts,
    etag_of,
)
from lambent.services.s3.conditions import check_write, quoted
from lambent.services.s3.errors import conflict, invalid_argument, invalid_request
from lambent.services.s3.facts import facts_of
from lambent.services.s3.lifecycle import abort_members, expiration_member
from lambent.services.s3.model import Bucket, Part, Upload, Version, VersionPart
from lambent.services.s3.names import check_key
from lambent.services.s3.showing import checksum_members, encryption_members, made_members
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction


class Uploads:
    """The resource `multipart upload`, as it is written."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._database = writer, writer.database

    @operation("CreateMultipartUpload")
    async def create_multipart_upload(self, ctx: RequestContext, request: Request) -> Answer:
        check_key(request["Key"])
        refuse(request)
        rule = checksum_rule(request.get("ChecksumAlgorithm"), request.get("ChecksumType"))
        upload_id, facts, now_ms = self._writer.ids.secret(64), facts_of(request), self._writer.clock.now_ms()

        def work(tx: Transaction) -> tuple[Upload, Answer]:
            bucket = bucket_of(tx, ctx, request)
            asked = request.get("ServerSideEncryption", "")
            made = Upload(upload_id, bucket.id, request["Key"], now_ms, facts, *rule, asked)
            upload_store.add_upload(tx, made)
            return made, abort_members(tx, bucket, made)

        made, ending = await self._writer.write(work)
        told = {"Bucket": request["Bucket"], "Key": made.key, "UploadId": made.id}
        answer: Answer = {**told, **encryption_members(made.facts), **ending}
        if made.chosen:
            answer |= {"ChecksumAlgorithm": made.algorithm, "ChecksumType": made.checksum_type}
        return answer

    @operation("UploadPart")
    async def upload_part(self, ctx: RequestContext, request: Request) -> Answer:
        refuse(request)
        check_part_number(request)
        stored: Stored = request["Body"]

        def may(tx: Transaction) -> Upload:
            return upload_store.upload(tx, bucket_of(tx, ctx, request), request["Key"], request["UploadId"])

        def work(tx: Transaction) -> Upload:
            upload = may(tx)
            checksums = part_checksums(upload, stored)
            body = self._writer.keep(tx, stored)
            part = Part(upload.id, request["PartNumber"], stored.length, stored.md5, checksums, self._now_ms(), body)
            put_part(tx, upload, part)
            return upload

        if not stored.md5:
            await self._database.read(may)
            return {}
        upload = await self._writer.write(work)
        told = stored.declared or (upload.algorithm if upload.chosen else "")
        return {
            "ETag": quoted(stored.md5),
            **checksum_members({told: stored.checksums[told]} if told else {}),
            **encryption_members(upload.facts),
        }

    @operation("CompleteMultipartUpload")
    async def complete_multipart_upload(self, ctx: RequestContext, request: Request) -> Answer:
        refuse(request)
        named = request.get("MultipartUpload", {}).get("Parts") or []

        def work(tx: Transaction) -> tuple[Bucket, Version, Answer]:
            bucket, made = self._complete(tx, ctx, request, named)
            return bucket, made, expiration_member(tx, bucket, made)

        bucket, made, expiration = await self._writer.write(work)
        return {
            "Location": f"{ctx.endpoint}/{bucket.name}/{quote(made.key, safe='')}",
            "Bucket": bucket.name,
            "Key": made.key,
            "ETag": quoted(made.etag),
            **checksum_members(made.facts.checksums, made.facts.checksum_type),
            **made_members(bucket, made),
            **encryption_members(made.facts),
            **expiration,
        }

    @operation("AbortMultipartUpload")
    async def abort_multipart_upload(self, ctx: RequestContext, request: Request) -> None:
        def work(tx: Transaction) -> None:
            upload = upload_store.upload(tx, bucket_of(tx, ctx, request), request["Key"], request["UploadId"])
            abort(tx, upload, self._now_ms())

        await self._writer.write(work)

    def _complete(
        self, tx: Transaction, ctx: RequestContext, request: Request, named: list[Request]
    ) -> tuple[Bucket, Version]:
        bucket = bucket_of(tx, ctx, request)
        current = store.current(tx, bucket.id, request["Key"])
        if current is not None and current.facts.upload == request["UploadId"]:
            return bucket, current  # asked again by a client that did not hear the answer
        upload = upload_store.upload(tx, bucket, request["Key"], request["UploadId"])
        check_write(request, upload.key, current)
        if request.get("IfMatch") is not None and current is not None and current.modified_ms > upload.started_ms:
            raise conflict("If-Match", upload.key)
        if request.get("IfNoneMatch") is not None and upload_store.has_seen_deletion(tx, upload):
            raise conflict("If-None-Match", upload.key)
        there = upload_store.parts(tx, upload)
        parts = chosen_parts(upload, {each.number: each for each in there}, named)
        size, checksums = sum(each.bytes for each in parts), checksum_of(upload, parts)
        check_whole(request, upload, checksums, size)
        facts = structs.replace(
            upload.facts, checksums=checksums, checksum_type=upload.checksum_type, parts=len(parts), upload=upload.id
        )
        body, starts = _joined(tx, parts)
        wanted = Version(bucket.id, upload.key, False, size, etag_of(parts), facts, body)
        made = self._writer.put(tx, ctx, bucket, wanted, "ObjectCreated:CompleteMultipartUpload")
        store.add_version_parts(tx, made.id, starts)
        chosen = {each.number for each in parts}
        for each in there:
            if each.number not in chosen:
                bodies.drop(tx, each.body, self._now_ms())
        upload_store.delete_upload(tx, upload)
        return bucket, made

    def _now_ms(self) -> int:
        return self._writer.clock.now_ms()


def abort(tx: Transaction, upload: Upload, now_ms: int) -> None:
    """Forget an upload with all its parts."""
    for each in upload_store.parts(tx, upload):
        bodies.drop(tx, each.body, now_ms)
    upload_store.delete_upload(tx, upload)


def check_part_number(request: Request) -> None:
    """Raises InvalidArgument."""
    if not 1 <= request["PartNumber"] <= MOST_PARTS:
        message = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
        raise invalid_argument(message, "partNumber", str(request["PartNumber"]))


def put_part(tx: Transaction, upload: Upload, part: Part) -> None:
    """Add a part, in place of the one before of its number."""
    before = upload_store.part(tx, upload, part.number)
    if before is not None:
        upload_store.delete_part(tx, before)
        bodies.drop(tx, before.body, part.modified_ms)
    upload_store.put_part(tx, part)


def part_checksums(upload: Upload, stored: Stored) -> dict[str, str]:
    """What is kept of a part's checksums. Raises InvalidRequest where the client computed another one, or none though
    that of the whole is made of those of the parts."""
    told = {upload.algorithm} if upload.checksum_type == COMPOSITE else {upload.algorithm, ""}
    if upload.chosen and stored.declared not in told:
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, actual "
            f"checksum Type: {stored.declared.lower() or 'null'}"
        )
    return {upload.algorithm: stored.checksums[upload.algorithm]}


def _joined(tx: Transaction, parts: list[Part]) -> tuple[int, list[VersionPart]]:
    """One body of those of the parts, and where each begins."""
    body, start, starts = bodies.of_pieces(tx, []), 0, []
    for each in parts:
        bodies.append(tx, body, each.body, start)
        starts.append(VersionPart(each.number, start, each.bytes, each.checksums))
        start += each.bytes
    return body, starts
