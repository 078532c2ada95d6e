"""What a Lambda authorizer's policy says of one call. Pure.

Source: API Gateway Developer Guide, "Output from an API Gateway Lambda authorizer": a principalId, a policyDocument
whose statements allow or deny execute-api:Invoke on ARNs of methods, and a context of strings, numbers and booleans.
A denial wins; what no statement allows is denied.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.statements import as_list, holds, like

ACTION = "execute-api:Invoke"


class BadVerdict(Exception):
    """The authorizer's answer is not of this form; the message says why."""


class Verdict(Struct, frozen=True):
    """What the authorizer says."""

    allowed: bool
    principal_id: str
    context: Mapping[str, Any]


def verdict_of(payload: bytes, method_arn: str) -> Verdict:
    """Raises BadVerdict."""
    try:
        told = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        raise BadVerdict("it is not JSON") from None
    document = told.get("policyDocument") if isinstance(told, dict) else None
    if not isinstance(document, dict) or not isinstance(told.get("principalId"), str):
        raise BadVerdict("it has no principalId, or no policyDocument")
    statements = as_list(document.get("Statement", []))
    if not all(isinstance(each, dict) and each.get("Effect") in ("Allow", "Deny") for each in statements):
        raise BadVerdict("its policyDocument has a statement that neither allows nor denies")
    context = told.get("context") or {}
    if not isinstance(context, dict) or any(isinstance(value, (dict, list)) for value in context.values()):
        raise BadVerdict("its context has values that are not plain")
    effects = {each["Effect"] for each in statements if _applies(each, method_arn)}
    return Verdict(effects == {"Allow"}, told["principalId"], context)


def _applies(statement: Mapping[str, Any], method_arn: str) -> bool:
    actions = [str(each).lower() for each in as_list(statement.get("Action", []))]
    resources = [str(each) for each in as_list(statement.get("Resource", []))]
    if not any(like(action, ACTION.lower()) for action in actions):
        return False
    if not any(like(resource, method_arn) for resource in resources):
        return False
    condition = statement.get("Condition") or {}
    return not condition or (
        isinstance(condition, dict)
        and all(isinstance(each, dict) for each in condition.values())
        and holds(condition, {}, unknown=statement["Effect"] == "Deny")
    )
