"""CopyObject and UploadPartCopy: copies share the blobs of their source.

The bytes are read only where something of the copy is not known already: an MD5 of a whole that came in parts, another
checksum, a range. They are written anew only where they are from before objects were encrypted: a copy is. Meanwhile a
body of its own holds the blobs, so that nobody deletes them; what a crash leaves of such bodies is dropped at the next
start.

Source: S3 API reference, CopyObject and UploadPartCopy.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from msgspec import structs

from lambent.model.objects import Piece, Stored
from lambent.protocol import checksums
from lambent.services.operation import Answer, Request, RequestContext, operation
from lambent.services.s3 import bodies, store, upload_store
from lambent.services.s3.actions import READ, READ_VERSION
from lambent.services.s3.asking import bucket_of, check_owner, refuse
from lambent.services.s3.conditions import check_write, not_modified, quoted
from lambent.services.s3.errors import S3Error, invalid_argument, invalid_request
from lambent.services.s3.facts import facts_of, tags_of_header
from lambent.services.s3.lifecycle import expiration_member
from lambent.services.s3.model import NULL, Bucket, Facts, Part, Version
from lambent.services.s3.names import check_key
from lambent.services.s3.permissions import check
from lambent.services.s3.placing import placed
from lambent.services.s3.ranges import copy_range
from lambent.services.s3.reading import version_of
from lambent.services.s3.showing import checksum_members, encryption_members, moment, version_members
from lambent.services.s3.uploads import check_part_number, part_checksums, put_part
from lambent.services.s3.writing import Writer
from lambent.store.api import Objects, Transaction

LARGEST_BYTES = 5 * 1024**3
COPY, REPLACE = "COPY", "REPLACE"


class Held(NamedTuple):
    """A source, and a body that holds its bytes until they have a new owner."""

    bucket: Bucket
    version: Version
    body: int
    pieces: list[Piece]
    length: int


class Copies:
    """What makes objects and parts of others."""

    def __init__(self, writer: Writer, objects: Objects) -> None:
        self._writer, self._objects = writer, objects

    @operation("CopyObject")
    async def copy_object(self, ctx: RequestContext, request: Request) -> Answer:
        check_key(request["Key"])
        refuse(request)
        held = await self._writer.write(lambda tx: self._hold(tx, ctx, request, None))
        try:
            await self._writer.database.read(lambda tx: self._may_replace(tx, ctx, request))
            _check_to_itself(request, held)
            async with self._looked_at(held, request.get("ChecksumAlgorithm")) as stored:
                facts = _facts(request, held.version.facts, stored)
                told, made = await self._writer.write(lambda tx: self._copy(tx, ctx, request, held, (stored, facts)))
        except Exception:  # not a cancellation: nobody knows then whether the copy has its new owner
            await self._let_go(held)
            raise
        result = {
            "ETag": quoted(made.etag),
            "LastModified": moment(made.modified_ms),
            **checksum_members(made.facts.checksums, made.facts.checksum_type),
        }
        return {"CopyObjectResult": result, **_source_version(held), **encryption_members(made.facts), **told}

    @operation("UploadPartCopy")
    async def upload_part_copy(self, ctx: RequestContext, request: Request) -> Answer:
        refuse(request)
        check_part_number(request)
        held = await self._writer.write(lambda tx: self._hold(tx, ctx, request, request.get("CopySourceRange")))
        try:
            upload = await self._writer.database.read(
                lambda tx: upload_store.upload(tx, bucket_of(tx, ctx, request), request["Key"], request["UploadId"])
            )
            async with self._read(held, upload.algorithm) as stored:
                part = await self._writer.write(lambda tx: self._copy_part(tx, ctx, request, held, stored))
        except Exception:  # as above
            await self._let_go(held)
            raise
        told = {upload.algorithm: stored.checksums[upload.algorithm]} if upload.chosen else {}
        result = {"ETag": quoted(part.md5), "LastModified": moment(part.modified_ms), **checksum_members(told)}
        return {"CopyPartResult": result, **_source_version(held), **encryption_members(upload.facts)}

    def _hold(self, tx: Transaction, ctx: RequestContext, request: Request, stretch: str | None) -> Held:
        bucket_of(tx, ctx, request)
        name, key, version_name = source_of(request["CopySource"])
        bucket = store.bucket(tx, name)
        check_owner(bucket, request.get("ExpectedSourceBucketOwner"))
        asked = {"Key": key} if version_name is None else {"Key": key, "VersionId": version_name}
        check(tx, ctx, bucket, READ if version_name is None else READ_VERSION, asked)
        version = _source(tx, bucket, key, version_name)
        not_modified(request, version, self._writer.clock.now_ms(), "CopySource")
        begin, end = copy_range(stretch, version.bytes) if stretch is not None else (0, version.bytes)
        if end - begin > LARGEST_BYTES:
            raise invalid_request(
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{LARGEST_BYTES}"
            )
        pieces = bodies.between(tx, version.body, begin, end)
        body = bodies.of_pieces(tx, pieces)
        return Held(bucket, version, body, self._writer.with_data(tx, pieces), end - begin)

    async def _let_go(self, held: Held) -> None:
        await self._writer.write(lambda tx: bodies.drop(tx, held.body, self._writer.clock.now_ms()))

    @asynccontextmanager
    async def _looked_at(self, held: Held, wanted: str | None) -> AsyncIterator[Stored]:
        """What is to be known of the bytes, from the source where it knows."""
        facts = held.version.facts
        if wanted is not None and wanted not in checksums.ALGORITHMS:
            raise invalid_argument(f"Checksum algorithm provided is unsupported: {wanted}", "x-amz-checksum-algorithm")
        known = facts.checksum_type == checksums.FULL and (wanted is None or wanted in facts.checksums)
        if known and not facts.parts and facts.encryption:
            yield Stored(held.length, held.version.etag, facts.checksums, next(iter(facts.checksums)))
            return
        async with self._read(held, wanted or next(iter(facts.checksums), checksums.DEFAULT)) as stored:
            yield stored

    @asynccontextmanager
    async def _read(self, held: Held, algorithm: str) -> AsyncIterator[Stored]:
        """What is to be known of the bytes; they are placed anew where they are not encrypted."""
        md5, checksum = hashlib.md5(usedforsecurity=False), checksums.running(algorithm)

        async def passing() -> AsyncIterator[bytes]:
            async for data in self._objects.read(held.pieces):
                await asyncio.gather(asyncio.to_thread(md5.update, data), asyncio.to_thread(checksum.update, data))
                yield data

        def known(stored: Stored) -> Stored:
            texts = {algorithm: checksums.text_of(checksum)}
            return structs.replace(stored, md5=md5.hexdigest(), checksums=texts, declared=algorithm)

        if held.version.facts.encryption:
            async for _ in passing():
                pass
            yield known(Stored(held.length))
        else:
            async with placed(self._objects, passing(), held.length) as stored:
                yield known(stored)

    def _body(self, tx: Transaction, held: Held, stored: Stored) -> int:
        """What is to have a new owner: what was held, or what was placed instead."""
        if not (stored.blob or stored.data):
            return held.body
        bodies.drop(tx, held.body, self._writer.clock.now_ms())
        return self._writer.keep(tx, stored)

    def _copy(
        self, tx: Transaction, ctx: RequestContext, request: Request, held: Held, known: tuple[Stored, Facts]
    ) -> tuple[Answer, Version]:
        stored, facts = known
        bucket = self._may_replace(tx, ctx, request)
        body = self._body(tx, held, stored)
        wanted = Version(bucket.id, request["Key"], False, held.length, stored.md5, facts, body)
        made = self._writer.put(tx, ctx, bucket, wanted, "ObjectCreated:Copy")
        return version_members(bucket, made) | expiration_member(tx, bucket, made), made

    def _copy_part(self, tx: Transaction, ctx: RequestContext, request: Request, held: Held, stored: Stored) -> Part:
        upload = upload_store.upload(tx, bucket_of(tx, ctx, request), request["Key"], request["UploadId"])
        kept, now_ms = part_checksums(upload, stored), self._writer.clock.now_ms()
        body = self._body(tx, held, stored)
        part = Part(upload.id, request["PartNumber"], held.length, stored.md5, kept, now_ms, body)
        put_part(tx, upload, part)
        return part

    def _may_replace(self, tx: Transaction, ctx: RequestContext, request: Request) -> Bucket:
        bucket = bucket_of(tx, ctx, request)
        check_write(request, request["Key"], store.current(tx, bucket.id, request["Key"]))
        return bucket


def _source(tx: Transaction, bucket: Bucket, key: str, version_name: str | None) -> Version:
    try:
        return version_of(tx, bucket, key, version_name)
    except S3Error as error:
        if error.code != "MethodNotAllowed":
            raise
        message = "The source of a copy request may not specifically refer to a delete marker by version id."
        raise invalid_request(message) from None


def source_of(header: Any) -> tuple[str, str, str | None]:
    """Bucket, key and version of `bucket/key?versionId=v`, percent-encoded; a plus is a space, as some clients have it.

    Raises:
        InvalidArgument: it is something else.
    """
    text, _, version = str(header).partition("?versionId=")
    bucket, _, key = unquote_plus(text).removeprefix("/").partition("/")
    if not bucket or not key or bucket.startswith("arn:"):
        raise invalid_argument("Invalid copy source object key", "x-amz-copy-source", str(header))
    return bucket, key, unquote(version) if version else None


def _facts(request: Mapping[str, Any], source: Facts, stored: Stored) -> Facts:
    """Those of the source, or what the request says instead."""
    for name in ("MetadataDirective", "TaggingDirective"):
        if request.get(name, COPY) not in (COPY, REPLACE):
            raise invalid_argument(f"Unknown {name}.", name, request[name])
    given = facts_of({**request, "Tagging": None}, {stored.declared: stored.checksums[stored.declared]})
    replaced = request.get("MetadataDirective", COPY) == REPLACE
    tags = tags_of_header(request.get("Tagging")) if request.get("TaggingDirective", COPY) == REPLACE else source.tags
    return Facts(
        headers=given.headers if replaced else source.headers,
        metadata=given.metadata if replaced else source.metadata,
        tags=tags,
        checksums=given.checksums,
        checksum_type=given.checksum_type,
        encryption=given.encryption,
    )


def _check_to_itself(request: Mapping[str, Any], held: Held) -> None:
    same = (held.bucket.name, held.version.key) == (request["Bucket"], request["Key"]) and held.version.latest
    changes = request.get("MetadataDirective", COPY) == REPLACE or request.get("TaggingDirective", COPY) == REPLACE
    members = "ChecksumAlgorithm", "StorageClass", "ServerSideEncryption"
    if same and not changes and not any(map(request.get, members)):
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )


def _source_version(held: Held) -> dict[str, str]:
    return {"CopySourceVersionId": held.version.version} if held.version.version != NULL else {}
