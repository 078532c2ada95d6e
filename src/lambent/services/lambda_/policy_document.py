"""Whole policies that callers write: the form that a resource policy of a function must have. Pure.

What could not be judged when somebody calls (an operator or a condition key that we do not know) is refused here by
name.
Source: IAM User Guide, "Grammar of the IAM JSON policy language" and "Condition operators".
"""

import json
from typing import Any

from lambent.services.conditions import is_operator
from lambent.services.lambda_.environment_variables import is_unicode
from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.policy import Document
from lambent.services.lambda_.statements import INVALID_PRINCIPAL, kind_of
from lambent.services.statements import as_list, like

ELEMENTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"}
KINDS = {"AWS", "Service"}
CONDITION_KEYS = {
    *("aws:sourcearn", "aws:sourceaccount", "aws:principalarn", "aws:principalaccount", "aws:principalorgid"),
    *("lambda:functionurlauthtype", "lambda:invokedviafunctionurl", "lambda:eventsourcetoken"),
}  # what `api.Caller` tells, and what no request here has


def parsed(text: str, arn: str) -> Document:
    """The policy of the function at `arn`. Raises InvalidParameter."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("it is not JSON") from None
    if not isinstance(document, dict) or set(document) - {"Version", "Id", "Statement"} or not is_unicode(text):
        raise _wrong("it has Version, Id and Statement, and nothing else")
    if document.get("Version", "2012-10-17") not in ("2012-10-17", "2008-10-17") or not _texts(document.get("Id", "")):
        raise _wrong("Version is 2012-10-17, and Id a string")
    statements = as_list(document.get("Statement") or [])
    if not statements:
        raise _wrong("it has no statement")
    for statement in statements:
        _check(statement, arn)
    sids = [each["Sid"] for each in statements if "Sid" in each]
    if len(set(sids)) != len(sids):
        raise _wrong("each Sid may be there once")
    return document


def _check(statement: Any, arn: str) -> None:
    if not isinstance(statement, dict) or set(statement) - ELEMENTS:
        raise _wrong(f"a statement is an object with members of {', '.join(sorted(ELEMENTS))}")
    if statement.get("Effect") not in ("Allow", "Deny") or not _texts(statement.get("Sid", "")):
        raise _wrong("Effect is Allow or Deny, and Sid a string")
    _check_principal(_one_of(statement, "Principal", "NotPrincipal"))
    actions = as_list(_one_of(statement, "Action", "NotAction"))
    if not all(_texts(each) and (each == "*" or each.lower().startswith("lambda:")) for each in actions):
        raise _wrong("actions are those of lambda")
    resources = as_list(statement.get("Resource") or [])
    if not resources or not all(_texts(each) and like(each, arn) for each in resources):
        raise _wrong(f"each Resource is {arn}")
    _check_condition(statement.get("Condition", {}))


def _one_of(statement: dict[str, Any], element: str, negated: str) -> Any:
    given = [statement[name] for name in (element, negated) if statement.get(name)]
    if len(given) != 1:
        raise _wrong(f"a statement has {element} or {negated}")
    return given[0]


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or set(principal) - KINDS:
        raise _wrong("a principal is *, or an object with AWS or Service")
    if not principal or not all(as_list(names) for names in principal.values()):
        raise _wrong("a principal is somebody")
    for kind, names in principal.items():
        for each in as_list(names):
            if not _texts(each) or ((kind, each) != ("AWS", "*") and kind_of(each) != kind):
                raise InvalidParameter(INVALID_PRINCIPAL)


def _check_condition(condition: Any) -> None:
    if not isinstance(condition, dict):
        raise _wrong("Condition is an object")
    for operator, keys in condition.items():
        if not is_operator(operator):
            raise _wrong(f"Lambent does not know the condition operator {operator}")
        if not isinstance(keys, dict) or not all(_texts(each, bool) for one in keys.values() for each in as_list(one)):
            raise _wrong(f"{operator} has keys with strings")
        for key in keys:
            if key.lower() not in CONDITION_KEYS:
                raise _wrong(f"Lambent does not know the condition key {key}")


def _texts(value: Any, *others: type) -> bool:
    return isinstance(value, (str, *others))


def _wrong(why: str) -> InvalidParameter:
    return InvalidParameter(f"The policy is malformed: {why}.")
