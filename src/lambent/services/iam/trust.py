"""Whether a role's trust policy lets somebody assume it.

Pure. Knows: principals (accounts, users, roles, sessions, services), the actions of STS, and the
conditions that trust policies commonly carry. A condition that it does not know does not hold for
an Allow and holds for a Deny: what cannot be judged is refused.

A statement that names an account (`arn:aws:iam::A:root` or `A`) hands the decision to the
identity policies of that account; until policies are enforced, everyone in the account has it.

Sources: IAM User Guide, "AWS JSON policy elements: Principal" and "Policy evaluation logic";
"IAM JSON policy elements: Condition operators".
"""

from typing import Any

from msgspec import json

from lambent.services.conditions import holds
from lambent.services.iam.document import statements_of
from lambent.services.statements import WITH_VARIABLES, Context, as_list, is_principal, like


def trusts(trust: str, kind: str, name: str, context: Context) -> bool:
    """Whether `trust` allows sts:AssumeRole to a principal.

    Args:
        trust: the policy's JSON, checked when it was stored.
        kind: "AWS" for an identity's ARN, "Service" for a service's name.
        name: that ARN or name.
        context: the condition keys that are known, in lower case.
    """
    document = json.decode(trust)
    variables = document.get("Version") == WITH_VARIABLES
    decided = [
        statement["Effect"]
        for statement in statements_of(document)
        if _names_assume_role(statement)
        and _names_principal(statement, kind, name)
        and holds(statement.get("Condition", {}), context, denies=statement["Effect"] == "Deny", variables=variables)
    ]
    return "Allow" in decided and "Deny" not in decided


def _names_assume_role(statement: dict[str, Any]) -> bool:
    negated = "NotAction" in statement
    actions = as_list(statement["NotAction" if negated else "Action"])
    return any(like(action.lower(), "sts:assumerole") for action in actions) is not negated


def _names_principal(statement: dict[str, Any], kind: str, name: str) -> bool:
    negated = "NotPrincipal" in statement
    principal = statement["NotPrincipal" if negated else "Principal"]
    if principal == "*":
        principal = {"AWS": "*"}
    named = as_list(principal.get(kind, []))
    return any(is_principal(pattern, name) for pattern in named) is not negated
