"""Keys of items, as values and as bytes that sort as DynamoDB sorts.

A partition's bytes begin with four that are a digest of its key: items lie by them, as in DynamoDB's partitions, so
that a scan goes through keys in no useful order, and a segment of a parallel scan is a range. Each value ends in a
way that no other value can begin with, so that values can stand behind one another.

Source: DynamoDB Developer Guide, "Naming rules and data types" (binary and UTF-8 byte order), "Constraints" (2,048
and 1,024 bytes).
"""

from collections.abc import Iterator
from hashlib import blake2b

from msgspec import Struct

from lambent.errors import ValidationError
from lambent.services.dynamodb import numbers
from lambent.services.dynamodb.errors import invalid, wrong_parameters
from lambent.services.dynamodb.expressions.key_conditions import KeyRange, Term
from lambent.services.dynamodb.model import KeyAttribute, KeySchema
from lambent.services.dynamodb.values import Item, Value, checked, kind_of

DIGEST_BYTES = 4
PARTITION_BYTES, SORT_BYTES = 2048, 1024
END = b"\0\0"
LAST = b"\xff" * 2400  # greater than the bytes of any key
KIND_NAMES = {"S": "string", "B": "binary"}


class Place(Struct, frozen=True):
    """Where an item lies in its space."""

    partition: bytes
    sort: bytes


def value_bytes(value: Value) -> bytes:
    """A key value as bytes that compare as the values do, and of which none is the beginning of another."""
    ((kind, inner),) = value.items()
    if kind == "N":
        return numbers.to_bytes(inner)
    raw: bytes = inner.encode() if kind == "S" else inner
    return raw.replace(b"\0", b"\0\x01") + END


def partition_bytes(value: Value) -> bytes:
    """The bytes of a partition key."""
    raw = value_bytes(value)
    return blake2b(raw, digest_size=DIGEST_BYTES).digest() + raw


def place_of(schema: KeySchema, item: Item) -> Place:
    """Where an item that has its key lies."""
    sort = b"" if schema.sort is None else value_bytes(item[schema.sort.name])
    return Place(partition_bytes(item[schema.partition.name]), sort)


def index_place(schema: KeySchema, item: Item, primary: Place) -> Place | None:
    """Where an item lies in an index: behind its keys there, those of the table. None when it lacks one of them."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is None or attribute.kind not in value:
            return None
    place = place_of(schema, item)
    # A partition ends as value_bytes does, so the two parts cannot run into each other.
    return Place(place.partition, place.sort + primary.partition[DIGEST_BYTES:] + primary.sort)


def after(raw: bytes) -> bytes:
    """The least bytes that are greater than all that begin with `raw`."""
    whole = raw.rstrip(b"\xff")
    return whole[:-1] + bytes([whole[-1] + 1]) if whole else LAST


def sort_range(term: Term | None) -> tuple[bytes, bytes]:
    """From where (included) to where (not included) the sort bytes lie that a condition admits."""
    if term is None:
        return b"", after(b"")
    first = value_bytes(term.values[0])
    match term.operator:
        case "=":
            return first, after(first)
        case "<":
            return b"", first
        case "<=":
            return b"", after(first)
        case ">":
            return after(first), after(b"")
        case ">=":
            return first, after(b"")
        case "BETWEEN":
            return first, after(value_bytes(term.values[1]))
        case _:
            start = first.removesuffix(END)
            return start, after(start)


def segment_range(segment: int, total: int) -> tuple[bytes, bytes]:
    """The partitions of a segment, from (included) and to (not included)."""
    span = 1 << (8 * DIGEST_BYTES)
    first, last = span * segment // total, span * (segment + 1) // total
    end = last.to_bytes(DIGEST_BYTES, "big") if last < span else after(b"")
    return first.to_bytes(DIGEST_BYTES, "big"), end


# --- checks


def check_key_of_item(schema: KeySchema, item: Item) -> None:
    """Raises ValidationError when an item to be put lacks its key, or has it in another type."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is None:
            raise wrong_parameters(f"Missing the key {attribute.name} in the item")
        if attribute.kind not in value:
            raise wrong_parameters(
                f"Type mismatch for key {attribute.name} expected: {attribute.kind} actual: {kind_of(value)}"
            )
    _check_lengths(schema, item)


def check_index_keys(schema: KeySchema, index_name: str, item: Item) -> None:
    """Raises ValidationError when an attribute of the item that is a key of an index has another type than there."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is None:
            continue
        if attribute.kind not in value:
            raise wrong_parameters(
                f"Type mismatch for Index Key {attribute.name} Expected: {attribute.kind} Actual: {kind_of(value)} "
                f"IndexName: {index_name}"
            )
        if not value[attribute.kind]:
            raise _empty_index_key(attribute, index_name)
    _check_lengths(schema, item)


def check_updated_index_keys(schema: KeySchema, item: Item) -> None:
    """Raises ValidationError when an update gave a key attribute of an index another type, or emptied it."""
    for attribute in schema.attributes:
        value = item.get(attribute.name)
        if value is not None and not value.get(attribute.kind):
            raise invalid("The update expression attempted to update the secondary index key to unsupported type")
    _check_lengths(schema, item)


def checked_key(schema: KeySchema, key: Item) -> Item:
    """The primary key that a request gives, checked. Raises ValidationError."""
    found = {name: checked(value) for name, value in key.items()}
    if found.keys() != set(schema.names) or any(each.kind not in found[each.name] for each in schema.attributes):
        raise invalid("The provided key element does not match the schema")
    _check_lengths(schema, found)
    return found


def _check_lengths(schema: KeySchema, item: Item) -> None:
    _check_length(item, schema.partition, PARTITION_BYTES, "hashkey")
    if schema.sort is not None:
        _check_length(item, schema.sort, SORT_BYTES, "rangekey")


def _check_length(item: Item, attribute: KeyAttribute, most: int, which: str) -> None:
    if attribute.kind == "N" or attribute.name not in item:
        return
    inner = item[attribute.name][attribute.kind]
    if not inner:
        raise empty_key(attribute)
    size = len(inner.encode()) if isinstance(inner, str) else len(inner)
    if size > most:
        raise wrong_parameters(
            f"Size of {which} has exceeded the maximum size limit of{most} bytes"
            if which == "hashkey"
            else f"Aggregated size of all range keys has exceeded the size limit of {most} bytes"
        )


def check_range(schema: KeySchema, index_name: str | None, wanted: KeyRange) -> None:
    """Raises ValidationError when no key can have a value that a query names."""
    for attribute, value in _values_of(schema, wanted):
        if not value[attribute.kind]:
            raise empty_key(attribute) if index_name is None else _empty_index_key(attribute, index_name)
        _check_lengths(schema, {attribute.name: value})


def _values_of(schema: KeySchema, wanted: KeyRange) -> Iterator[tuple[KeyAttribute, Value]]:
    yield schema.partition, wanted.partition
    if schema.sort is not None and wanted.sort is not None:
        for value in wanted.sort.values:
            yield schema.sort, value


def _empty_index_key(attribute: KeyAttribute, index_name: str) -> ValidationError:
    return invalid(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
        f"The AttributeValue for a key attribute cannot contain an empty {KIND_NAMES[attribute.kind]} value. "
        f"IndexName: {index_name}, IndexKey: {attribute.name}"
    )


def empty_key(attribute: KeyAttribute) -> ValidationError:
    return invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
        f"{KIND_NAMES[attribute.kind]} value. Key: {attribute.name}"
    )


def key_of(schema: KeySchema, item: Item) -> Item:
    """The key of an item."""
    return {name: item[name] for name in schema.names}
