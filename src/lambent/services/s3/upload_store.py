"""Multipart uploads and their parts in their tables, over a Transaction."""

from collections.abc import Iterator

from msgspec import json

from lambent.services.s3.errors import no_such_upload
from lambent.services.s3.model import Bucket, Part, Upload
from lambent.services.s3.store import SQL
from lambent.store.api import Row, Transaction

MOST_UPLOADS = 1_000_000
_upload = json.Decoder(Upload).decode


def add_upload(tx: Transaction, wanted: Upload) -> None:
    """Begin an upload."""
    tx.run(
        SQL.add_upload,
        id=wanted.id,
        bucket_id=wanted.bucket_id,
        key=wanted.key,
        started_ms=wanted.started_ms,
        facts=json.encode(wanted).decode(),
    )


def upload(tx: Transaction, bucket: Bucket, key: str, upload_id: str) -> Upload:
    """The upload. Raises NoSuchUpload."""
    row = tx.one(SQL.upload, id=upload_id)
    if row is None or (row["bucket_id"], row["key"]) != (bucket.id, key):
        raise no_such_upload(upload_id)
    return _upload(row["facts"])


def uploads_from(tx: Transaction, bucket_id: int, key: str) -> Iterator[Upload]:
    """The uploads by key, the oldest of a key first."""
    rows = tx.all(SQL.uploads_from, bucket_id=bucket_id, key=key, count=MOST_UPLOADS)
    return (_upload(row["facts"]) for row in rows)


def delete_upload(tx: Transaction, gone: Upload) -> None:
    """Remove it and its parts; their bodies are the caller's."""
    tx.run(SQL.delete_upload, id=gone.id)


def part(tx: Transaction, of: Upload, number: int) -> Part | None:
    """That part."""
    row = tx.one(SQL.part, upload_id=of.id, number=number)
    return None if row is None else _part(row)


def parts(tx: Transaction, of: Upload, after: int = 0, count: int = 10_000) -> list[Part]:
    """The parts that follow that number."""
    return [_part(row) for row in tx.all(SQL.parts, upload_id=of.id, after=after, count=count)]


def put_part(tx: Transaction, wanted: Part) -> None:
    """Add it; the one before of that number is the caller's to remove."""
    columns = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if name != "checksums"}
    tx.run(SQL.add_part, **columns, checksums=json.encode(wanted.checksums).decode())


def delete_part(tx: Transaction, gone: Part) -> None:
    """Remove it; its body is the caller's."""
    tx.run(SQL.delete_part, upload_id=gone.upload_id, number=gone.number)


def _part(row: Row) -> Part:
    return Part(**{**row, "checksums": json.decode(row["checksums"])})
