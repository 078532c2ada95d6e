"""What the statements of every policy have in common: patterns, variables, and the forms that name an identity. Pure.

Knows: the wildcards of actions and resources, `${...}` in resources and conditions, whom Principal and NotPrincipal
mean. Conditions are judged in `conditions.py`. Does not know which policy it is.

Sources: IAM User Guide, "AWS JSON policy elements: Principal" (an account, its root, a role for its sessions),
"AWS JSON policy elements: NotPrincipal" (who is excepted is named together with the account) and "IAM policy elements:
Variables and tags" (a variable without value meets nothing, `${*}` is a star).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

Context = Mapping[str, str | Sequence[str]]
"""Condition keys in lower case, with their values: a sequence for keys that may have several."""

WITH_VARIABLES = "2012-10-17"
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
TOKEN = re.compile(r"\$\{[*?$]\}|.", re.DOTALL)
MEANING = {"*": ".*", "?": "."}


def as_list(value: Any) -> list[Any]:
    """The elements of what may be one or a list of them."""
    return value if isinstance(value, list) else [value]


def like(pattern: str, text: str) -> bool:
    """Whether `text` matches a pattern with `*` and `?`; `${*}` is a star itself."""
    return _compiled(pattern).fullmatch(text) is not None


def expanded(pattern: str, context: Context) -> str | None:
    """A pattern with its variables filled in, as themselves whatever signs they have; None where one has no value."""
    try:
        return VARIABLE.sub(lambda found: _filled(found[1], context), pattern) if "${" in pattern else pattern
    except KeyError:
        return None


def plain(pattern: str) -> str:
    """What an expanded pattern says where signs have no meaning."""
    return re.sub(r"\$\{([*?$])\}", r"\1", pattern) if "${" in pattern else pattern


def is_principal(pattern: str, principal: str) -> bool:
    """Whether a policy that names `pattern` means `principal`: an identity's ARN, or a service's name."""
    if pattern in ("*", principal):
        return True
    parts = principal.split(":")
    if len(parts) < 6:
        return False
    account = parts[4]
    if pattern in _whole(account):
        return True
    session = parts[5].split("/")
    role = re.fullmatch(rf"arn:aws:iam::{account}:role/(?:.*/)?([^/]+)", pattern)
    return session[0] == "assumed-role" and role is not None and role[1] == session[1]


def names_principal(statement: Mapping[str, Any], kind: str, principal: str) -> bool:
    """Whether a statement is about `principal`, whose `kind` is AWS (an identity's ARN) or Service (its name)."""
    if "NotPrincipal" in statement:
        return not _excepts(statement["NotPrincipal"], kind, principal)
    named = statement["Principal"]
    if named == "*" or "*" in as_list(named.get("AWS", [])):
        return True
    return any(is_principal(each, principal) for each in as_list(named.get(kind, [])))


def _excepts(named: Any, kind: str, principal: str) -> bool:
    """Whether NotPrincipal leaves `principal` alone: its account has to be named too, for that is asked first."""
    if named == "*" or "*" in as_list(named.get("AWS", [])):
        return True
    patterns, parts = as_list(named.get(kind, [])), principal.split(":")
    if kind != "AWS" or len(parts) < 6:
        return principal in patterns
    accounts = _whole(parts[4])
    own = principal in accounts or any(
        is_principal(each, principal) for each in patterns if each not in accounts and each != "*"
    )
    return own and not accounts.isdisjoint(patterns)


def _whole(account: str) -> frozenset[str]:
    return frozenset({account, f"arn:aws:iam::{account}:root"})


def _filled(name: str, context: Context) -> str:
    """What stands for a variable. Raises KeyError where it has neither a value nor a default."""
    if name in ("*", "?", "$"):
        return f"${{{name}}}"
    key, comma, default = name.partition(",")
    value = context.get(key.strip().lower())
    if isinstance(value, str):
        return re.sub(r"[*?$]", r"${\g<0>}", value)
    if not comma:
        raise KeyError(key)
    return default.strip().strip("'")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_meant, TOKEN.findall(pattern))), re.DOTALL)


def _meant(token: str) -> str:
    return re.escape(token[2]) if len(token) > 1 else MEANING.get(token, re.escape(token))
