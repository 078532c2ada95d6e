"""The policies of queues and topics: their form, and what they allow and deny. Pure.

Knows: Effect, Principal (`*`, AWS, Service), Action, Resource; `conditions.py` knows the operators. An operator that is
none is refused when a policy is set; NotPrincipal, NotAction and NotResource are too, but for buckets.

Sources: SQS Developer Guide, "Using custom policies with the Amazon SQS access policy language"; SNS Developer Guide,
"Example cases for Amazon SNS access control"; IAM User Guide,
"Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.conditions import holds, is_operator
from lambent.services.statements import WITH_VARIABLES, Context, as_list, expanded, like, names_principal

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
    context: Context = {}
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
    known = document or {}
    variables = known.get("Version") == WITH_VARIABLES
    effects = {each["Effect"] for each in as_list(known.get("Statement", [])) if _applies(each, question, variables)}
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
        is_operator(operator)
        and isinstance(keys, dict)
        and all(isinstance(value, str | bool | int) for values in keys.values() for value in as_list(values))
        for operator, keys in condition.items()
    )


def _applies(statement: Mapping[str, Any], question: Question, variables: bool) -> bool:
    return (
        names_principal(statement, question.kind, question.principal)
        and _lists(statement, "Action", lambda each: like(each.lower(), question.action.lower()))
        and _lists(statement, "Resource", lambda each: _is_resource(each, question, variables))
        and holds(
            statement.get("Condition", {}),
            question.context,
            denies=statement["Effect"] == "Deny",
            complete=question.complete,
            variables=variables,
        )
    )


def _lists(statement: Mapping[str, Any], element: str, meets: Callable[[str], bool]) -> bool:
    """Whether the element, or its negation, lets the statement apply; one that has neither is about everything."""
    negated = f"Not{element}" in statement
    values = as_list(statement.get(f"Not{element}" if negated else element, "*"))
    return any(map(meets, values)) is not negated


def _is_resource(pattern: str, question: Question, variables: bool) -> bool:
    wanted = expanded(pattern, question.context) if variables else pattern
    return wanted is not None and like(wanted, question.resource)
