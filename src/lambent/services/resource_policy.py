"""The policies of queues and topics: their form, and what they allow and deny. Pure.

Knows: Effect, Principal (`*`, AWS, Service), Action, Resource, and the condition operators that such policies carry.
What cannot be judged does not hold for an Allow, and holds for a Deny. NotPrincipal is refused when a policy is set;
NotAction and NotResource are too where the service's policies have none.

Sources: SQS Developer Guide, "Using custom policies with the Amazon SQS access policy language"; SNS Developer Guide,
"Example cases for Amazon SNS access control"; IAM User Guide,
"Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.statements import as_list, holds, is_principal, like

Document = dict[str, Any]
FIELDS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
VERSIONS = ("2008-10-17", "2012-10-17")


class Question(Struct, frozen=True):
    """Who wants to do what. `kind` is "AWS" with an ARN, or "Service" with a name such as sns.amazonaws.com;
    `action` is whole, such as sqs:SendMessage.

    `context` holds the condition keys that are known, in lower case; where it is `complete`, a key that it lacks is
    one that the request lacks, and not one that cannot be judged."""

    kind: str
    principal: str
    account: str
    action: str
    resource: str
    context: Mapping[str, str] = {}
    complete: bool = False


def is_valid(text: str, service: str) -> bool:
    """Whether `text` is a policy that a resource of the service (`sqs`, `sns`) may have."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    if not isinstance(document, dict) or document.get("Version", VERSIONS[0]) not in VERSIONS:
        return False
    statements = as_list(document.get("Statement", []))
    return bool(statements) and all(_is_statement(each, service) for each in statements)


def parsed(text: str) -> Document:
    """The policy in a text that `is_valid`."""
    document: Document = msgspec.json.decode(text)
    return document


def decision(document: Document | None, question: Question) -> str:
    """`Allow`, `Deny`, or nothing where no statement applies."""
    effects = {each["Effect"] for each in as_list((document or {}).get("Statement", [])) if _applies(each, question)}
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else ""


def _is_statement(statement: Any, service: str) -> bool:
    if not isinstance(statement, dict) or set(statement) - FIELDS or statement.get("Effect") not in ("Allow", "Deny"):
        return False
    actions, condition = as_list(statement.get("Action", [])), statement.get("Condition", {})
    action = re.compile(rf"\*|(?i:{service}):[A-Za-z*?]+")
    if not actions or not all(isinstance(each, str) and action.fullmatch(each) for each in actions):
        return False
    if not all(isinstance(each, str) for each in as_list(statement.get("Resource", []))):
        return False
    return _is_principal_form(statement.get("Principal")) and _is_condition(condition)


def _is_principal_form(principal: Any) -> bool:
    if principal == "*":
        return True
    return (
        isinstance(principal, dict)
        and bool(principal)
        and set(principal) <= {"AWS", "Service", "Federated"}
        and all(isinstance(name, str) and name for names in principal.values() for name in as_list(names))
    )


def _is_condition(condition: Any) -> bool:
    return isinstance(condition, dict) and all(
        isinstance(keys, dict)
        and all(isinstance(value, str | bool | int) for values in keys.values() for value in as_list(values))
        for keys in condition.values()
    )


def _applies(statement: Mapping[str, Any], question: Question) -> bool:
    unknown = statement["Effect"] == "Deny" and not question.complete
    return (
        _names_principal(statement["Principal"], question)
        and _names_action(statement, question.action.lower())
        and _names_resource(statement, question.resource)
        and holds(statement.get("Condition", {}), question.context, unknown=unknown)
    )


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(like(each.lower(), action) for each in as_list(statement["NotAction"]))
    return any(like(each.lower(), action) for each in as_list(statement["Action"]))


def _names_resource(statement: Mapping[str, Any], resource: str) -> bool:
    if "NotResource" in statement:
        return not any(like(each, resource) for each in as_list(statement["NotResource"]))
    return any(like(each, resource) for each in as_list(statement.get("Resource", resource)))


def _names_principal(principal: Any, question: Question) -> bool:
    if principal == "*":
        return True
    if any(is_principal(name, question.principal) for name in as_list(principal.get(question.kind, []))):
        return True
    return "*" in as_list(principal.get("AWS", []))
