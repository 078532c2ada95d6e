"""Document paths over items: looking up, choosing, changing. Pure; nothing given is changed, what changes is new.

Source: DynamoDB Developer Guide, "Specifying item attributes" and "Update expressions"; the words as the service gives
them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from lambent.errors import ValidationError
from lambent.services.dynamodb.errors import ExpressionError, invalid
from lambent.services.dynamodb.expressions.tree import Parts
from lambent.services.dynamodb.values import Item, Value

DEEPEST = 32
Choice = dict[str | int, Any]
"""What of a document is chosen: by name or index, all of it (None) or a choice of its own."""


def found_at(item: Item, parts: Parts) -> Value | None:
    """The value at a path, if there is one."""
    here: Value | None = item.get(str(parts[0]))
    for part in parts[1:]:
        if here is None:
            return None
        here = _inside(here, part)
    return here


def _inside(value: Value, part: str | int) -> Value | None:
    if isinstance(part, int):
        elements: list[Value] = value.get("L") or []
        return elements[part] if part < len(elements) else None
    entries: Item = value.get("M") or {}
    return entries.get(part)


# --- choosing


def choice_of(paths: Iterable[Parts]) -> Choice:
    """The paths as one choice; overlaps were refused before."""
    chosen: Choice = {}
    for parts in paths:
        here = chosen
        for part in parts[:-1]:
            here = here.setdefault(part, {})
        here[parts[-1]] = None
    return chosen


def chosen_of(item: Item, chosen: Choice) -> Item:
    """What of the item is chosen; elements of lists move together."""
    found: Item = {}
    for name, deeper in chosen.items():
        if (value := item.get(str(name))) is not None and (part := _part_of(value, deeper)) is not None:
            found[str(name)] = part
    return found


def _part_of(value: Value, chosen: Choice | None) -> Value | None:
    if chosen is None:
        return value
    if "M" in value:
        inner = chosen_of(value["M"], {name: deeper for name, deeper in chosen.items() if isinstance(name, str)})
        return {"M": inner} if inner else None
    if "L" in value:
        return _elements_of(value["L"], chosen)
    return None


def _elements_of(elements: Sequence[Value], chosen: Choice) -> Value | None:
    indexes = sorted(index for index in chosen if isinstance(index, int) and index < len(elements))
    parts = [part for index in indexes if (part := _part_of(elements[index], chosen[index])) is not None]
    return {"L": parts} if parts else None


# --- what may not stand together


def check_apart(paths: Sequence[Parts]) -> None:
    """Raises ValidationError when one path lies in another, or two say different things of one place."""
    if len(paths) < 2:
        return
    for at, one in enumerate(paths):
        for other in paths[at + 1 :]:
            _check_two(one, other)


def _check_two(one: Parts, other: Parts) -> None:
    for left, right in zip(one, other, strict=False):
        if left != right:
            if isinstance(left, int) is not isinstance(right, int):
                raise _refusal("conflict", one, other)
            return
    raise _refusal("overlap", one, other)


def _refusal(what: str, one: Parts, other: Parts) -> ExpressionError:
    return ExpressionError(
        f"Two document paths {what} with each other; must remove or rewrite one of these paths; "
        f"path one: {shown(one)}, path two: {shown(other)}"
    )


def shown(parts: Parts) -> str:
    """`[a, [0], b]`, as messages print a path."""
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in parts) + "]"


# --- changing


def with_value(item: Item, parts: Parts, value: Value | None) -> Item:
    """The item with `value` at the path, or, for None, nothing there.

    Raises:
        ValidationError: what the path leads through is not there, or has no such inside.
    """
    if len(parts) == 1:
        return _entry(item, str(parts[0]), value)
    inner = item.get(str(parts[0]))
    if inner is None:
        raise _no_way()
    return item | {str(parts[0]): _changed(inner, parts[1:], value)}


def _changed(here: Value, parts: Parts, value: Value | None) -> Value:
    part = parts[0]
    if isinstance(part, int):
        if "L" not in here:
            raise _no_way()
        return {"L": _list_with(here["L"], part, parts[1:], value)}
    if "M" not in here:
        raise _no_way()
    return {"M": with_value(here["M"], parts, value)}


def _list_with(elements: list[Value], index: int, rest: Parts, value: Value | None) -> list[Value]:
    if rest:
        if index >= len(elements):
            raise _no_way()
        return [*elements[:index], _changed(elements[index], rest, value), *elements[index + 1 :]]
    added = [] if value is None else [value]
    return [*elements[:index], *added, *elements[index + 1 :]]


def _entry(entries: Item, name: str, value: Value | None) -> Item:
    if value is not None:
        return entries | {name: value}
    return {each: kept for each, kept in entries.items() if each != name}


def _no_way() -> ValidationError:
    return invalid("The document path provided in the update expression is invalid for update")
