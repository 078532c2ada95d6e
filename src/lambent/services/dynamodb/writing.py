"""One change of one item inside a transaction: the item, its entries in indexes, its expiry, its stream record.

Everything that a change brings about is committed with it.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from lambent.ids import Ids
from lambent.services.dynamodb import store
from lambent.services.dynamodb.errors import condition_failed
from lambent.services.dynamodb.expressions.conditions import Test
from lambent.services.dynamodb.indexes import Shift, shifts_of
from lambent.services.dynamodb.keys import Place, key_of
from lambent.services.dynamodb.model import ACTIVE, Stream, Table, Ttl
from lambent.services.dynamodb.records import StreamRecord, encode_record
from lambent.services.dynamodb.store import SQL
from lambent.services.dynamodb.ttl import expires_s
from lambent.services.dynamodb.values import Item, item_size, same
from lambent.store.api import Transaction

Make = Callable[[Item | None], Item | None]
"""What becomes of an item: given as it is, None for no item."""


class Change(Struct, frozen=True):
    """A change that is wanted. `shows_item`: the refusal of a failed condition carries the item."""

    table: Table
    place: Place
    make: Make
    condition: Test | None = None
    shows_item: bool = False


class Effect(Struct, frozen=True):
    """What a change did. `index_bytes` are the sizes of the writes to each index."""

    old: Item | None
    new: Item | None
    written_bytes: int
    index_bytes: dict[str, list[int]]


class Moment(Struct, frozen=True):
    """When and by whom changes are made. `by_service`: not by a caller."""

    now_ms: int
    ids: Ids
    by_service: bool = False


def make_change(tx: Transaction, change: Change, moment: Moment) -> Effect:
    """Do it.

    Raises:
        ConditionalCheckFailed: the condition does not hold.
        ValidationError: the new item cannot be.
    """
    table, place = change.table, change.place
    old = store.item_at(tx, table.space, place)
    if change.condition is not None and not change.condition(old or {}):
        raise condition_failed(item_size(old or {}), old if change.shows_item else None)
    new = change.make(old)
    return _put(tx, change, old, new, moment)


def _put(tx: Transaction, change: Change, old: Item | None, new: Item | None, moment: Moment) -> Effect:
    table, place = change.table, change.place
    old_bytes = item_size(old) if old is not None else 0
    new_bytes = item_size(new) if new is not None else 0
    if new is not None:
        store.put_item(tx, table.space, place, new)
    elif old is not None:
        store.delete_item(tx, table.space, place)
    store.count(tx, table.space, (new is not None) - (old is not None), new_bytes - old_bytes)
    shifts = list(shifts_of(table, place, old, new)) if table.indexes else []
    for shift in shifts:
        move_entry(tx, shift)
    if table.ttl is not None:
        _expire(tx, table.ttl, place, (old, new))
    if table.stream is not None and table.stream.enabled:
        _record(tx, change.table, table.stream, (old, new), moment)
    written = {shift.index.name: shift.written_bytes() for shift in shifts}
    return Effect(old, new, max(old_bytes, new_bytes), written)


def move_entry(tx: Transaction, shift: Shift) -> None:
    """An entry of an index comes, changes, moves or goes."""
    old, new, space = shift.old, shift.new, shift.index.space
    if old is not None and shift.index.status != ACTIVE and store.item_at(tx, space, old.place) is None:
        shift, old = Shift(shift.index, None, new), None  # an index that is being filled has not come to it
    if old is not None and (new is None or new.place != old.place):
        store.delete_item(tx, space, old.place)
    if new is not None:
        store.put_item(tx, space, new.place, new.item)
    store.count(tx, space, shift.items_changed, shift.bytes_changed)


def _expire(tx: Transaction, ttl: Ttl, place: Place, images: tuple[Item | None, Item | None]) -> None:
    old_s, new_s = (expires_s(ttl, image) for image in images)
    if old_s == new_s:
        return
    where: dict[str, Any] = {"space": ttl.space, "partition": place.partition, "sort": place.sort}
    if old_s is not None:
        tx.run(SQL.delete_expiry, **where, expires_s=old_s)
    if new_s is not None:
        tx.run(SQL.put_expiry, **where, expires_s=new_s)


def _record(
    tx: Transaction, table: Table, stream: Stream, images: tuple[Item | None, Item | None], moment: Moment
) -> None:
    """A change that changes nothing leaves no record."""
    old, new = images
    known = new if new is not None else old
    if known is None or (old is not None and new is not None and same({"M": old}, {"M": new})):
        return
    keys = key_of(table.schema, known)
    record = StreamRecord(
        event_id=moment.ids.hex(32),
        keys=keys,
        change="INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        old=old if "OLD" in stream.view else None,
        new=new if "NEW" in stream.view else None,
        by_service=moment.by_service,
    )
    tx.run(SQL.add_record, shard=stream.shard, created_ms=moment.now_ms, record=encode_record(record))
