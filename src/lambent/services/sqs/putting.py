"""Sending, as work inside a transaction.

A FIFO queue remembers each deduplication id for five minutes, in the queue or in the message's group; a message that
comes again meanwhile is answered as the first was, and not kept, even when the first has been deleted.

Source: SQS Developer Guide, "Exactly-once processing in Amazon SQS"; API reference, SendMessage.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from lambent.services.sqs import groups
from lambent.services.sqs.model import Outgoing, Sent, encode_content, sequence_of
from lambent.services.sqs.store import SQL
from lambent.store.api import Transaction

DEDUPLICATION_MS = 300_000


class Place(Struct, frozen=True):
    """The lane that messages are put into, and its queue's ways."""

    queue_id: int
    lane: int
    fifo: bool
    delay_s: int
    group_deduplication: bool


def put(
    tx: Transaction, place: Place, messages: Sequence[Outgoing], now_ms: int, next_id: Callable[[], int]
) -> tuple[list[Sent], list[int]]:
    """Keep `messages`; what their senders are told, and when each that was kept becomes visible."""
    rows, contents, sent, visible = [], [], [], []
    for message in messages:
        content, delay_s = message.content, place.delay_s if message.delay_s is None else message.delay_s
        visible_ms = now_ms + delay_s * 1000
        number = next_id()
        group = None
        if place.fifo:
            first = _first_of_its_kind(tx, place, message, now_ms, number)
            if first is not None:
                sent.append(first)
                continue
            group = groups.joined(tx, place.lane, content.group, visible_ms)
        rows.append(
            {
                "id": number,
                "lane": place.lane,
                "visible_ms": visible_ms,
                "sent_ms": now_ms,
                "receives_before": 0,
                "first_received_ms": 0,
                "group_id": group,
            }
        )
        contents.append({"id": number, "content": encode_content(content)})
        visible.append(visible_ms)
        sent.append(Sent(content.message_id, sequence_of(number) if place.fifo else 0))
    tx.run_many(SQL.add_message, rows)
    tx.run_many(SQL.add_content, contents)
    return sent, visible


def _first_of_its_kind(tx: Transaction, place: Place, message: Outgoing, now_ms: int, number: int) -> Sent | None:
    """What the first message with this deduplication id was answered; None when this is the first."""
    content = message.content
    name = {
        "queue_id": place.queue_id,
        "scope": content.group if place.group_deduplication else "",
        "deduplication_id": content.deduplication_id,
    }
    row = tx.one(SQL.duplicate, **name, now_ms=now_ms)
    if row is not None:
        return Sent(row["message_id"], row["sequence"] + sequence_of(0))
    tx.run(
        SQL.remember_deduplication,
        **name,
        message_id=content.message_id,
        sequence=number,
        expires_ms=now_ms + DEDUPLICATION_MS,
    )
    return None
