"""How one statement of a policy is judged: patterns, principals and conditions. Pure, and shared by every policy.

Knows: the wildcards of actions and resources, the forms in which a policy names an identity, the condition
operators of strings, ARNs, booleans, numbers and addresses. Does not know which policy it is, nor whether the statement
allows or denies: `unknown` says what a condition that cannot be judged counts as, and callers pass False for an Allow
and True for a Deny, so that what cannot be judged is refused.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators" (a negated operator holds where the key is
missing; `IfExists`; `Null`) and "AWS JSON policy elements: Principal" (an account, its root, a role for its sessions).
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Condition = Mapping[str, Mapping[str, Any]]
Context = Mapping[str, str]
"""Condition keys in lower case, with their values."""


def as_list(value: Any) -> list[Any]:
    """The elements of what may be one or a list of them."""
    return value if isinstance(value, list) else [value]


def like(pattern: str, text: str) -> bool:
    """Whether `text` matches a pattern with `*` and `?`."""
    return _compiled(pattern).fullmatch(text) is not None


def is_principal(pattern: str, principal: str) -> bool:
    """Whether a policy that names `pattern` means `principal`: an identity's ARN, or a service's name."""
    if pattern in ("*", principal):
        return True
    parts = principal.split(":")
    if len(parts) < 6:
        return False
    account = parts[4]
    if pattern in (account, f"arn:aws:iam::{account}:root"):
        return True
    session = parts[5].split("/")
    role = re.fullmatch(rf"arn:aws:iam::{account}:role/(?:.*/)?([^/]+)", pattern)
    return session[0] == "assumed-role" and role is not None and role[1] == session[1]


def holds(condition: Condition, context: Context, *, unknown: bool) -> bool:
    """Whether every test of `condition` holds; `unknown` stands for those that cannot be judged."""
    return all(
        _test(name, context.get(key.lower()), [_text(value) for value in as_list(wanted)], unknown)
        for name, keys in condition.items()
        for key, wanted in keys.items()
    )


def _test(name: str, actual: str | None, wanted: list[str], unknown: bool) -> bool:
    base = name.removesuffix("IfExists").removeprefix("ForAnyValue:").removeprefix("ForAllValues:")
    if base == "Null":
        return str(actual is None).lower() in wanted
    test = TESTS.get(base)
    if actual is None and test is not None:
        return name.endswith("IfExists") or base in NEGATED or unknown
    return unknown if test is None or actual is None else test(actual, wanted)


def _any_like(actual: str, wanted: list[str]) -> bool:
    return any(like(pattern, actual) for pattern in wanted)


def _any_case(actual: str, wanted: list[str]) -> bool:
    return actual.lower() in [value.lower() for value in wanted]


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, list[str]], bool]:
    """A test of numbers: it holds for any of those wanted, and never for what is none."""

    def test(actual: str, wanted: list[str]) -> bool:
        try:
            return any(compare(float(actual), float(value)) for value in wanted)
        except ValueError:
            return False

    return test


def _in_network(actual: str, wanted: list[str]) -> bool:
    try:
        return any(ipaddress.ip_address(actual) in ipaddress.ip_network(value, strict=False) for value in wanted)
    except ValueError:
        return False


ORDERS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
TESTS: dict[str, Callable[[str, list[str]], bool]] = {
    "StringEquals": lambda actual, wanted: actual in wanted,
    "StringNotEquals": lambda actual, wanted: actual not in wanted,
    "StringEqualsIgnoreCase": _any_case,
    "StringNotEqualsIgnoreCase": lambda actual, wanted: not _any_case(actual, wanted),
    "StringLike": _any_like,
    "StringNotLike": lambda actual, wanted: not _any_like(actual, wanted),
    "ArnEquals": _any_like,
    "ArnNotEquals": lambda actual, wanted: not _any_like(actual, wanted),
    "ArnLike": _any_like,
    "ArnNotLike": lambda actual, wanted: not _any_like(actual, wanted),
    "Bool": _any_case,
    "IpAddress": _in_network,
    "NotIpAddress": lambda actual, wanted: not _in_network(actual, wanted),
    **{f"Numeric{name}": _numeric(order) for name, order in ORDERS.items()},
    "NumericNotEquals": lambda actual, wanted: not _numeric(operator.eq)(actual, wanted),
}
NEGATED = frozenset(name for name in TESTS if "Not" in name)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(pieces), re.DOTALL)
