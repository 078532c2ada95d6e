"""Buckets and versions in their tables, over a Transaction; with bodies.py and upload_store.py the only SQL of S3."""

from collections.abc import Iterable, Iterator

from msgspec import json

from lambent.services.s3.errors import no_such_bucket
from lambent.services.s3.model import Bucket, Facts, Version, VersionPart
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.services.s3"
SQL = load_queries(PACKAGE)
FIRST_BATCH, BATCH = 4, 500
NEWEST = 2**62  # above the id of every version
_facts = json.Decoder(Facts).decode


def bucket(tx: Transaction, name: str) -> Bucket:
    """The bucket. Raises NoSuchBucket."""
    found = find_bucket(tx, name)
    if found is None:
        raise no_such_bucket(name)
    return found


def find_bucket(tx: Transaction, name: str) -> Bucket | None:
    """The bucket, if there is one."""
    row = tx.one(SQL.bucket, name=name)
    return None if row is None else Bucket(**row)


def bucket_by_id(tx: Transaction, bucket_id: int) -> Bucket | None:
    """The bucket of that number, if it is still there."""
    row = tx.one(SQL.bucket_by_id, id=bucket_id)
    return None if row is None else Bucket(**row)


def buckets(tx: Transaction, account: str, after: str, count: int) -> list[Bucket]:
    """The buckets of an account, by name."""
    return [Bucket(**row) for row in tx.all(SQL.buckets, account=account, after=after, count=count)]


def add_bucket(tx: Transaction, wanted: Bucket) -> None:
    """Make a bucket."""
    columns = {name: getattr(wanted, name) for name in ("account", "region", "name", "created_ms")}
    tx.run(SQL.add_bucket, **columns)


def is_used(tx: Transaction, which: Bucket) -> bool:
    """Whether there is anything in it."""
    return tx.one(SQL.bucket_is_used, id=which.id) is not None


def delete_bucket(tx: Transaction, which: Bucket) -> None:
    """Remove an empty bucket with its settings."""
    tx.run(SQL.delete_bucket, id=which.id)


def set_versioning(tx: Transaction, which: Bucket, versioning: str) -> None:
    """Enable or suspend it."""
    tx.run(SQL.set_versioning, id=which.id, versioning=versioning)


def setting(tx: Transaction, which: Bucket, name: str) -> str | None:
    """What was put for that subresource, as JSON."""
    row = tx.one(SQL.setting, id=which.id, name=name)
    return None if row is None else str(row["body"])


def set_setting(tx: Transaction, which: Bucket, name: str, body: str | None) -> None:
    """Put it, or remove it."""
    if body is None:
        tx.run(SQL.delete_setting, id=which.id, name=name)
    else:
        tx.run(SQL.set_setting, id=which.id, name=name, body=body)


def with_setting(tx: Transaction, name: str) -> list[Bucket]:
    """The buckets that something was put for."""
    return [Bucket(**row) for row in tx.all(SQL.buckets_with_setting, name=name)]


def current(tx: Transaction, bucket_id: int, key: str) -> Version | None:
    """The newest version of an object, which may be a delete marker."""
    row = tx.one(SQL.current, bucket_id=bucket_id, key=key)
    return None if row is None else _version(row)


def version(tx: Transaction, bucket_id: int, key: str, name: str) -> Version | None:
    """That version."""
    row = tx.one(SQL.version, bucket_id=bucket_id, key=key, version=name)
    return None if row is None else _version(row)


def add_version(tx: Transaction, wanted: Version) -> int:
    """Make it the newest of its key; its id."""
    tx.run(SQL.not_latest, bucket_id=wanted.bucket_id, key=wanted.key)
    names = ("bucket_id", "key", "version", "marker", "bytes", "etag", "modified_ms", "body")
    columns = {name: getattr(wanted, name) for name in names}
    row = tx.one(SQL.add_version, **columns, facts=json.encode(wanted.facts).decode())
    assert row is not None
    return int(row["id"])


def remove_version(tx: Transaction, which: Version) -> None:
    """Remove it; the newest that is left is the latest then. Its body is the caller's to drop."""
    tx.run(SQL.delete_version, id=which.id)
    if which.latest:
        row = tx.one(SQL.current, bucket_id=which.bucket_id, key=which.key)
        if row is not None:
            tx.run(SQL.make_latest, id=row["id"])


def set_facts(tx: Transaction, which: Version, facts: Facts) -> None:
    """Replace what is known of it."""
    tx.run(SQL.set_facts, id=which.id, facts=json.encode(facts).decode())


def counts() -> Iterator[int]:
    """How many rows to read at a time: of most common prefixes one is enough, and whoever wants more reads on."""
    count = FIRST_BATCH
    while True:
        yield count
        count = min(BATCH, count * 4)


def objects_from(tx: Transaction, bucket_id: int, key: str) -> Iterator[Version]:
    """The objects that are there, by key, from `key` on."""
    for count in counts():
        rows = tx.all(SQL.listed, bucket_id=bucket_id, key=key, count=count)
        yield from map(_version, rows)
        if len(rows) < count:
            return
        key = rows[-1]["key"] + "\0"


def versions_from(tx: Transaction, bucket_id: int, key: str) -> Iterator[Version]:
    """All versions by key from `key` on, the newest first."""
    for count in counts():
        rows = tx.all(SQL.all_from, bucket_id=bucket_id, key=key, count=count)
        yield from map(_version, rows)
        if len(rows) < count:
            return
        key = rows[-1]["key"]
        yield from older_versions(tx, bucket_id, key, rows[-1]["id"])
        key += "\0"


def older_versions(tx: Transaction, bucket_id: int, key: str, below: int) -> Iterator[Version]:
    """The versions of a key whose id is below, the newest first."""
    while rows := tx.all(SQL.older_of_key, bucket_id=bucket_id, key=key, id=below, count=BATCH):
        yield from map(_version, rows)
        if len(rows) < BATCH:
            return
        below = rows[-1]["id"]


def add_version_parts(tx: Transaction, version_id: int, parts: Iterable[VersionPart]) -> None:
    """Remember in which parts it came."""
    tx.run_many(
        SQL.add_version_part,
        [
            {
                "version_id": version_id,
                "number": each.number,
                "start": each.start,
                "bytes": each.bytes,
                "checksums": json.encode(each.checksums).decode(),
            }
            for each in parts
        ],
    )


def version_part(tx: Transaction, which: Version, number: int) -> VersionPart | None:
    """That part."""
    row = tx.one(SQL.version_part, version_id=which.id, number=number)
    return None if row is None else _part(row)


def version_parts(tx: Transaction, which: Version, after: int, count: int) -> list[VersionPart]:
    """The parts that follow that number."""
    return [_part(row) for row in tx.all(SQL.version_parts, version_id=which.id, after=after, count=count)]


def _version(row: Row) -> Version:
    columns = {
        name: row[name] for name in ("id", "bucket_id", "key", "version", "modified_ms", "bytes", "etag", "body")
    }
    return Version(**columns, marker=bool(row["marker"]), latest=bool(row["latest"]), facts=_facts(row["facts"]))


def _part(row: Row) -> VersionPart:
    return VersionPart(row["number"], row["start"], row["bytes"], json.decode(row["checksums"]))
