"""Resource policies: the statements that AWS's permission operations write, and who may then do what.

Pure. Knows: the form of statements, and how they decide together. Does not know what carries the policy.
What cannot be judged is refused (`services/conditions.py`).

Source: behaviours section 20; IAM User Guide, "Policy evaluation logic"; Lambda Developer Guide,
"Working with resource-based IAM policies".
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lambent.services.conditions import holds
from lambent.services.lambda_.errors import Conflict, NotFound, PolicyTooLong, StalePolicy
from lambent.services.statements import WITH_VARIABLES, as_list, like, names_principal

Statement = dict[str, Any]
Document = dict[str, Any]
NO_POLICY = "No policy is associated with the given resource."


class Policy(Struct, frozen=True):
    """A policy as it is stored. A caller's own document keeps the form that it had."""

    document: Document
    revision_id: str

    @property
    def text(self) -> str:
        """The document as JSON."""
        return msgspec.json.encode(self.document).decode()


class Asked(Struct, frozen=True):
    """A question to a policy. `principal` is an identity's ARN or a service's name; `context` has the
    condition keys that are known, in lower case."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str]


def check_revision(policy: Policy | None, revision_id: str | None, operation: str) -> None:
    """Raises StalePolicy when the caller has seen another policy than this."""
    if revision_id and (policy is None or policy.revision_id != revision_id):
        raise StalePolicy(operation)


def with_statement(policy: Policy | None, statement: Statement, revision_id: str, limit_bytes: int) -> Policy:
    """`policy` with one more statement. Raises Conflict (the Sid is taken), PolicyTooLong."""
    document = {"Version": "2012-10-17", "Id": "default", "Statement": []} if policy is None else policy.document
    statements = as_list(document["Statement"])
    if any(each.get("Sid") == statement["Sid"] for each in statements):
        raise Conflict(
            f"The statement id ({statement['Sid']}) provided already exists. Please provide a new statement id, "
            "or remove the existing statement."
        )
    longer = Policy({**document, "Statement": [*statements, statement]}, revision_id)
    check_length(longer.text, limit_bytes)
    return longer


def without_statement(policy: Policy | None, sid: str, revision_id: str) -> Policy | None:
    """`policy` without that statement; None when it was the last. Raises NotFound."""
    if policy is None:
        raise NotFound(NO_POLICY)
    statements = as_list(policy.document["Statement"])
    left = [each for each in statements if each.get("Sid") != sid]
    if len(left) == len(statements):
        raise NotFound(f"Statement {sid} is not found in resource policy.")
    return Policy({**policy.document, "Statement": left}, revision_id) if left else None


def check_length(text: str, limit_bytes: int) -> None:
    """Raises PolicyTooLong."""
    size = len(text.encode())
    if size > limit_bytes:
        raise PolicyTooLong(f"The final policy size ({size}) is bigger than the limit ({limit_bytes}).")


def allows(policy: Policy | None, asked: Asked) -> bool:
    """Whether some statement allows what is asked, and none denies it."""
    return _decided(policy, asked) == {"Allow"}


def denies(policy: Policy | None, asked: Asked) -> bool:
    """Whether some statement denies what is asked."""
    return "Deny" in _decided(policy, asked)


def has_denial(document: Document | None) -> bool:
    """Whether some statement denies anything to anybody."""
    return document is not None and any(each["Effect"] == "Deny" for each in as_list(document["Statement"]))


def _decided(policy: Policy | None, asked: Asked) -> set[str]:
    if policy is None:
        return set()
    variables = policy.document.get("Version") == WITH_VARIABLES
    return {each["Effect"] for each in as_list(policy.document["Statement"]) if _applies(each, asked, variables)}


def _applies(statement: Statement, asked: Asked, variables: bool) -> bool:
    kind, denies = "AWS" if asked.principal.startswith("arn:") else "Service", statement["Effect"] == "Deny"
    return (
        _listed(statement, "Action", lambda each: like(each.lower(), asked.action.lower()))
        and _listed(statement, "Resource", lambda each: like(each, asked.resource))
        and names_principal(statement, kind, asked.principal)
        and holds(statement.get("Condition", {}), asked.context, denies=denies, variables=variables)
    )


def _listed(statement: Statement, element: str, matches: Any) -> bool:
    negated = f"Not{element}" in statement
    values = as_list(statement.get(f"Not{element}" if negated else element, "*"))
    return any(map(matches, values)) is not negated
