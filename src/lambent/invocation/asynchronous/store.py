"""The tables of the queue as plain functions over a Transaction; the only module that knows their SQL."""

from typing import NamedTuple

from lambent.invocation.asynchronous.api import Event
from lambent.model.function import FunctionKey
from lambent.model.invocation import Invocation
from lambent.store.api import Row, Transaction
from lambent.store.sql import load_queries

PACKAGE = "lambent.invocation.asynchronous"
SQL = load_queries(PACKAGE)


class Due(NamedTuple):
    """Events that may run now, and when the next one after now falls due (None: there is none)."""

    events: list[Event]
    next_ms: int | None


def add(tx: Transaction, invocation: Invocation, now_ms: int) -> None:
    """Keep an invocation that was accepted now, and is due now."""
    tx.run(
        SQL.add_event,
        qualifier=invocation.qualifier,
        request_id=invocation.request_id,
        payload=invocation.payload,
        trace_header=invocation.trace_header,
        client_context=invocation.client_context,
        now_ms=now_ms,
        **_key(invocation.function),
    )


def functions(tx: Transaction) -> list[FunctionKey]:
    """Those that have events."""
    return [FunctionKey(row["account"], row["region"], row["name"]) for row in tx.all(SQL.functions_with_events)]


def due(tx: Transaction, key: FunctionKey, now_ms: int, count: int, claimed: frozenset[int]) -> Due:
    """Up to `count` events of a function that are due and not claimed, longest due first."""
    rows = tx.all(SQL.due_events, now_ms=now_ms, count=count + len(claimed), **_key(key))
    free = [row["id"] for row in rows if row["id"] not in claimed][:count]
    events = [_event(row) for row in (tx.one(SQL.event_by_id, id=each) for each in free) if row is not None]
    following = tx.one(SQL.next_due, now_ms=now_ms, **_key(key))
    return Due(events, None if following is None else following["due_ms"])


def put_back(tx: Transaction, event: Event, due_ms: int) -> None:
    """Keep the event, with its counters, for later."""
    tx.run(SQL.put_back, id=event.id, due_ms=due_ms, attempts=event.attempts, requeues=event.requeues)


def delete(tx: Transaction, event: Event) -> None:
    """The event was run, or given up."""
    tx.run(SQL.delete_event, id=event.id)


def count(tx: Transaction) -> int:
    """How many events there are, running ones too."""
    row = tx.one(SQL.count_events)
    return 0 if row is None else int(row["waiting"])


def _key(key: FunctionKey) -> dict[str, str]:
    return {"account": key.account, "region": key.region, "name": key.name}


def _event(row: Row) -> Event:
    invocation = Invocation(
        request_id=row["request_id"],
        function=FunctionKey(row["account"], row["region"], row["name"]),
        qualifier=row["qualifier"],
        payload=row["payload"],
        trace_header=row["trace_header"],
        client_context=row["client_context"],
    )
    return Event(row["id"], invocation, row["accepted_ms"], row["attempts"], row["requeues"])
