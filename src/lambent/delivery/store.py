"""The table of deliveries, over a Transaction; the only module that knows its SQL."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from msgspec import Struct, json

from lambent.delivery.api import Delivery
from lambent.delivery.due import Found
from lambent.store.api import Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.delivery"
SQL = load_queries(PACKAGE)
MOST_TO_HOST, MOST_TO_TARGET = 8, 256
AT_ONCE = 256
BEHIND_MS = 2**62  # what stands in for a due time while another of the same line is in front
_encode, _decode = json.Encoder().encode, json.Decoder(Delivery).decode


class Waiting(Struct, frozen=True):
    """A delivery in the table, and how often it was tried."""

    id: int
    delivery: Delivery
    attempts: int
    lane: str = ""


def lane_of(target: str) -> str:
    """What can be slow by itself: a target, or the host of a URL."""
    return f"http {urlsplit(target).netloc.rpartition('@')[2]}" if target.startswith("http") else target


def most_of(lane: str) -> int:
    """How many deliveries of a lane are tried at once."""
    return MOST_TO_HOST if lane.startswith("http ") else MOST_TO_TARGET


def add(tx: Transaction, deliveries: Iterable[Delivery], due_ms: int) -> None:
    """Keep them."""
    tx.run_many(
        SQL.add_delivery,
        [
            {
                "account": each.account,
                "region": each.region,
                "lane": lane_of(each.target_arn),
                "body": _encode(each),
                "due_ms": due_ms,
                "line": each.line,
                "behind_ms": BEHIND_MS,
            }
            for each in deliveries
        ],
    )


def due(tx: Transaction, now_ms: int, count: int, busy: Mapping[str, frozenset[int]]) -> Found[Waiting]:
    """Up to `count` that are due and not among the busy, as many of each lane as it has room for."""
    chosen = _longest_due(tx, now_ms, count, busy)
    if chosen is None:
        chosen = _in_turns(tx, now_ms, count, busy)
    found = [tx.one(SQL.delivery_by_id, id=each) for each in chosen]
    waiting = [Waiting(row["id"], _decode(row["body"]), row["attempts"], row["lane"]) for row in found if row]
    following = tx.one(SQL.next_due, now_ms=now_ms, behind_ms=BEHIND_MS)
    return Found(waiting, None if following is None else following["due_ms"])


def _longest_due(tx: Transaction, now_ms: int, count: int, busy: Mapping[str, frozenset[int]]) -> list[int] | None:
    """Those that are longest due; None when a lane is too full for that."""
    if any(len(claimed) > most_of(lane) * 3 // 4 for lane, claimed in busy.items()):
        return None
    taken = {lane: len(claimed) for lane, claimed in busy.items()}
    every = frozenset[int]().union(*busy.values())
    chosen: list[int] = []
    for row in tx.all(SQL.due_ids, now_ms=now_ms, count=min(count, AT_ONCE) + len(every)):
        if row["id"] in every:
            continue
        taken[row["lane"]] = taken.get(row["lane"], 0) + 1
        if taken[row["lane"]] > most_of(row["lane"]):
            return None
        chosen.append(row["id"])
    return chosen[:count]


def _in_turns(tx: Transaction, now_ms: int, count: int, busy: Mapping[str, frozenset[int]]) -> list[int]:
    """Lane by lane, the longest due of each first. What is claimed is read over again, so lanes are filled up by the
    quarter."""
    ranked: list[tuple[int, int, int]] = []
    for lane in (row["lane"] for row in tx.all(SQL.lanes)):
        claimed, most = busy.get(lane, frozenset()), most_of(lane)
        room = most - len(claimed)
        if room >= most // 4:
            rows = tx.all(SQL.due_of_lane, lane=lane, now_ms=now_ms, count=min(room, count) + len(claimed))
            free = [row for row in rows if row["id"] not in claimed][:room]
            ranked += [(turn, row["due_ms"], row["id"]) for turn, row in enumerate(free)]
    return [each for _, _, each in sorted(ranked)[:count]]


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
