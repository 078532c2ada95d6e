"""The methods that texts, numbers, lists and maps have in templates: those of their Java classes. Pure.

Regular expressions are the owner's own and run with a time limit (mapping/regexes.py).
"""

from collections.abc import Callable
from typing import Any

from lambent.mapping.regexes import BadRegex, Regex, compiled
from lambent.mapping.vtl.scope import BYTES_FOR_A_UNIT, LONGEST_CHARACTERS, Scope, TemplateFailed
from lambent.mapping.vtl.values import JavaList, equals, text_of, whole_number

Method = Callable[..., Any]
REGEX_UNITS = UNITS_OF_A_COLLECTION = 500
COMPARING = {"contains", "indexOf", "containsValue", "equals"}
WITH_REGEX = {"matches", "replaceAll", "replaceFirst", "split"}


def call(scope: Scope, owner: Any, name: str, arguments: list[Any]) -> Any:
    """`owner.name(arguments)`; null where the owner is null. Raises TemplateFailed."""
    if owner is None:
        return None
    for kind, methods in METHODS:
        if isinstance(owner, kind):
            method = methods.get(name) or ANY.get(name)
            if method is None:
                raise TemplateFailed(f"there is no method {name} here")
            scope.spend(_cost(owner, name, arguments))
            return _paid(scope, _called(method, name, owner, arguments))
    if not hasattr(owner, "call"):
        raise TemplateFailed(f"there is no method {name} here")
    return _paid(scope, owner.call(name, arguments))


def _called(method: Method, name: str, owner: Any, arguments: list[Any]) -> Any:
    try:
        return method(owner, *arguments)
    except TemplateFailed:
        raise
    except (BadRegex, TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise TemplateFailed(f"{name}: {error}") from None


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return len(value) // BYTES_FOR_A_UNIT
    return len(value) // 16 if isinstance(value, (list, dict)) else 0


def _cost(owner: Any, name: str, arguments: list[Any]) -> int:
    """The units of a call: by the lengths of what it looks at; a list or map that is compared or told costs more."""
    told = 0
    if isinstance(owner, str) or name in COMPARING:
        told = sum(UNITS_OF_A_COLLECTION for each in arguments if isinstance(each, (list, dict)))
        told *= len(owner) + 1 if isinstance(owner, (list, dict)) else 1
    own = REGEX_UNITS if name in WITH_REGEX else 1
    return own + told + _weight(owner) + sum(map(_weight, arguments))


def _paid(scope: Scope, value: Any) -> Any:
    if isinstance(value, str):
        return scope.pay_for(value)
    if isinstance(value, (list, dict)):
        scope.spend(1 + len(value) // 16)
    return value


def _replace(text: str, old: Any, new: Any) -> str:
    old, new = text_of(old), text_of(new)
    if len(text) + text.count(old) * (len(new) - len(old)) > LONGEST_CHARACTERS:
        raise TemplateFailed("a text is too long")
    return text.replace(old, new)


def _regex(pattern: Any) -> Regex:
    return compiled(text_of(pattern))


def _split(text: str, pattern: Any, limit: int = 0) -> list[str]:
    parts = _regex(pattern).split(text, limit)
    while limit == 0 and parts and not parts[-1]:
        parts.pop()
    return JavaList(parts)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= whole_number(start) <= whole_number(last) <= len(text):
        raise TemplateFailed(f"substring({start}, {last}) of {len(text)} characters")
    return text[start:last]


def _put(owner: dict[Any, Any], key: Any, value: Any) -> Any:
    if value is owner:
        raise TemplateFailed("a map cannot hold itself")
    before = owner.get(key)
    owner[key] = value
    return before


def _add(owner: list[Any], *given: Any) -> bool:
    if any(each is owner for each in given):
        raise TemplateFailed("a list cannot hold itself")
    owner.insert(given[0] if len(given) == 2 else len(owner), given[-1])
    return True


def _set(owner: list[Any], index: int, value: Any) -> Any:
    before, owner[index] = owner[index], value
    return before


def _entries(owner: dict[Any, Any]) -> list[dict[str, Any]]:
    return JavaList({"key": key, "value": value} for key, value in owner.items())


def _add_all(owner: list[Any], others: list[Any]) -> bool:
    owner.extend(list(others))
    return bool(others)


TEXT: dict[str, Method] = {
    "length": len,
    "isEmpty": lambda text: not text,
    "isBlank": lambda text: not text.strip(),
    "substring": _substring,
    "indexOf": lambda text, part, start=0: text.find(text_of(part), start),
    "lastIndexOf": lambda text, part: text.rfind(text_of(part)),
    "contains": lambda text, part: text_of(part) in text,
    "startsWith": lambda text, part: text.startswith(text_of(part)),
    "endsWith": lambda text, part: text.endswith(text_of(part)),
    "equalsIgnoreCase": lambda text, other: text.lower() == text_of(other).lower(),
    "compareTo": lambda text, other: (text > text_of(other)) - (text < text_of(other)),
    "concat": lambda text, other: text + text_of(other),
    "replace": _replace,
    "replaceAll": lambda text, pattern, by: _regex(pattern).replace(text, text_of(by)),
    "replaceFirst": lambda text, pattern, by: _regex(pattern).replace(text, text_of(by), 1),
    "matches": lambda text, pattern: _regex(pattern).matches(text),
    "split": _split,
    "toLowerCase": lambda text: text.lower(),
    "toUpperCase": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "charAt": lambda text, index: _substring(text, index, index + 1),
}
NUMBER: dict[str, Method] = {
    "intValue": int,
    "longValue": int,
    "doubleValue": float,
    "floatValue": float,
    "parseInt": lambda _, text: int(text_of(text)[:20]),
    "parseLong": lambda _, text: int(text_of(text)[:20]),
    "parseDouble": lambda _, text: float(text_of(text)[:40]),
    "valueOf": lambda _, text: int(text_of(text)[:20]),
}
LIST: dict[str, Method] = {
    "size": len,
    "isEmpty": lambda owner: not owner,
    "get": lambda owner, index: owner[whole_number(index)] if 0 <= whole_number(index) < len(owner) else None,
    "set": _set,
    "add": _add,
    "addAll": _add_all,
    "remove": lambda owner, index: owner.pop(whole_number(index)),
    "contains": lambda owner, value: any(equals(each, value) for each in owner),
    "indexOf": lambda owner, value: next((at for at, each in enumerate(owner) if equals(each, value)), -1),
    "subList": lambda owner, start, end: JavaList(owner[whole_number(start) : whole_number(end)]),
}
MAP: dict[str, Method] = {
    "size": len,
    "isEmpty": lambda owner: not owner,
    "get": lambda owner, key: owner.get(key),
    "getOrDefault": lambda owner, key, default: owner.get(key, default),
    "put": _put,
    "putAll": lambda owner, other: owner.update(other),
    "remove": lambda owner, key: owner.pop(key, None),
    "containsKey": lambda owner, key: key in owner,
    "containsValue": lambda owner, value: any(equals(each, value) for each in owner.values()),
    "keySet": JavaList,
    "values": lambda owner: JavaList(owner.values()),
    "entrySet": _entries,
    "getKey": lambda owner: owner.get("key"),
    "getValue": lambda owner: owner.get("value"),
}
ANY: dict[str, Method] = {"toString": text_of, "equals": equals}
METHODS: tuple[tuple[type, dict[str, Method]], ...] = (
    (str, TEXT),
    (bool, {}),
    (int, NUMBER),
    (float, NUMBER),
    (list, LIST),
    (dict, MAP),
)
