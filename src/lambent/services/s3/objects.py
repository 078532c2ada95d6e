"""Objects: PutObject, GetObject, HeadObject.

The bytes are on disk when PutObject is asked; what it commits, in one transaction, is the version, its body, what
became of the version before, and the notifications that follow.

Source: S3 API reference, PutObject, GetObject, HeadObject; S3 User Guide, "Using versioning in S3 buckets".
"""

from typing import Any

from lambent.model.objects import Download, Stored
from lambent.protocol.checksums import COMPOSITE
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import bodies, store
from lambent.services.s3.asking import bucket_of, refuse
from lambent.services.s3.conditions import check_write, not_modified, quoted
from lambent.services.s3.errors import S3Error, invalid_argument, invalid_request
from lambent.services.s3.facts import declared_checksum, facts_of
from lambent.services.s3.lifecycle import expiration_member
from lambent.services.s3.model import Bucket, Version
from lambent.services.s3.names import check_key
from lambent.services.s3.ranges import range_of
from lambent.services.s3.reading import find_object
from lambent.services.s3.showing import OVERRIDES, checksum_members, encryption_members, head, made_members
from lambent.services.s3.writing import Writer
from lambent.store.api import Transaction

NOT_MODIFIED = ("ETag", "LastModified", "CacheControl", "Expires", "VersionId")
PARTIAL = 206


class Objects:
    """The resource `object`, to be written and read."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._database = writer, writer.database

    @operation("PutObject")
    async def put_object(self, ctx: RequestContext, request: Request) -> Answer:
        check_key(request["Key"])
        refuse(request)
        stored: Stored = request["Body"]
        facts = facts_of(request, declared_checksum(stored))

        def may(tx: Transaction) -> Bucket:
            bucket = bucket_of(tx, ctx, request)
            check_write(request, request["Key"], store.current(tx, bucket.id, request["Key"]))
            return bucket

        if not stored.md5:
            await self._database.read(may)
            return {}

        def work(tx: Transaction) -> tuple[Bucket, Version, Answer]:
            bucket = may(tx)
            body = self._writer.keep(tx, stored)
            made = Version(bucket.id, request["Key"], False, stored.length, stored.md5, facts, body)
            made = self._writer.put(tx, ctx, bucket, made, "ObjectCreated:Post" if stored.form else "ObjectCreated:Put")
            return bucket, made, expiration_member(tx, bucket, made)

        bucket, made, expiration = await self._writer.write(work)
        return {
            "ETag": quoted(made.etag),
            **checksum_members(made.facts.checksums, made.facts.checksum_type),
            **made_members(bucket, made),
            **encryption_members(made.facts),
            **expiration,
        }

    @operation("GetObject")
    async def get_object(self, ctx: RequestContext, request: Request) -> Download:
        return await self._database.read(lambda tx: self._get(tx, ctx, request))

    @operation("HeadObject")
    async def head_object(self, ctx: RequestContext, request: Request) -> Download:
        def work(tx: Transaction) -> Download:
            bucket, found = self._find(tx, ctx, request)
            return _head(tx, bucket, found, request, self._now_ms())[0]

        return await self._database.read(work)

    def _find(self, tx: Transaction, ctx: RequestContext, request: Request) -> tuple[Bucket, Version]:
        found = find_object(tx, ctx, request)
        if not ctx.account and any(request.get(name) is not None for name in OVERRIDES.values()):
            raise invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
        return found

    def _get(self, tx: Transaction, ctx: RequestContext, request: Request) -> Download:
        bucket, found = self._find(tx, ctx, request)
        download, stretch = _head(tx, bucket, found, request, self._now_ms())
        if stretch is None:
            return download
        pieces = self._writer.with_data(tx, bodies.between(tx, found.body, *stretch))
        if all(piece.data for piece in pieces):
            download["Body"] = b"".join(piece.data for piece in pieces)
        else:
            download.pieces = pieces
        return download

    def _now_ms(self) -> int:
        return self._writer.clock.now_ms()


def _head(
    tx: Transaction, bucket: Bucket, found: Version, request: Request, now_ms: int
) -> tuple[Download, tuple[int, int] | None]:
    """The answer without a body, and which stretch of the object would be its body."""
    members = head(bucket, found, request) | expiration_member(tx, bucket, found)
    if not_modified(request, found, now_ms):
        return Download({name: members[name] for name in NOT_MODIFIED if name in members}, 304), None
    if request.get("PartNumber") is not None and request.get("Range") is not None:
        raise invalid_request("Cannot specify both Range header and partNumber query parameter")
    if request.get("PartNumber") is not None:
        return _part(tx, found, request, members)
    whole = 0, found.bytes
    wanted = range_of(request.get("Range"), found.bytes)
    if request.get("ChecksumMode") == "ENABLED" and wanted in (None, whole):
        members |= checksum_members(found.facts.checksums, found.facts.checksum_type)
    if wanted is None:
        return Download(members), whole
    return _stretch(found, members, wanted), wanted


def _part(
    tx: Transaction, found: Version, request: Request, members: dict[str, Any]
) -> tuple[Download, tuple[int, int]]:
    number = request["PartNumber"]
    if number < 1 or number > 10_000:
        raise invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive", "partNumber", str(number)
        )
    if not found.facts.parts:
        if number != 1:
            raise _no_part(found, number)
        if request.get("ChecksumMode") == "ENABLED":
            members |= checksum_members(found.facts.checksums, found.facts.checksum_type)
        whole = 0, found.bytes
        return (_stretch(found, members, whole) if found.bytes else Download(members)), whole
    part = store.version_part(tx, found, number)
    if part is None:
        raise _no_part(found, number)
    members["PartsCount"] = found.facts.parts
    if request.get("ChecksumMode") == "ENABLED" and (found.facts.checksum_type == COMPOSITE or found.facts.parts == 1):
        members |= checksum_members(part.checksums, found.facts.checksum_type)
    stretch = part.start, part.start + part.bytes
    return _stretch(found, members, stretch), stretch


def _stretch(found: Version, members: dict[str, Any], stretch: tuple[int, int]) -> Download:
    begin, end = stretch
    members["ContentRange"] = f"bytes {begin}-{end - 1}/{found.bytes}"
    members["ContentLength"] = end - begin
    return Download(members, PARTIAL)


def _no_part(found: Version, number: int) -> S3Error:
    return S3Error(
        "InvalidPartNumber",
        416,
        "The requested partnumber is not satisfiable",
        PartNumberRequested=number,
        ActualPartCount=found.facts.parts or 1,
    )
