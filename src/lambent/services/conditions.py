"""The conditions of a statement: operators, sets of values, and what counts where nothing is known. Pure.

Knows: the operators of strings, ARNs, booleans, numbers, dates and addresses, `ForAnyValue`, `ForAllValues`, `IfExists`
and `Null`. Does not know which policy it is. What cannot be judged is refused: it does not hold for an Allow, and holds
for a Deny.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" (a negated operator holds where the key is
missing; the six parts of an ARN are compared one by one; dates as W3C writes them, or in epoch seconds) and "Set
operators for multivalued context keys" (ForAllValues holds where the key is missing, ForAnyValue does not).
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lambent.services.statements import Context, as_list, expanded, like, plain

Condition = Mapping[str, Mapping[str, Any]]
ARN_PARTS = 6
# Of these nobody here knows whether the request would have them, so that their absence says nothing.
UNKNOWABLE = re.compile(
    r"aws:(?:(?:principal|resource|request)tag/.+|tagkeys|tokenissuetime|sourceidentity|federatedprovider)",
    re.IGNORECASE,
)
ALL, ANY, SURE = "ForAllValues:", "ForAnyValue:", "IfExists"


def is_operator(name: str) -> bool:
    """Whether `name` is a condition operator that can be judged."""
    base = _base(name)
    return base in TESTS or (base == NULL and name == NULL)


def holds(
    condition: Condition, context: Context, *, denies: bool, complete: bool = False, variables: bool = True
) -> bool:
    """Whether every test of a statement's condition holds.

    Args:
        condition: operators, keys and values.
        context: what is known of the request.
        denies: whether the statement is a Deny.
        complete: a key that the context lacks is one that the request lacks, and not one that cannot be judged.
        variables: whether `${...}` stands for values of the context, as it does from version 2012-10-17 on.
    """
    return all(
        denies
        if key.lower() not in context and UNKNOWABLE.fullmatch(key)
        else _test(
            name, context.get(key.lower()), _wanted(name, values, context if variables else None), denies, complete
        )
        for name, keys in condition.items()
        for key, values in keys.items()
    )


def _test(
    name: str, actual: str | Sequence[str] | None, wanted: list[str] | None, denies: bool, complete: bool
) -> bool:
    base = _base(name)
    test = TESTS.get(base)
    if wanted is None:
        return denies and not complete
    if base == NULL:
        return str(actual is None).lower() in [value.lower() for value in wanted]
    if test is None:
        return denies
    if actual is None:
        return _of_nothing(name, base, unknown=denies and not complete)
    found = [test(each, wanted) for each in ([actual] if isinstance(actual, str) else actual)]
    every = name.startswith(ALL) or (base in NEGATED and not name.startswith(ANY))
    return all(found) if every else any(found)


def _of_nothing(name: str, base: str, *, unknown: bool) -> bool:
    """What a test of a key that is not there comes to."""
    if name.startswith(ALL) or name.endswith(SURE):
        return True
    return unknown or (base in NEGATED and not name.startswith(ANY))


def _wanted(name: str, values: Any, context: Context | None) -> list[str] | None:
    """The values of a test, variables filled in; None where one has no value."""
    texts, base = [_text(value) for value in as_list(values)], _base(name)
    if not base.startswith(("String", "Arn")):
        return texts
    filled = texts if context is None else [expanded(text, context) for text in texts]
    found = [text for text in filled if text is not None]
    if len(found) < len(texts):
        return None
    return found if "Like" in base or base.startswith("Arn") else [plain(text) for text in found]


def _base(name: str) -> str:
    return name.removesuffix(SURE).removeprefix(ANY).removeprefix(ALL)


def _any_like(actual: str, wanted: list[str]) -> bool:
    return any(like(pattern, actual) for pattern in wanted)


def _any_arn(actual: str, wanted: list[str]) -> bool:
    return any(_is_arn_like(pattern, actual) for pattern in wanted)


def _is_arn_like(pattern: str, actual: str) -> bool:
    parts, found = (text.split(":", ARN_PARTS - 1) for text in (pattern, actual))
    return pattern == "*" or (len(parts) == len(found) and all(map(like, parts, found)))


def _any_case(actual: str, wanted: list[str]) -> bool:
    return actual.lower() in [value.lower() for value in wanted]


def _ordered(
    compare: Callable[[float, float], bool], number: Callable[[str], float]
) -> Callable[[str, list[str]], bool]:
    """A test of numbers or dates: it holds for any of those wanted, and never for what is none."""

    def test(actual: str, wanted: list[str]) -> bool:
        try:
            return any(compare(number(actual), number(value)) for value in wanted)
        except (ValueError, OverflowError):
            return False

    return test


def epoch_s(text: str) -> float:
    """The time that a policy writes. Raises ValueError."""
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _in_network(actual: str, wanted: list[str]) -> bool:
    try:
        return any(ipaddress.ip_address(actual) in ipaddress.ip_network(value, strict=False) for value in wanted)
    except ValueError:
        return False


def _not(test: Callable[[str, list[str]], bool]) -> Callable[[str, list[str]], bool]:
    return lambda actual, wanted: not test(actual, wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


NULL = "Null"
ORDERS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
POSITIVE: dict[str, Callable[[str, list[str]], bool]] = {
    "StringEquals": lambda actual, wanted: actual in wanted,
    "StringEqualsIgnoreCase": _any_case,
    "StringLike": _any_like,
    "ArnEquals": _any_arn,
    "ArnLike": _any_arn,
    "Bool": _any_case,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(order, float) for name, order in ORDERS.items()},
    **{f"Date{name}": _ordered(order, epoch_s) for name, order in ORDERS.items()},
}
OPPOSITES = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
NEGATED = frozenset(OPPOSITES)
TESTS = {**POSITIVE, **{name: _not(POSITIVE[opposite]) for name, opposite in OPPOSITES.items()}}
