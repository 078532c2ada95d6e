"""Whether a role's trust policy lets somebody assume it.

Pure. Knows: principals (accounts, users, roles, sessions, services), the actions of STS, and the
conditions that trust policies commonly carry. A condition that it does not know does not hold for
an Allow and holds for a Deny: what cannot be judged is refused.

A statement that names an account (`arn:aws:iam::A:root` or `A`) hands the decision to the
identity policies of that account; until policies are enforced, everyone in the account has it.

Sources: IAM User Guide, "AWS JSON policy elements: Principal" and "Policy evaluation logic";
"IAM JSON policy elements: Condition operators".
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import json

from lambent.services.iam.document import as_list, statements_of

Context = Mapping[str, str]
_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/(.+)")


def trusts(trust: str, kind: str, name: str, context: Context) -> bool:
    """Whether `trust` allows sts:AssumeRole to a principal.

    Args:
        trust: the policy's JSON, checked when it was stored.
        kind: "AWS" for an identity's ARN, "Service" for a service's name.
        name: that ARN or name.
        context: the condition keys that are known, in lower case.
    """
    decided = [
        statement["Effect"]
        for statement in statements_of(json.decode(trust))
        if _names_assume_role(statement)
        and _names_principal(statement, kind, name)
        and _holds(statement.get("Condition", {}), context, unknown=statement["Effect"] == "Deny")
    ]
    return "Allow" in decided and "Deny" not in decided


def _names_assume_role(statement: dict[str, Any]) -> bool:
    negated = "NotAction" in statement
    actions = as_list(statement["NotAction" if negated else "Action"])
    return any(_like(action.lower(), "sts:assumerole") for action in actions) is not negated


def _names_principal(statement: dict[str, Any], kind: str, name: str) -> bool:
    negated = "NotPrincipal" in statement
    principal = statement["NotPrincipal" if negated else "Principal"]
    if principal == "*":
        principal = {"AWS": "*"}
    named = as_list(principal.get(kind, []))
    return any(_is_principal(pattern, kind, name) for pattern in named) is not negated


def _is_principal(pattern: str, kind: str, name: str) -> bool:
    if pattern in ("*", name):
        return True
    if kind == "Service":
        return False
    account = name.split(":")[4]
    if pattern in (account, f"arn:aws:iam::{account}:root"):
        return True
    session = _SESSION.fullmatch(name)
    if session is None:
        return False
    role = re.fullmatch(rf"arn:aws:iam::{session[1]}:role/(?:.*/)?([^/]+)", pattern)
    return role is not None and role[1] == session[2]


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Context, *, unknown: bool) -> bool:
    """Whether every test of `condition` holds; `unknown` stands for those that cannot be judged."""
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            if not _test(operator, context.get(key.lower()), [str(value) for value in as_list(wanted)], unknown):
                return False
    return True


def _test(operator: str, actual: str | None, wanted: list[str], unknown: bool) -> bool:
    base = operator.removesuffix("IfExists")
    if actual is None:
        return True if base != operator else unknown
    match base:
        case "StringEquals":
            return actual in wanted
        case "StringEqualsIgnoreCase":
            return actual.lower() in [value.lower() for value in wanted]
        case "StringLike" | "ArnLike" | "ArnEquals":
            return any(_like(pattern, actual) for pattern in wanted)
        case "StringNotEquals":
            return actual not in wanted
        case "StringNotLike" | "ArnNotLike" | "ArnNotEquals":
            return not any(_like(pattern, actual) for pattern in wanted)
        case _:
            return unknown


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(pieces), re.DOTALL)
