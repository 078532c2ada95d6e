"""Multipart uploads and their parts in their tables, over a Transaction."""

from collections.abc import Iterator

from msgspec import json

from lambent.services.s3.errors import no_such_upload
from lambent.services.s3.model import Bucket, Part, Upload
from lambent.services.s3.store import SQL, counts
from lambent.store.api import Row, Transaction

BEFORE_ALL = -1, ""
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
    found = find_upload(tx, upload_id)
    if found is None or (found.bucket_id, found.key) != (bucket.id, key):
        raise no_such_upload(upload_id)
    return found


def find_upload(tx: Transaction, upload_id: str) -> Upload | None:
    """The upload, whichever its bucket and key."""
    row = tx.one(SQL.upload, id=upload_id)
    return None if row is None else _upload(row["facts"])


def note_deletion(tx: Transaction, bucket_id: int, key: str) -> None:
    """The uploads of `key` have seen it deleted."""
    tx.run(SQL.note_deletion, bucket_id=bucket_id, key=key)


def has_seen_deletion(tx: Transaction, of: Upload) -> bool:
    """Whether its key was deleted since it began."""
    row = tx.one(SQL.upload, id=of.id)
    return row is not None and bool(row["deleted_meanwhile"])


def uploads_from(tx: Transaction, bucket_id: int, key: str, behind: tuple[int, str] = BEFORE_ALL) -> Iterator[Upload]:
    """The uploads by key, the oldest of a key first; of `key` itself those behind a start and an id."""
    for count in counts():
        place = {"key": key, "started_ms": behind[0], "id": behind[1]}
        rows = tx.all(SQL.uploads_from, bucket_id=bucket_id, **place, count=count)
        yield from (_upload(row["facts"]) for row in rows)
        if len(rows) < count:
            return
        key, behind = rows[-1]["key"], (rows[-1]["started_ms"], rows[-1]["id"])


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
