"""One page of a query or scan: rows in order until Limit, or until a megabyte was read.

Source: DynamoDB Developer Guide, "Paginating table query results" (1 MB before filters), "Limiting the number of
items".
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from lambent.services.dynamodb import store
from lambent.services.dynamodb.keys import Place, after
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.values import Item, item_size
from lambent.store.api import Transaction

PAGE_BYTES = 1024 * 1024
FIRST_ROWS, MOST_ROWS = 16, 1024  # items may have 400 KB each


class Walk(Struct, frozen=True):
    """Which rows, in which order.

    A query has a `partition`; a scan goes from `start` on to the partition `until`. `first` and `last` bound the
    sort bytes of a query.
    """

    space: int
    partition: bytes | None = None
    first: bytes = b""
    last: bytes = b""
    forward: bool = True
    start: Place = Place(b"", b"")
    until: bytes = b""


class Page(Struct):
    """What was read. `more`: the page ended before the rows did."""

    items: list[Item]
    read_bytes: int
    more: bool


def page_of(tx: Transaction, walk: Walk, limit: int | None) -> Page:
    """Read one page."""
    page = Page([], 0, False)
    for item in _rows(tx, walk, limit):
        page.items.append(item)
        page.read_bytes += item_size(item)
        if len(page.items) == limit or page.read_bytes >= PAGE_BYTES:
            page.more = True
            break
    return page


def _rows(tx: Transaction, walk: Walk, limit: int | None) -> Iterator[Item]:
    """All rows of a walk, fetched a few at a time."""
    fetch, rows = (_query if walk.partition is not None else _scan), min(limit or FIRST_ROWS, MOST_ROWS)
    at: Place | None = None
    count = size = 0
    while True:
        found = fetch(tx, walk, at, rows)
        for partition, sort, raw in found:
            at = Place(partition, sort)
            count, size = count + 1, size + len(raw)
            yield store.decode_item(raw)
        if len(found) < rows:
            return
        rows = max(1, min(MOST_ROWS, (PAGE_BYTES - size) * count // size + 1))


Row = tuple[bytes, bytes, bytes]
Fetch = Callable[[Transaction, Walk, Place | None, int], list[Row]]


def _query(tx: Transaction, walk: Walk, at: Place | None, rows: int) -> list[Row]:
    first, last = walk.first, walk.last
    if at is not None and walk.forward:
        first = at.sort + b"\0"
    elif at is not None:
        last = at.sort
    statement = SQL.query_forward if walk.forward else SQL.query_backward
    found = tx.all(statement, space=walk.space, partition=walk.partition, first=first, last=last, limit=rows)
    return [(row["partition"], row["sort"], row["item"]) for row in found]


def _scan(tx: Transaction, walk: Walk, at: Place | None, rows: int) -> list[Row]:
    at = at or walk.start
    last = walk.until or after(b"")
    found = tx.all(SQL.scan, space=walk.space, partition=at.partition, sort=at.sort, last=last, limit=rows)
    return [(row["partition"], row["sort"], row["item"]) for row in found]
