"""The table of deliveries, over a Transaction; the only module that knows its SQL."""

from collections.abc import Iterable

from msgspec import Struct, json

from lambent.delivery.api import Delivery
from lambent.delivery.due import Found
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.delivery"
SQL = load_queries(PACKAGE)
BEHIND_MS = 2**62  # what stands in for a due time while another of the same line is in front
_encode, _decode = json.Encoder().encode, json.Decoder(Delivery).decode


class Waiting(Struct, frozen=True):
    """A delivery in the table, and how often it was tried."""

    id: int
    delivery: Delivery
    attempts: int


def add(tx: Transaction, deliveries: Iterable[Delivery], due_ms: int) -> None:
    """Keep them."""
    tx.run_many(
        SQL.add_delivery,
        [
            {
                "account": each.account,
                "region": each.region,
                "body": _encode(each),
                "due_ms": due_ms,
                "line": each.line,
                "behind_ms": BEHIND_MS,
            }
            for each in deliveries
        ],
    )


def due(tx: Transaction, now_ms: int, count: int, claimed: frozenset[int]) -> Found[Waiting]:
    """Up to `count` that are due and not claimed, longest due first."""
    rows = tx.all(SQL.due_ids, now_ms=now_ms, count=count + len(claimed))
    free = [row["id"] for row in rows if row["id"] not in claimed][:count]
    found = [row for row in (tx.one(SQL.delivery_by_id, id=each) for each in free) if row is not None]
    following = tx.one(SQL.next_due, now_ms=now_ms, behind_ms=BEHIND_MS)
    waiting = [Waiting(row["id"], _decode(row["body"]), row["attempts"]) for row in found]
    return Found(waiting, None if following is None else following["due_ms"])


def put_back(tx: Transaction, waiting_id: int, attempts: int, due_ms: int) -> None:
    """Keep it for later."""
    tx.run(SQL.put_back, id=waiting_id, due_ms=due_ms, attempts=attempts)


def delete(tx: Transaction, waiting: Waiting, now_ms: int) -> None:
    """It has arrived, or was given up; what is next in its line is due."""
    tx.run(SQL.delete_delivery, id=waiting.id)
    if waiting.delivery.line:
        tx.run(SQL.call_next, line=waiting.delivery.line, due_ms=now_ms)


def count(tx: Transaction) -> int:
    """How many there are."""
    row = tx.one(SQL.count_deliveries)
    return 0 if row is None else int(row["waiting"])
