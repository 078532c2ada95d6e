"""Objects for Lambent's other services: code for functions, records of asynchronous invocations."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from msgspec import structs

from lambent.arn import parse_arn
from lambent.ids import Ids
from lambent.model.objects import Stored
from lambent.model.principal import Principal
from lambent.protocol import checksums
from lambent.services.operation import RequestContext
from lambent.services.s3 import bodies, store
from lambent.services.s3.actions import READ, READ_VERSION, WRITE
from lambent.services.s3.errors import S3Error, no_such_version
from lambent.services.s3.facts import declared_checksum
from lambent.services.s3.model import AES256, Facts, Version
from lambent.services.s3.names import check_key
from lambent.services.s3.permissions import check
from lambent.services.s3.placing import placed
from lambent.services.s3.reading import version_of
from lambent.services.s3.writing import Writer
from lambent.store.api import Objects, Transaction


class Files:
    """What other services may do with objects, on behalf of an account."""

    def __init__(self, writer: Writer, objects: Objects, ids: Ids) -> None:
        self._writer, self._objects, self._ids = writer, objects, ids

    async def read(self, ctx: RequestContext, place: tuple[str, str, str | None], most_bytes: int) -> bytes:
        """The bytes of bucket, key and version. Raises S3Error, also for more than `most_bytes`."""
        name, key, version_name = place

        def work(tx: Transaction) -> tuple[Version, list[Any]]:
            bucket = store.bucket(tx, name)
            asked = {"Key": key} if version_name is None else {"Key": key, "VersionId": version_name}
            check(tx, ctx, bucket, READ if version_name is None else READ_VERSION, asked)
            found = version_of(tx, bucket, key, version_name)
            if found.bytes > most_bytes:
                raise S3Error("EntityTooLarge", 400, f"The object has more than {most_bytes} bytes.")
            return found, self._writer.with_data(tx, bodies.pieces(tx, found.body))

        found, pieces = await self._writer.database.read(work)
        try:
            return b"".join([data async for data in self._objects.read(pieces)])
        except FileNotFoundError:
            raise no_such_version(key, found.version) from None

    async def write(self, account: str, place: tuple[str, str], data: bytes) -> None:
        """Put an object of JSON into a bucket of the account, durably. Raises S3Error."""
        name, key = place
        check_key(key)
        ctx = RequestContext(Principal(account, f"arn:aws:iam::{account}:root", account), account, "", self._ids.uuid())
        crc = checksums.running(checksums.DEFAULT)
        crc.update(data)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        known = {checksums.DEFAULT: checksums.text_of(crc)}
        async with placed(self._objects, _whole(data), len(data)) as stored:
            await self._commit(ctx, name, key, structs.replace(stored, md5=md5, checksums=known))

    async def is_there(self, bucket_arn: str) -> bool:
        """Whether there is such a bucket."""
        name = parse_arn(bucket_arn).resource
        return await self._writer.database.read(lambda tx: store.find_bucket(tx, name)) is not None

    async def _commit(self, ctx: RequestContext, name: str, key: str, stored: Stored) -> None:
        facts = Facts(
            headers={"ContentType": "application/json"},
            checksums=declared_checksum(stored),
            checksum_type=checksums.FULL,
            encryption=AES256,
        )

        def work(tx: Transaction) -> None:
            bucket = store.bucket(tx, name)
            check(tx, ctx, bucket, WRITE, {"Key": key})
            body = self._writer.keep(tx, stored)
            wanted = Version(bucket.id, key, False, stored.length, stored.md5, facts, body)
            self._writer.put(tx, ctx, bucket, wanted, "ObjectCreated:Put")

        await self._writer.write(work)


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data
