"""What a Lambda authorizer's policy says of one call. Pure.

Source: API Gateway Developer Guide, "Output from an API Gateway Lambda authorizer": a policyDocument whose statements
allow or deny execute-api:Invoke on ARNs of methods. A denial wins; what no statement allows is denied. Statements are
judged as every policy is (`services.conditions`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from lambent.services.conditions import holds
from lambent.services.statements import as_list, like

ACTION = "execute-api:invoke"


class BadVerdict(Exception):
    """The authorizer's answer is not of this form; the message says why."""


def allows(document: Any, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether a policy lets its bearer call `resource`; `context` has the condition keys that are known.

    Raises:
        BadVerdict: it is no policy.
    """
    if not isinstance(document, dict):
        raise BadVerdict("it has no policyDocument")
    effects = set()
    for statement in as_list(document.get("Statement", [])):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise BadVerdict("its policyDocument has a statement that neither allows nor denies")
        if _applies(statement, resource, context or {}):
            effects.add(statement["Effect"])
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], resource: str, context: Mapping[str, str]) -> bool:
    condition = statement.get("Condition") or {}
    if not isinstance(condition, dict) or not all(isinstance(each, dict) for each in condition.values()):
        raise BadVerdict("its policyDocument has a Condition that is no object of objects")
    return (
        _listed(statement, "Action", lambda each: like(each.lower(), ACTION))
        and _listed(statement, "Resource", lambda each: like(each, resource))
        and holds(condition, context, denies=statement["Effect"] == "Deny")
    )


def _listed(statement: Mapping[str, Any], element: str, matches: Callable[[str], bool]) -> bool:
    negated = f"Not{element}" in statement
    values = as_list(statement.get(f"Not{element}" if negated else element, []))
    if not all(isinstance(each, str) for each in values):
        raise BadVerdict(f"its policyDocument has a statement whose {element} is no text")
    return any(map(matches, values)) is not negated
