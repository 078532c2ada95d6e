"""The statement that AddPermission writes for each kind of principal and condition. Pure.

Source: behaviours section 20 (recorded statements; the order of their members is that of the recordings).
"""

import re
from typing import Any

from lambent.services.lambda_.errors import InvalidParameter
from lambent.services.lambda_.policy import Statement
from lambent.services.operation import Request

ACCOUNT = re.compile(r"[0-9]{12}")
IDENTITY = re.compile(r"arn:aws[a-z-]*:(?:iam::[0-9]{12}:(?:root|user/.+|role/.+)|sts::[0-9]{12}:(?:assumed-role/.+))")
SERVICE = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com)")
INVALID_PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."
URL_ACTION = "lambda:InvokeFunctionUrl"
CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)


def statement_for(arn: str, request: Request) -> Statement:
    """The statement of an AddPermission request about the function at `arn`. Raises InvalidParameter."""
    statement: Statement = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(request["Principal"]),
        "Action": request["Action"],
        "Resource": arn,
    }
    if request.get("FunctionUrlAuthType") and request["Action"] != URL_ACTION:
        raise InvalidParameter(f"FunctionUrlAuthType is only supported for {URL_ACTION} action")
    condition = _condition(request)
    if condition:
        statement["Condition"] = condition
    return statement


def _principal(principal: str) -> str | dict[str, str]:
    if principal == "*":
        return principal
    if ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    kind = kind_of(principal)
    if not kind:
        raise InvalidParameter(INVALID_PRINCIPAL)
    return {kind: principal}


def kind_of(principal: str) -> str:
    """What a policy calls it: AWS (an account, a user, a role, a session) or Service; "" for what is neither."""
    if ACCOUNT.fullmatch(principal) or IDENTITY.fullmatch(principal):
        return "AWS"
    return "Service" if SERVICE.fullmatch(principal) else ""


def _condition(request: Request) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for member, operator, key in CONDITIONS:
        if request.get(member):
            found.setdefault(operator, {})[key] = request[member]
    if request.get("InvokedViaFunctionUrl") is not None:
        found["Bool"] = {"lambda:InvokedViaFunctionUrl": str(request["InvokedViaFunctionUrl"]).lower()}
    return found
