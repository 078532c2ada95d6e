"""What of an item an index holds, and where. Pure.

Source: DynamoDB Developer Guide, "Attribute projections" (keys of the table and of the index are always projected).
"""

from collections.abc import Iterator

from msgspec import Struct

from lambent.services.dynamodb.keys import Place, index_place
from lambent.services.dynamodb.model import Index, KeySchema, Table
from lambent.services.dynamodb.values import Item, item_size

ENTRY_OVERHEAD_BYTES = 100  # Developer Guide, "Storage considerations for global secondary indexes"


class Entry(Struct, frozen=True):
    """An item in an index."""

    place: Place
    item: Item


def entry_of(index: Index, schema: KeySchema, item: Item | None, primary: Place) -> Entry | None:
    """The item's entry in an index; None when it has none."""
    if item is None or (place := index_place(index.schema, item, primary)) is None:
        return None
    return Entry(place, projected(index, schema, item))


def projected(index: Index, schema: KeySchema, item: Item) -> Item:
    """What an index keeps of an item."""
    if index.projection == "ALL":
        return item
    kept = {*schema.names, *index.schema.names, *index.included}
    return {name: value for name, value in item.items() if name in kept}


class Shift(Struct, frozen=True):
    """What happens to an index when an item changes; one of the two entries may be None, not both."""

    index: Index
    old: Entry | None
    new: Entry | None

    @property
    def bytes_changed(self) -> int:
        return _size(self.new) - _size(self.old)

    @property
    def items_changed(self) -> int:
        return (self.new is not None) - (self.old is not None)

    def written_bytes(self) -> list[int]:
        """The sizes of the writes: one, or two when the entry moves.

        Source: Developer Guide, "Write capacity units" of global secondary indexes."""
        if self.old is not None and self.new is not None and self.old.place == self.new.place:
            return [max(item_size(self.old.item), item_size(self.new.item))]
        return [item_size(entry.item) for entry in (self.old, self.new) if entry is not None]


def shifts_of(table: Table, primary: Place, old: Item | None, new: Item | None) -> Iterator[Shift]:
    """What happens to each index of a table in which something does."""
    for index in table.indexes:
        before, after = (entry_of(index, table.schema, item, primary) for item in (old, new))
        if before != after:
            yield Shift(index, before, after)


def _size(entry: Entry | None) -> int:
    return item_size(entry.item) + ENTRY_OVERHEAD_BYTES if entry is not None else 0
