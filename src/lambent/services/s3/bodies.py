"""Bodies: which pieces of which blobs the bytes of an object or a part are, and which blobs nobody needs any more.

Copies share blobs: a blob is counted once for each piece of it. The last piece that goes takes along a blob that
lies in the database; one that lies outside is put aside first, because a reader may be on its way to it.

No bytes lie anywhere as they are: few are sealed with the master key, under the name of their blob; what lies outside
is encrypted with a key of its own, and that is sealed. Blobs from before that was so are read as they are.
"""

from collections.abc import Iterable, Sequence

from msgspec import structs

from lambent.model.objects import Piece, Stored
from lambent.services.s3.store import SQL
from lambent.store.api import Transaction
from lambent.vault import Purpose, Vault

KEPT_AFTER_MS = 60_000


def keep(tx: Transaction, vault: Vault, stored: Stored, name: str) -> int:
    """A body of what an edge has read; `name` is for bytes that came with the request."""
    if not stored.length:
        return of_pieces(tx, [])
    if stored.blob:
        key = vault.seal(Purpose.OBJECTS, stored.blob, stored.key)
        return _add(tx, [Piece(stored.blob, 0, stored.length)], sealed_key=key)
    data = vault.seal(Purpose.OBJECTS, name, stored.data)
    return _add(tx, [Piece(name, 0, stored.length)], sealed_data=data)


def of_pieces(tx: Transaction, pieces: Sequence[Piece]) -> int:
    """A body of pieces of other bodies."""
    return _add(tx, pieces)


def append(tx: Transaction, body: int, other: int, start: int) -> None:
    """The pieces of `other`, which is no more then, follow in `body` from `start` on."""
    tx.run(SQL.move_pieces, body=body, other=other, start=start)
    tx.run(SQL.delete_body, id=other)


def pieces(tx: Transaction, body: int | None) -> list[Piece]:
    """All of a body."""
    return [Piece(row["blob"], row["offset"], row["bytes"]) for row in tx.all(SQL.pieces, body=body)]


def between(tx: Transaction, body: int | None, begin: int, end: int) -> list[Piece]:
    """The pieces of a stretch of a body."""
    found = []
    for row in tx.all(SQL.pieces_between, body=body, begin=begin, end=end):
        first, last = max(begin, row["start"]), min(end, row["start"] + row["bytes"])
        found.append(Piece(row["blob"], row["offset"] + first - row["start"], last - first))
    return found


def with_data(tx: Transaction, vault: Vault, wanted: Sequence[Piece]) -> list[Piece]:
    """The pieces, with their bytes where those lie in the database, or with what opens them. Raises SealBroken."""
    return [_filled(tx, vault, each) for each in wanted]


def drop_unused(tx: Transaction, now_ms: int) -> None:
    """Drop the bodies that work which was cut off had held."""
    for row in tx.all(SQL.unused_bodies):
        drop(tx, row["id"], now_ms)


def drop(tx: Transaction, body: int | None, now_ms: int) -> None:
    """The body is nobody's any more."""
    if body is None:
        return
    for piece in pieces(tx, body):
        row = tx.one(SQL.unrefer, name=piece.blob)
        if row is None or row["refs"] > 0:
            continue
        tx.run(SQL.put_aside, name=piece.blob, due_ms=now_ms + KEPT_AFTER_MS)
        tx.run(SQL.delete_blob, name=piece.blob)
    tx.run(SQL.delete_body, id=body)


def due_garbage(tx: Transaction, now_ms: int, count: int) -> list[str]:
    """Blobs that may be deleted now."""
    return [row["blob"] for row in tx.all(SQL.due_garbage, now_ms=now_ms, count=count)]


def forget_garbage(tx: Transaction, blobs: Iterable[str]) -> None:
    """They are deleted."""
    tx.run_many(SQL.delete_garbage, [{"blob": each} for each in blobs])


def known(tx: Transaction, blobs: Iterable[str]) -> set[str]:
    """Those of them that this database refers to or will delete itself."""
    return {each for each in blobs if tx.one(SQL.blob_is_known, name=each) is not None}


def _filled(tx: Transaction, vault: Vault, piece: Piece) -> Piece:
    row = tx.one(SQL.blob_data, name=piece.blob) or {}
    if row.get("sealed_key"):
        return structs.replace(piece, key=vault.open(Purpose.OBJECTS, piece.blob, row["sealed_key"]))
    data = row.get("data")
    if row.get("sealed_data"):
        data = vault.open(Purpose.OBJECTS, piece.blob, row["sealed_data"])
    return piece if data is None else structs.replace(piece, data=data[piece.offset : piece.offset + piece.length])


def _add(
    tx: Transaction, wanted: Sequence[Piece], *, sealed_data: bytes | None = None, sealed_key: bytes | None = None
) -> int:
    row = tx.one(SQL.add_body)
    assert row is not None
    body, start = int(row["id"]), 0
    for piece in wanted:
        tx.run(SQL.refer, name=piece.blob, sealed_data=sealed_data, sealed_key=sealed_key)
        tx.run(SQL.add_piece, body=body, start=start, bytes=piece.length, blob=piece.blob, offset=piece.offset)
        start += piece.length
    return body
